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
from ..text.endings import expectation
from .interruption import names
from .overlap import has_rest, open_turn, take_rest
from .patience import Evidence
from .preparation import answers, drop_other, prepare_unscored, reconsider, take_words
from .settings import Speculation
from .state import MAX_SPLITS, State, TurnState, continued, is_far, is_full, joined

Commands: TypeAlias = Iterator[Command]

# ---------------------------------------------------------------- the user speaks


def hear(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    turn.begin_turn()
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
    if turn.faded_at != event.position:
        turn.is_asked = False
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


def leave_out(turn: TurnState, words: str = "", seq: int | None = None) -> Commands:
    """What a message has no room for is not kept, which is told once a turn; `seq` as in `LeaveOut`."""
    if is_full(turn, words) and not turn.is_full_told:
        turn.is_full_told = True
        yield c.LeaveOut(turn.number, seq)


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
    turn.reply, turn.audible_at, turn.voice = None, None, None
    turn.expects = expectation(event.text, turn.language)
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


# ---------------------------------------------------------------- the turn is over


def commit(turn: TurnState, event: object, now: float) -> Commands:
    """The turn is the user's no more. The transcript is asked for here, where nothing was begun early."""
    if isinstance(event, e.ActivityEnded):
        turn.decision = None
    if not turn.is_asked:
        yield turn.ask()
    if turn.awaits_transcript:
        yield from prepare_unscored(turn, now)
        think(turn, now)
    else:
        yield from settle(turn, now)


def answer_late(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    if not turn.awaits_words:
        return
    take_words(turn, event)
    if not turn.awaits_transcript:
        yield from settle_late(turn, now)


def settle_late(turn: TurnState, now: float) -> Commands:
    """The time spent waiting for the words counts against the deadline; its reserve is for an apology."""
    number, deadline = turn.number, turn.deadline or now
    yield from settle(turn, now)
    if turn.reply is not None and turn.number == number:
        is_apology = turn.reply.kind is ReplyKind.APOLOGY
        turn.deadline = deadline + (turn.settings.apology_reserve if is_apology else 0.0)


def apologize(turn: TurnState, event: object, now: float) -> Commands:
    """Too long without a sound. A second time there is nothing more to say."""
    late = turn.committed
    yield from turn.cancel(e.CancelReason.DEADLINE)
    if late is not None and late.kind is ReplyKind.APOLOGY:
        yield c.DiscardTurn(turn.number, failed=True)
        yield from hand_over(turn, now)
        return
    yield turn.new_reply(ReplyKind.APOLOGY, "", late)
    if late is None:
        yield from let_out(turn, turn.message, turn.spoken)
    else:
        yield from let_out(turn, "", None)
    turn.deadline = now + turn.settings.apology_reserve


# ---------------------------------------------------------------- from the user to the answer


def settle(turn: TurnState, now: float) -> Commands:
    """The words are there: answer them, or say why not, or take it that nothing was said to us."""
    is_others = turn.spoken and is_far(turn, now) and not names(turn.spoken, turn.settings.assistant_name)
    if is_others:
        turn.transcript = None
    has_failed = turn.transcript is not None and turn.transcript.failed
    if turn.message:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    elif has_failed and not has_rest(turn):
        yield from commit_reply(turn, ReplyKind.APOLOGY, now)
    else:
        yield from drop_turn(turn, now, is_others=bool(is_others))


def commit_reply(turn: TurnState, kind: ReplyKind, now: float) -> Commands:
    """The user's words become a message, once and for all unless nobody hears the answer."""
    message = turn.message
    if turn.reply is not None and not (kind is ReplyKind.ANSWER and answers(turn, message)):
        yield from turn.cancel(e.CancelReason.SPEECH)
    if turn.reply is None:
        yield turn.new_reply(kind, message)
    if turn.spoken and kind is ReplyKind.ANSWER:
        turn.user_level.learn(turn.level, now)
    yield from let_out(turn, message, turn.spoken)
    think(turn, now)


def let_out(turn: TurnState, message: str, spoken: str | None) -> Commands:
    """The reply that is alive; `message` and `spoken` as in `CommitReply`."""
    yield from leave_out(turn)
    continues = continued(turn, message)
    yield c.CommitReply(turn.reply_number, turn.number, message, spoken, continues, turn.decision)
    turn.is_committed, turn.decision = True, None
    turn.drop_words()


def think(turn: TurnState, now: float) -> None:
    turn.state = State.THINKING
    turn.deadline = now + turn.settings.turn_deadline - turn.settings.apology_reserve


def answer_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Typed words are a whole turn."""
    turn.begin_turn()
    if event.verbatim:
        message = ""
        yield turn.new_reply(ReplyKind.VERBATIM, event.text, event)
    else:
        message = joined(turn.carried, event.text)
        yield turn.new_reply(ReplyKind.ANSWER, message, event)
    yield from let_out(turn, message, None)
    think(turn, now)


# ---------------------------------------------------------------- to nobody, or to who waits


def drop_turn(turn: TurnState, now: float, *, is_others: bool = False) -> Commands:
    """There is nothing to answer. An answer that this turn cut has the floor again."""
    yield from turn.cancel(e.CancelReason.SPEECH)
    turn.drop_words()
    if text := take_rest(turn):
        yield turn.new_reply(ReplyKind.VERBATIM, text)
        yield from let_out(turn, "", "")
        think(turn, now)
        return
    yield c.DiscardTurn(turn.number, is_far=is_others)
    yield from rest(turn, now)


def hand_over(turn: TurnState, now: float) -> Commands:
    """Somebody who is speaking already has it."""
    if turn.user_speaks:
        turn.begin_turn()
    else:
        yield from rest(turn, now)


def rest(turn: TurnState, now: float) -> Commands:
    """Nobody has the turn: whoever waits for it gets it."""
    turn.state, turn.deadline = State.LISTENING, None
    if turn.waiting:
        yield from answer_text(turn, turn.waiting.popleft(), now)
