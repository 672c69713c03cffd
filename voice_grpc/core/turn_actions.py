"""What is done about an event: one small function for each transition of `turn.py`.

An action changes the facts of the turn and yields commands, in the order in which they are to be carried out.
Which action runs when is for the table of `turn.py` to say.
"""

from collections.abc import Iterator
from typing import TypeAlias

from . import commands as c
from . import events as e
from .audio import seconds
from .commands import Command, ReplyKind
from .patience import Evidence
from .text.endings import expectation
from .turn_preparation import answers, drop_other, prepare_unscored, reconsider, take_words
from .turn_state import Speculation, State, TurnState, continued

Commands: TypeAlias = Iterator[Command]

TOO_EARLY = 0.7
"""Seconds of an answer within which somebody who goes on was not done."""


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


def split(turn: TurnState, event: object, now: float) -> Commands:
    """Nobody is talked over: the turn goes on, and nothing of it is lost."""
    turn.parts.append(turn.spoken)
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
    if spoken:
        turn.kept = f"{turn.kept} {spoken}".strip()
        yield c.KeepPart(turn.number, f"{turn.carried} {turn.kept}".strip(), spoken)
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
        return
    yield from turn.cancel(e.CancelReason.TEXT)
    turn.carried = f"{turn.carried} {event.text}".strip()


def add_or_wait(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Before the answer is heard typed words join those it is for. What is to be said verbatim waits."""
    if event.verbatim or not event.interrupts:
        turn.waiting.append(event)
    elif turn.committed is None:
        yield from add_text(turn, event, now)
    else:
        yield from turn.cancel(e.CancelReason.TEXT, returns_words=True)
        yield from answer_text(turn, event, now)


def interrupt_by_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    if not event.interrupts:
        turn.waiting.append(event)
        return
    was_yielding = turn.state is State.YIELDING
    yield from turn.cancel(e.CancelReason.TEXT)
    if was_yielding:
        turn.begin_turn()
        yield from add_text(turn, event, now)
    else:
        yield from answer_text(turn, event, now)


# ---------------------------------------------------------------- the answer is audible


def speak(turn: TurnState, event: e.ReplyAudible, now: float) -> Commands:
    turn.state, turn.deadline = State.SPEAKING, None
    turn.audible_at = now
    yield from ()


def finish(turn: TurnState, event: e.ReplyEnded, now: float) -> Commands:
    turn.reply, turn.audible_at = None, None
    turn.expects = expectation(event.text, turn.language)
    yield from hand_over(turn, now)


def start_yielding(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    reply = turn.reply
    if reply is None or not turn.settings.interruptions or not reply.interruptible:
        return
    turn.state = State.YIELDING
    turn.yielding_since, turn.yielding_at = now - event.speech, event.position
    turn.deadline = now + max(0.0, turn.settings.interrupt_after - event.speech)
    if turn.settings.duck:
        yield c.Duck(reply.number)


def end_yielding(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
    """Sound that comes all at once, behind a stall of the line, is as long as its positions say: the deadline
    is the clock's, and had no time to pass."""
    if seconds(event.position - turn.yielding_at) >= turn.settings.interrupt_after:
        yield from interrupt(turn, event, now)
        yield from await_end(turn, event, now)
    else:
        yield from go_on_speaking(turn)


def go_on_speaking(turn: TurnState) -> Commands:
    """A cough, or "uh-huh"."""
    turn.state, turn.deadline = State.SPEAKING, None
    if turn.settings.duck and turn.reply is not None:
        yield c.Unduck(turn.reply.number)
    yield c.Forget()


def forget(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
    """It was said over an answer that may not be interrupted, or is the rest of what was cancelled."""
    if not turn.awaits_words:
        yield c.Forget()


def interrupt(turn: TurnState, event: object, now: float) -> Commands:
    """Somebody who goes on as soon as the answer began was not done: it came too early."""
    reply, audible_at = turn.reply, turn.audible_at
    yield from turn.cancel(e.CancelReason.SPEECH)
    turn.begin_turn()
    is_early = audible_at is not None and turn.yielding_since <= audible_at + TOO_EARLY
    if is_early and reply is not None and reply.kind is ReplyKind.ANSWER:
        turn.continues = reply.turn


def stop(turn: TurnState, event: object, now: float) -> Commands:
    """A stop button asks for silence: what is known of the user's words is kept, and not answered."""
    if turn.committed is None and not turn.message:
        yield from turn.cancel(e.CancelReason.REQUEST)
        yield from drop_turn(turn, now)
        return
    if turn.committed is None:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    yield from turn.cancel(e.CancelReason.REQUEST)
    yield from hand_over(turn, now)


# ---------------------------------------------------------------- the turn is over


def commit(turn: TurnState, event: object, now: float) -> Commands:
    """The turn is the user's no more. The transcript is asked for here, where nothing was begun early."""
    if isinstance(event, e.ActivityEnded):
        turn.decision = None
    if not turn.is_asked:
        yield turn.ask()
    if turn.awaits_transcript:
        yield from prepare_unscored(turn)
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
    """The words are there: answer them, or say why not, or take it that nothing was said."""
    if turn.message:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    elif turn.transcript is not None and turn.transcript.failed:
        yield from commit_reply(turn, ReplyKind.APOLOGY, now)
    else:
        yield from drop_turn(turn, now)


def commit_reply(turn: TurnState, kind: ReplyKind, now: float) -> Commands:
    """The user's words become a message, once and for all unless nobody hears the answer."""
    message = turn.message
    if turn.reply is not None and not (kind is ReplyKind.ANSWER and answers(turn, message)):
        yield from turn.cancel(e.CancelReason.SPEECH)
    if turn.reply is None:
        yield turn.new_reply(kind, message)
    yield from let_out(turn, message, turn.spoken)
    think(turn, now)


def let_out(turn: TurnState, message: str, spoken: str | None) -> Commands:
    """The reply that is alive; `message` and `spoken` as in `CommitReply`."""
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
        message = f"{turn.carried} {event.text}".strip()
        yield turn.new_reply(ReplyKind.ANSWER, message, event)
    yield from let_out(turn, message, None)
    think(turn, now)


# ---------------------------------------------------------------- to nobody, or to who waits


def drop_turn(turn: TurnState, now: float) -> Commands:
    """There is nothing to answer."""
    yield from turn.cancel(e.CancelReason.SPEECH)
    turn.drop_words()
    yield c.DiscardTurn(turn.number)
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
