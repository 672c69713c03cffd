"""The facts of a turn, and the actions that change them: one small function for each transition of `turn.py`.

An action changes the `TurnState` and yields commands, in the order in which they are to be carried out.
Which action runs when is for the table of `turn.py` to say. Every reply has a number, the generation:
whatever arrives for a dead number is dropped by number, never by timing.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from . import commands as c
from . import events as e
from .commands import Command, PrepareReply, ReplyKind

Commands: TypeAlias = Iterator[Command]


class State(Enum):
    LISTENING = "listening"
    HEARING = "hearing"
    ENDING = "ending"
    THINKING = "thinking"
    SPEAKING = "speaking"
    YIELDING = "yielding"


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """All durations in seconds."""

    hold: float = 0.5
    """Silence that ends the turn, from the last voiced sample."""
    interrupt_after: float = 0.25
    """Speech that cancels an answer, from its onset."""
    interruptions: bool = True
    speculate: bool = False
    duck: bool = False
    turn_deadline: float = 8.0
    """A committed turn ends in speech or in an apology by then."""
    apology_reserve: float = 1.5
    """Seconds of `turn_deadline` that are kept for the apology."""


@dataclass(slots=True)
class TurnState:
    """What is known of the turn. The actions below change it, and `TurnTaker` what is true in every state."""

    read_settings: Callable[[], TurnSettings]
    """The settings in force: they may change while a turn goes on; a deadline that is set stays."""
    state: State = State.LISTENING
    number: int = 0
    """The last turn that began."""
    revision: int = 0
    """Revision of the last transcript that was asked for."""
    asked_in: int = 0
    """The turn in which that transcript was asked for."""
    transcript: e.Transcribed | None = None
    """The last transcript that came of this turn."""
    carried: str = ""
    """Words given back by a turn whose answer nobody heard, or typed while the user spoke."""
    reply: PrepareReply | None = None
    """The reply that is alive."""
    reply_number: int = 0
    """Number of the last reply that was prepared."""
    deadline: float | None = None
    user_speaks: bool = False
    is_held: bool = False
    """Between the button's START and END no silence ends the turn."""
    waiting: deque[e.TextReceived] = field(default_factory=deque)

    @property
    def settings(self) -> TurnSettings:
        return self.read_settings()

    @property
    def message(self) -> str:
        spoken = self.transcript.text if self.transcript else ""
        return f"{self.carried} {spoken}".strip()

    @property
    def awaits_transcript(self) -> bool:
        return self.transcript is None or self.transcript.revision < self.revision

    @property
    def awaits_words(self) -> bool:
        """The turn is over, and what was said in it is not known yet."""
        return self.state is State.THINKING and self.reply is None

    def ask(self) -> c.AskTranscript:
        self.revision += 1
        self.asked_in = self.number
        return c.AskTranscript(self.revision)

    def begin_turn(self) -> None:
        self.number += 1
        self.hear_on()

    def hear_on(self) -> None:
        self.state, self.deadline = State.HEARING, None

    def take_words(self, event: e.Transcribed) -> None:
        """A revision replaces the one before it; one that failed keeps what was known."""
        text = self.transcript.text if event.failed and self.transcript else event.text
        self.transcript = replace(event, text=text)

    def new_reply(
        self, kind: ReplyKind, text: str, source: e.TextReceived | PrepareReply | None = None
    ) -> PrepareReply:
        """`source` says whether it is spoken and may be interrupted."""
        self.reply_number += 1
        self.reply = PrepareReply(
            self.reply_number,
            self.number,
            kind,
            text,
            text_only=source is not None and source.text_only,
            interruptible=source is None or source.interruptible,
            ssml=source.ssml if source is not None and kind is ReplyKind.VERBATIM else "",
        )
        return self.reply

    def think(self, now: float) -> None:
        self.state = State.THINKING
        self.deadline = now + self.settings.turn_deadline - self.settings.apology_reserve


# ---------------------------------------------------------------- the user speaks


