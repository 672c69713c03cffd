"""What is done at each transition of `turn.py`: one small action each.

An action changes the `Floor` and yields commands, in the order they are to be carried out.
Which action runs when is the table's to say.
"""

from collections.abc import Iterator
from typing import TypeAlias

from .commands import AskTranscript, Command, CommitReply, DiscardTurn, Duck, Forget, Kind, Unduck
from .events import (
    ActivityStarted,
    ReplyAudible,
    ReplyEnded,
    SpeechEnded,
    SpeechStarted,
    TextReceived,
    Transcribed,
    Why,
)
from .floor import Floor, State

Commands: TypeAlias = Iterator[Command]


# ---------------------------------------------------------------- the user speaks


def hear(floor: Floor, event: SpeechStarted, now: float) -> Commands:
    floor.begin_turn()
    yield from ()


def hear_on(floor: Floor, event: SpeechStarted, now: float) -> Commands:
    """They were not done. An answer that was committed gives its words to the turn that begins."""
    if floor.state is State.THINKING and floor.reply is not None:
        if floor.reply.interruptible:
            yield from cancel(floor, Why.SPEECH, returns_words=True)
            floor.begin_turn()
        return
    yield from cancel(floor, Why.SPEECH)
    floor.state, floor.deadline = State.HEARING, None


def hold_floor(floor: Floor, event: ActivityStarted, now: float) -> Commands:
    """A button is no noise: it interrupts at once, whatever is said."""
    was_in_turn = floor.state in (State.HEARING, State.ENDING) or floor.awaits_words
    yield from cancel(floor, Why.ACTIVITY, returns_words=floor.state is State.THINKING)
    if was_in_turn:
        floor.state, floor.deadline = State.HEARING, None
    else:
        floor.begin_turn()


def await_end(floor: Floor, event: SpeechEnded, now: float) -> Commands:
    """Between the button's START and END no silence ends the turn."""
    if floor.is_held:
        return
    floor.revision += 1
    floor.state = State.ENDING
    floor.deadline = now + max(0.0, floor.settings.hold - event.silence)
    yield AskTranscript(floor.revision)


def end_at_once(floor: Floor, event: object, now: float) -> Commands:
    floor.revision += 1
    yield AskTranscript(floor.revision)
    floor.think(now)


def keep_words(floor: Floor, event: Transcribed, now: float) -> Commands:
    """Late, and the user speaks on: the next revision will hold these words too, if it succeeds."""
    floor.take_words(event)
    yield from ()


def prepare(floor: Floor, event: Transcribed, now: float) -> Commands:
    floor.take_words(event)
    if floor.settings.speculate and floor.message and floor.reply is None:
        yield floor.new_reply(Kind.ANSWER, floor.message)


def discard(floor: Floor, event: object, now: float) -> Commands:
    """What was said in this turn is not meant; what an earlier one gave back still is."""
    yield from cancel(floor, Why.ACTIVITY)
    floor.transcript, floor.is_held = None, False
    if floor.carried:
        yield from commit_reply(floor, Kind.ANSWER, now)
    else:
        yield DiscardTurn(floor.turn)
        yield from rest(floor, now)


def discard_unheard(floor: Floor, event: object, now: float) -> Commands:
    if floor.awaits_words:
        yield from discard(floor, event, now)


# ---------------------------------------------------------------- the turn is over


def commit(floor: Floor, event: object, now: float) -> Commands:
    """The turn is the user's no more."""
    if floor.awaits_transcript:
        floor.think(now)
    else:
        yield from settle(floor, now)


def answer_late(floor: Floor, event: Transcribed, now: float) -> Commands:
    """The time spent waiting for the words counts against the deadline."""
    if not floor.awaits_words:
        return
    floor.take_words(event)
    turn, deadline = floor.turn, floor.deadline
    yield from settle(floor, now)
    if floor.state is State.THINKING and floor.turn == turn:
        floor.deadline = deadline


def settle(floor: Floor, now: float) -> Commands:
    """The words are there: answer them, or say why not, or take it that nothing was said."""
    if floor.message:
        yield from commit_reply(floor, Kind.ANSWER, now)
    elif floor.transcript is not None and floor.transcript.failed:
        yield from commit_reply(floor, Kind.APOLOGY, now)
    else:
        yield DiscardTurn(floor.turn)
        floor.transcript = None
        yield from rest(floor, now)


def commit_reply(floor: Floor, kind: Kind, now: float) -> Commands:
    """The user's words become a message, once and for all unless nobody hears the answer."""
    message, spoken = floor.message, floor.transcript.text if floor.transcript else ""
    if floor.reply is None:
        yield floor.new_reply(kind, message)
    yield CommitReply(floor.number, floor.turn, message, spoken)
    floor.carried, floor.transcript = "", None
    floor.think(now)


