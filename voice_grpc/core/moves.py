"""What is done when somebody speaks, types or stops: one small action for each transition of `turn.py`.

An action changes the `Floor` and yields commands, in the order they are to be carried out.
Which action runs when is the table's to say; how the floor changes hands is in `handover.py`.
"""

from .commands import Duck, Forget, Kind, Unduck
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
from .handover import Commands, answer_text, cancel, commit_reply, drop_turn, give_floor

# ---------------------------------------------------------------- the user speaks


def hear(floor: Floor, event: SpeechStarted, now: float) -> Commands:
    floor.begin_turn()
    yield from ()


def hear_on(floor: Floor, event: SpeechStarted, now: float) -> Commands:
    """They were not done."""
    yield from cancel(floor, Why.SPEECH)
    floor.hear_on()


def give_words_back(floor: Floor, event: SpeechStarted, now: float) -> Commands:
    """They were not done, and it was too late to wait: the turn that begins answers these words too."""
    if floor.reply is None:
        floor.hear_on()
    elif floor.reply.interruptible:
        yield from cancel(floor, Why.SPEECH, returns_words=True)
        floor.begin_turn()


def hold_floor(floor: Floor, event: ActivityStarted, now: float) -> Commands:
    """A button is no noise: it interrupts at once, whatever is said."""
    was_in_turn = floor.state in (State.HEARING, State.ENDING) or floor.awaits_words
    yield from cancel(floor, Why.ACTIVITY, returns_words=floor.state is State.THINKING)
    if was_in_turn:
        floor.hear_on()
    else:
        floor.begin_turn()


def await_end(floor: Floor, event: SpeechEnded, now: float) -> Commands:
    """Between the button's START and END no silence ends the turn."""
    if floor.is_held:
        return
    floor.state = State.ENDING
    floor.deadline = now + max(0.0, floor.settings.hold - event.silence)
    yield floor.ask()


def end_at_once(floor: Floor, event: object, now: float) -> Commands:
    yield floor.ask()
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
        yield from drop_turn(floor, now)


def discard_unheard(floor: Floor, event: object, now: float) -> Commands:
    if floor.awaits_words:
        yield from discard(floor, event, now)


# ---------------------------------------------------------------- typed words


def add_text(floor: Floor, event: TextReceived, now: float) -> Commands:
    """Typed while speaking: both are answered together. What is to be said verbatim waits."""
    if event.verbatim:
        floor.waiting.append(event)
        return
    yield from cancel(floor, Why.TEXT)
    floor.carried = f"{floor.carried} {event.text}".strip()


def add_or_wait(floor: Floor, event: TextReceived, now: float) -> Commands:
    """Before the answer is heard typed words join those it is for. What is to be said verbatim waits."""
    if event.verbatim or not event.interrupts:
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
    """It was said over an answer that may not be interrupted, or is the rest of what was cancelled."""
    if not floor.awaits_words:
        yield Forget()


def interrupt(floor: Floor, event: object, now: float) -> Commands:
    yield from cancel(floor, Why.SPEECH)
    floor.begin_turn()


def stop(floor: Floor, event: object, now: float) -> Commands:
    """A stop button asks for silence: what is known of the user's words is kept, and not answered."""
    if floor.reply is None and not floor.message:
        yield from drop_turn(floor, now)
        return
    if floor.reply is None:
        yield from commit_reply(floor, Kind.ANSWER, now)
    yield from cancel(floor, Why.REQUEST)
    yield from give_floor(floor, now)
