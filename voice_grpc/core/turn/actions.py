"""What is done about an event: one small function for each transition of `taker.py`.

An action changes the facts of the turn and yields commands, in the order in which they are to be carried out.
Which action runs when is for the table of `taker.py` to say.
"""

from collections.abc import Iterator
from typing import TypeAlias

from .. import commands as c
from .. import events as e
from ..audio import seconds
from ..commands import Command, ReplyKind
from .conclusion import answer_text, commit_reply, drop_turn, hand_over, leave_out, settle_late, think
from .overlap import open_turn
from .patience import Evidence
from .preparation import drop_other, reconsider, take_words, weigh
from .settings import Speculation
from .state import (
    MAX_SPLITS,
    State,
    TurnState,
    begin_turn_under,
    end_told,
    is_full,
    joined,
)

Commands: TypeAlias = Iterator[Command]

# ---------------------------------------------------------------- the user speaks


def hear(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    begin_turn_under(turn, now - event.speech)
    yield from ()


def hear_on(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    """They were not done, or drew a breath: what was prepared is kept until other words are heard."""
    note_pause(turn, event)
    turn.hear_on()
    if turn.is_overlong:
        yield from split(turn, event, now)


def note_pause(turn: TurnState, event: e.SpeechStarted) -> None:
    """How long this user stops in mid-turn; who says nothing for longer than is ever waited waits for us."""
    pause = seconds(event.position - turn.silent_at)
    if turn.message and 0 < pause <= turn.settings.bounds.max_hold:
        turn.pauses.append(pause)


def split_or_end(turn: TurnState, event: e.TurnLimitReached, now: float) -> Commands:
    """A button that was pressed for so long is one whose END was lost: silence does not end its turn."""
    if not turn.is_held or turn.splits < MAX_SPLITS:
        yield from split(turn, event, now)
        return
    turn.is_held = False
    yield c.GiveUpButton(turn.number)
    yield from end_at_once(turn, event, now)


def split(turn: TurnState, event: object, now: float) -> Commands:
    """Nobody is talked over: the turn goes on, and nothing of it is lost."""
    turn.parts.append(turn.spoken)
    turn.splits += 1
    turn.transcript, turn.interim, turn.is_overlong = None, None, False
    turn.asked, turn.faded_at = 0, -1
    yield c.SplitUtterance()


def split_later(turn: TurnState, event: e.TurnLimitReached, now: float) -> Commands:
    """In a silence, which may be the end."""
    turn.is_overlong = True
    yield from ()


def keep_part(turn: TurnState, event: e.PartTranscribed, now: float) -> Commands:
    """One that came to nothing, or failed, keeps what was known of its words."""
    known = turn.parts.popleft()
    spoken = event.text or known
    yield from leave_out(turn, spoken)
    turn.kept = joined(turn.kept, spoken)
    yield c.KeepPart(turn.number, joined(turn.carried, turn.kept), spoken)
    if turn.state is State.ENDING and not turn.awaits_transcript:
        yield from drop_other(turn)
        yield from reconsider(turn, now)
    elif turn.awaits_words and not turn.awaits_transcript:
        yield from settle_late(turn, now)


def give_words_back(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    """They were not done, and it was too late to wait: the turn that begins answers these words too."""
    if turn.committed is None:
        yield from hear_on(turn, event, now)
    elif turn.committed.interruptible:
        was_spoken = turn.asked > 0
        yield from turn.cancel(e.CancelReason.SPEECH, returns_words=True)
        if was_spoken:
            note_pause(turn, event)
        turn.begin_turn()


def start_activity(turn: TurnState, event: e.ActivityStarted, now: float) -> Commands:
    """A button is no noise: it interrupts at once, whatever is said."""
    was_in_turn = turn.state in (State.HEARING, State.ENDING) or turn.awaits_words
    yield from turn.cancel(e.CancelReason.ACTIVITY, returns_words=turn.state is State.THINKING)
    if was_in_turn:
        turn.hear_on()
    else:
        turn.begin_turn()
    turn.is_pressed = True


def await_end(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
    """Between the button's START and END no silence ends the turn."""
    if turn.is_held:
        return
    turn.state = State.ENDING
    turn.silent_since, turn.silent_at = now - event.silence, event.position
    turn.evidence, turn.is_sound_asked = Evidence(), False
    turn.is_asked = turn.faded_at == event.position
    if not turn.is_asked:
        if turn.settings.speculation >= Speculation.STT:
            yield turn.ask()
        elif turn.settings.hold is None:
            turn.revision += 1
    turn.faded_at = -1
    yield from reconsider(turn, now)


def end_at_once(turn: TurnState, event: object, now: float) -> Commands:
    yield turn.ask()
    think(turn, now)


def keep_words(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    """Late, and the user speaks on: the next revision will hold these words too, if it succeeds."""
    take_words(turn, event)
    yield from drop_other(turn)


def discard(turn: TurnState, event: object, now: float) -> Commands:
    """What was said in this turn is not meant; what an earlier one gave back still is."""
    yield from turn.cancel(e.CancelReason.ACTIVITY)
    yield c.TakeBackSpeech()
    if turn.kept:
        turn.rest = None
    turn.drop_words(with_carried=False)
    turn.is_held, turn.decision = False, None
    if turn.carried:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    else:
        yield from drop_turn(turn, now)


def discard_unheard(turn: TurnState, event: object, now: float) -> Commands:
    if turn.awaits_words:
        yield from discard(turn, event, now)


# ---------------------------------------------------------------- typed words


def add_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Typed while speaking: both are answered together. What is to be said verbatim waits."""
    if event.verbatim:
        turn.waiting.append(event)
    elif is_full(turn, event.text):
        yield from leave_out(turn, event.text, event.seq)
    else:
        yield from turn.cancel(e.CancelReason.TEXT)
        turn.carried = joined(turn.carried, event.text)
    if turn.state is State.ENDING and not turn.awaits_transcript:
        weigh(turn, now)


def add_or_wait(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Before the answer is heard typed words join those it is for. What is to be said verbatim waits."""
    if event.verbatim or not event.interrupts:
        turn.waiting.append(event)
    elif turn.committed is None or is_full(turn, event.text):
        yield from add_text(turn, event, now)
    else:
        yield from turn.cancel(e.CancelReason.TEXT, returns_words=True)
        yield from answer_text(turn, event, now)


def interrupt_by_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    if not event.interrupts:
        turn.waiting.append(event)
        return
    voice = turn.voice if turn.state is State.YIELDING else None
    yield from turn.cancel(e.CancelReason.TEXT)
    if voice is not None:
        turn.voice = voice
        yield from open_turn(turn, now)
        yield from add_text(turn, event, now)
    else:
        yield from answer_text(turn, event, now)


# ---------------------------------------------------------------- the answer is audible


def speak(turn: TurnState, event: e.ReplyAudible, now: float) -> Commands:
    turn.state, turn.deadline = State.SPEAKING, None
    turn.audible_at = now
    yield from ()


def finish(turn: TurnState, event: e.ReplyEnded, now: float) -> Commands:
    turn.voice = None
    end_told(turn, event.text, now)
    yield from hand_over(turn, now)


def forget(turn: TurnState, event: e.SpeechEnded | e.TurnLimitReached, now: float) -> Commands:
    """It was said over an answer that may not be interrupted, or is the rest of what was cancelled. However
    long that is, no more of it is kept than of a turn."""
    if not turn.awaits_words:
        yield c.Forget()


def stop(turn: TurnState, event: object, now: float) -> Commands:
    """A stop button asks for silence: what is known of the user's words is kept, and not answered."""
    turn.rest = None
    if turn.committed is None and not turn.message:
        yield from turn.cancel(e.CancelReason.REQUEST)
        yield from drop_turn(turn, now)
        return
    if turn.committed is None:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    was_yielding = turn.state is State.YIELDING
    yield from turn.cancel(e.CancelReason.REQUEST)
    if was_yielding and not turn.user_speaks:
        yield c.Forget()
    yield from hand_over(turn, now)
