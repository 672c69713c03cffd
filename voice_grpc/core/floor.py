"""The facts about the floor: who has it, and what is known of the turn.

Only `moves.py` and `handover.py` change them. Every reply has a number, the generation: whatever
arrives for a dead number is dropped by number, never by timing.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from enum import Enum

from .commands import AskTranscript, CancelReply, Kind, PrepareReply
from .events import (
    ActivityEnded,
    ActivityStarted,
    Event,
    PatienceOver,
    ReplyAudible,
    ReplyEnded,
    SpeechEnded,
    SpeechStarted,
    TextReceived,
    Transcribed,
    Why,
)

TIMER_SLACK = 0.001
"""Seconds. Timers round: a PatienceOver that is no earlier than this is on time."""


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
    """Of it, kept for the apology."""


@dataclass(slots=True)
class Floor:
    settings: TurnSettings
    state: State = State.LISTENING
    turn: int = 0
    revision: int = 0
    """Of the last transcript that was asked for."""
    asked_in: int = 0
    """The turn in which it was."""
    transcript: Transcribed | None = None
    """The last one that came of this turn."""
    carried: str = ""
    """Words given back by a turn whose answer nobody heard, or typed while the user spoke."""
    reply: PrepareReply | None = None
    """The one that is alive."""
    number: int = 0
    """Of the last reply that was prepared."""
    deadline: float | None = None
    user_speaks: bool = False
    is_held: bool = False
    """Between the button's START and END no silence ends the turn."""
    waiting: deque[TextReceived] = field(default_factory=deque)

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

    def note(self, event: Event) -> None:
        """What is true whatever the state."""
        if isinstance(event, SpeechStarted):
            self.user_speaks = True
        elif isinstance(event, SpeechEnded):
            self.user_speaks = False
        elif isinstance(event, ActivityStarted | ActivityEnded):
            self.is_held = isinstance(event, ActivityStarted)

    def is_stale(self, event: Event, now: float) -> bool:
        """About a reply that is dead, a transcript that is not awaited, or a deadline that was overtaken."""
        match event:
            case ReplyAudible(number) | ReplyEnded(number):
                return self.reply is None or self.reply.number != number
            case Transcribed(revision):
                is_asked = revision == self.revision and self.asked_in == self.turn
                return not (is_asked and self.awaits_transcript)
            case PatienceOver():
                return self.deadline is None or now < self.deadline - TIMER_SLACK
        return False

    def ask(self) -> AskTranscript:
        self.revision += 1
        self.asked_in = self.turn
        return AskTranscript(self.revision)

    def begin_turn(self) -> None:
        self.turn += 1
        self.hear_on()

    def hear_on(self) -> None:
        self.state, self.deadline = State.HEARING, None

    def take_words(self, event: Transcribed) -> None:
        """A revision replaces the one before it; one that failed keeps what was known."""
        text = self.transcript.text if event.failed and self.transcript else event.text
        self.transcript = replace(event, text=text)

    def new_reply(
        self, kind: Kind, text: str, source: TextReceived | PrepareReply | None = None
    ) -> PrepareReply:
        """`source` says whether it is spoken and may be interrupted."""
        self.number += 1
        self.reply = PrepareReply(
            self.number,
            self.turn,
            kind,
            text,
            text_only=source is not None and source.text_only,
            interruptible=source is None or source.interruptible,
            ssml=source.ssml if source is not None and kind is Kind.VERBATIM else "",
        )
        return self.reply

    def drop_reply(self, why: Why, *, returns_words: bool = False) -> CancelReply | None:
        """None when there is none. Words are returned of an answer only, and carried to the next turn."""
        reply, self.reply = self.reply, None
        if reply is None:
            return None
        returns_words = returns_words and reply.kind is Kind.ANSWER
        if returns_words:
            self.carried = reply.text
        return CancelReply(reply.number, why, returns_words)

    def think(self, now: float) -> None:
        self.state = State.THINKING
        self.deadline = now + self.settings.turn_deadline - self.settings.apology_reserve