def apologize(floor: Floor, event: object, now: float) -> Commands:
    """Too long without a sound. A second time there is nothing more to say."""
    late = floor.reply
    was_apology = late is not None and late.kind is Kind.APOLOGY
    yield from cancel(floor, Why.DEADLINE)
    if was_apology:
        yield DiscardTurn(floor.turn, failed=True)
        yield from rest(floor, now)
        return
    message = floor.message if late is None else ""
    spoken = None if late else floor.transcript.text if floor.transcript else ""
    yield floor.new_reply(Kind.APOLOGY, "", late)
    yield CommitReply(floor.number, floor.turn, message, spoken)
    floor.carried, floor.transcript = "", None
    floor.deadline = now + floor.settings.apology_reserve


# ---------------------------------------------------------------- typed words


def answer_text(floor: Floor, event: TextReceived, now: float) -> Commands:
    floor.begin_turn()
    floor.transcript = None
    if event.verbatim:
        message = ""
        yield floor.new_reply(Kind.VERBATIM, event.text, event)
    else:
        message, floor.carried = f"{floor.carried} {event.text}".strip(), ""
        yield floor.new_reply(Kind.ANSWER, message, event)
    yield CommitReply(floor.number, floor.turn, message, None)
    floor.think(now)


def add_text(floor: Floor, event: TextReceived, now: float) -> Commands:
    """Typed while speaking: both are answered together. What is to be said verbatim waits."""
    if event.verbatim:
        floor.waiting.append(event)
        return
    yield from cancel(floor, Why.TEXT)
    floor.carried = f"{floor.carried} {event.text}".strip()


def add_or_wait(floor: Floor, event: TextReceived, now: float) -> Commands:
    if not event.interrupts:
        floor.waiting.append(event)
    elif floor.reply is None:
        yield from add_text(floor, event, now)
    else:
        yield from cancel(floor, Why.TEXT, returns_words=True)
        yield from answer_text(floor, event, now)


def interrupt_by_text(floor: Floor, event: TextReceived, now: float) -> Commands:
    if not event.interrupts:
        floor.waiting.append(event)
        return
    was_yielding = floor.state is State.YIELDING
    yield from cancel(floor, Why.TEXT)
    if was_yielding:
        floor.begin_turn()
        yield from add_text(floor, event, now)
    else:
        yield from answer_text(floor, event, now)


# ---------------------------------------------------------------- the answer is audible


def speak(floor: Floor, event: ReplyAudible, now: float) -> Commands:
    floor.state, floor.deadline = State.SPEAKING, None
    yield from ()


def finish(floor: Floor, event: ReplyEnded, now: float) -> Commands:
    floor.reply = None
    yield from give_floor(floor, now)


def yield_floor(floor: Floor, event: SpeechStarted, now: float) -> Commands:
    reply = floor.reply
    if reply is None or not floor.settings.interruptions or not reply.interruptible:
        return
    floor.state = State.YIELDING
    floor.deadline = now + max(0.0, floor.settings.interrupt_after - event.speech)
    if floor.settings.duck:
        yield Duck(reply.number)


def take_back_floor(floor: Floor, event: SpeechEnded, now: float) -> Commands:
    """A cough, or "uh-huh"."""
    floor.state, floor.deadline = State.SPEAKING, None
    if floor.settings.duck and floor.reply is not None:
        yield Unduck(floor.reply.number)
    yield Forget()


def forget(floor: Floor, event: SpeechEnded, now: float) -> Commands:
    """It was said over an answer that may not be interrupted."""
    if floor.reply is not None:
        yield Forget()


def interrupt(floor: Floor, event: object, now: float) -> Commands:
    yield from cancel(floor, Why.SPEECH)
    floor.begin_turn()


def stop(floor: Floor, event: object, now: float) -> Commands:
    if floor.reply is None:
        yield from discard(floor, event, now)
        return
    yield from cancel(floor, Why.REQUEST)
    yield from give_floor(floor, now)


# ---------------------------------------------------------------- steps shared by several


def cancel(floor: Floor, why: Why, *, returns_words: bool = False) -> Commands:
    command = floor.drop_reply(why, returns_words=returns_words)
    if command is not None:
        yield command


def give_floor(floor: Floor, now: float) -> Commands:
    """Somebody who is speaking already has it."""
    if floor.user_speaks:
        floor.begin_turn()
    else:
        yield from rest(floor, now)


def rest(floor: Floor, now: float) -> Commands:
    """Nobody has the floor: whoever waits for it gets it."""
    floor.state, floor.deadline = State.LISTENING, None
    if floor.waiting:
        yield from answer_text(floor, floor.waiting.popleft(), now)