def hear(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    turn.begin_turn()
    yield from ()


def hear_on(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    """They were not done."""
    yield from cancel(turn, e.CancelReason.SPEECH)
    turn.hear_on()


def give_words_back(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    """They were not done, and it was too late to wait: the turn that begins answers these words too."""
    if turn.reply is None:
        turn.hear_on()
    elif turn.reply.interruptible:
        yield from cancel(turn, e.CancelReason.SPEECH, returns_words=True)
        turn.begin_turn()


def start_activity(turn: TurnState, event: e.ActivityStarted, now: float) -> Commands:
    """A button is no noise: it interrupts at once, whatever is said."""
    was_in_turn = turn.state in (State.HEARING, State.ENDING) or turn.awaits_words
    yield from cancel(turn, e.CancelReason.ACTIVITY, returns_words=turn.state is State.THINKING)
    if was_in_turn:
        turn.hear_on()
    else:
        turn.begin_turn()


def await_end(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
    """Between the button's START and END no silence ends the turn."""
    if turn.is_held:
        return
    turn.state = State.ENDING
    turn.deadline = now + max(0.0, turn.settings.hold - event.silence)
    yield turn.ask()


def end_at_once(turn: TurnState, event: object, now: float) -> Commands:
    yield turn.ask()
    turn.think(now)


def keep_words(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    """Late, and the user speaks on: the next revision will hold these words too, if it succeeds."""
    turn.take_words(event)
    yield from ()


def prepare(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    turn.take_words(event)
    if turn.settings.speculate and turn.message and turn.reply is None:
        yield turn.new_reply(ReplyKind.ANSWER, turn.message)


def discard(turn: TurnState, event: object, now: float) -> Commands:
    """What was said in this turn is not meant; what an earlier one gave back still is."""
    yield from cancel(turn, e.CancelReason.ACTIVITY)
    turn.transcript, turn.is_held = None, False
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
    yield from cancel(turn, e.CancelReason.TEXT)
    turn.carried = f"{turn.carried} {event.text}".strip()


def add_or_wait(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Before the answer is heard typed words join those it is for. What is to be said verbatim waits."""
    if event.verbatim or not event.interrupts:
        turn.waiting.append(event)
    elif turn.reply is None:
        yield from add_text(turn, event, now)
    else:
        yield from cancel(turn, e.CancelReason.TEXT, returns_words=True)
        yield from answer_text(turn, event, now)


def interrupt_by_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    if not event.interrupts:
        turn.waiting.append(event)
        return
    was_yielding = turn.state is State.YIELDING
    yield from cancel(turn, e.CancelReason.TEXT)
    if was_yielding:
        turn.begin_turn()
        yield from add_text(turn, event, now)
    else:
        yield from answer_text(turn, event, now)


# ---------------------------------------------------------------- the answer is audible


def speak(turn: TurnState, event: e.ReplyAudible, now: float) -> Commands:
    turn.state, turn.deadline = State.SPEAKING, None
    yield from ()


def finish(turn: TurnState, event: e.ReplyEnded, now: float) -> Commands:
    turn.reply = None
    yield from hand_over(turn, now)


def start_yielding(turn: TurnState, event: e.SpeechStarted, now: float) -> Commands:
    reply = turn.reply
    if reply is None or not turn.settings.interruptions or not reply.interruptible:
        return
    turn.state = State.YIELDING
    turn.deadline = now + max(0.0, turn.settings.interrupt_after - event.speech)
    if turn.settings.duck:
        yield c.Duck(reply.number)


def go_on_speaking(turn: TurnState, event: e.SpeechEnded, now: float) -> Commands:
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
    yield from cancel(turn, e.CancelReason.SPEECH)
    turn.begin_turn()


def stop(turn: TurnState, event: object, now: float) -> Commands:
    """A stop button asks for silence: what is known of the user's words is kept, and not answered."""
    if turn.reply is None and not turn.message:
        yield from drop_turn(turn, now)
        return
    if turn.reply is None:
        yield from commit_reply(turn, ReplyKind.ANSWER, now)
    yield from cancel(turn, e.CancelReason.REQUEST)
    yield from hand_over(turn, now)


# ---------------------------------------------------------------- the turn is over


def commit(turn: TurnState, event: object, now: float) -> Commands:
    """The turn is the user's no more."""
    if turn.awaits_transcript:
        turn.think(now)
    else:
        yield from settle(turn, now)


def answer_late(turn: TurnState, event: e.Transcribed, now: float) -> Commands:
    """The time spent waiting for the words counts against the deadline; its reserve is for an apology."""
    if not turn.awaits_words:
        return
    turn.take_words(event)
    number, deadline = turn.number, turn.deadline or now
    yield from settle(turn, now)
    if turn.reply is not None and turn.number == number:
        is_apology = turn.reply.kind is ReplyKind.APOLOGY
        turn.deadline = deadline + (turn.settings.apology_reserve if is_apology else 0.0)


def apologize(turn: TurnState, event: object, now: float) -> Commands:
    """Too long without a sound. A second time there is nothing more to say."""
    late = turn.reply
    yield from cancel(turn, e.CancelReason.DEADLINE)
    if late is not None and late.kind is ReplyKind.APOLOGY:
        yield c.DiscardTurn(turn.number, failed=True)
        yield from hand_over(turn, now)
        return
    spoken = None if late else turn.transcript.text if turn.transcript else ""
    yield turn.new_reply(ReplyKind.APOLOGY, "", late)
    yield c.CommitReply(turn.reply_number, turn.number, turn.message, spoken)
    turn.carried, turn.transcript = "", None
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
    message, spoken = turn.message, turn.transcript.text if turn.transcript else ""
    if turn.reply is None:
        yield turn.new_reply(kind, message)
    yield c.CommitReply(turn.reply_number, turn.number, message, spoken)
    turn.carried, turn.transcript = "", None
    turn.think(now)


def answer_text(turn: TurnState, event: e.TextReceived, now: float) -> Commands:
    """Typed words are a whole turn."""
    turn.begin_turn()
    if event.verbatim:
        message = ""
        yield turn.new_reply(ReplyKind.VERBATIM, event.text, event)
    else:
        message, turn.carried = f"{turn.carried} {event.text}".strip(), ""
        yield turn.new_reply(ReplyKind.ANSWER, message, event)
    yield c.CommitReply(turn.reply_number, turn.number, message, None)
    turn.think(now)


# ---------------------------------------------------------------- to nobody, or to who waits


def cancel(turn: TurnState, reason: e.CancelReason, *, returns_words: bool = False) -> Commands:
    """Words are returned of an answer only, and carried to the next turn."""
    reply, turn.reply = turn.reply, None
    if reply is None:
        return
    returns_words = returns_words and reply.kind is ReplyKind.ANSWER
    if returns_words:
        turn.carried = reply.text
    yield c.CancelReply(reply.number, reason, returns_words)


def drop_turn(turn: TurnState, now: float) -> Commands:
    """There is nothing to answer."""
    turn.transcript = None
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
