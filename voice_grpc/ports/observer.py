"""Whoever looks on while conversations are held: admission control, telemetry, the log. Nothing comes back.

What is told is a happening: past tense, frozen, of bounded size, and without a word that was said, a sample
of sound or a secret. `TurnWords` is the exception, for whoever the operator asked to tell words; nobody else
looks at it. Nothing is told for each frame.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ..core.responses import TurnMetrics, TurnPhase
from ..core.timeline import Timeline
from ..core.trace_context import TraceContext
from ..core.turn.interruption import OverlapVerdict
from .engine import Engine


@dataclass(frozen=True, slots=True, eq=False)
class SessionIdentity:
    """Of one conversation, as long as one server has it, on whatever lines."""

    session_id: str
    trace: TraceContext


@dataclass(frozen=True, slots=True)
class SessionBegan:
    """On a line. One that goes on begins again on the next, which may come before the last has ended."""

    session: SessionIdentity
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the caller said of itself and the operator allowed to be told, by key."""


@dataclass(frozen=True, slots=True)
class SessionOver:
    """On a line; or, where it has none any more, altogether."""

    session: SessionIdentity
    why: str
    """An `EndReason` or a `Reason`; `parked` where the line was lost and the conversation waits for another,
    `cancelled` where it does not: the client hung up, or the server stopped. Of one that waited also
    `overdue`: its caller did not come back in time; and `crowded`: too many waited."""
    seconds: float
    """On the line; of one that waited, since it lost the last."""
    is_failure: bool = False
    goes_on: bool = False
    """Without a line: the conversation waits for another, whatever ended this one. It begins on that, or is
    over altogether."""
    is_carried: bool = True
    """False: it waited, and is over altogether."""


@dataclass(slots=True)
class ClauseTimes:
    """What the voice took for one clause, in seconds of the conversation's clock."""

    requested: float
    characters: int
    first_audio: float | None = None
    """None: none came."""
    last_audio: float | None = None


@dataclass(frozen=True, slots=True)
class EngineFacts:
    name: str
    location: str
    """As `Engine.location`; empty: not known."""

    @classmethod
    def of(cls, engine: Engine, fallback: str = "") -> "EngineFacts":
        """Of who did the work: `engine`, or the one that stood in for it; where that is, nobody says."""
        if fallback and fallback != engine.name:
            return cls(fallback, "")
        return cls(engine.name, engine.location)


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """What an answer took."""

    metrics: TurnMetrics
    clauses: Sequence[ClauseTimes]
    """The first `MAX_CLAUSES` that were given to the voice."""
    llm: EngineFacts | None
    """None: no model was asked; the words were given."""
    tts: EngineFacts | None
    """None: it was text alone."""


MAX_CLAUSES = 32
"""Of one answer, whose times are kept: some three minutes of speech."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    session: SessionIdentity
    turn: int
    end: TurnPhase
    """COMPLETED, INTERRUPTED, FAILED or DISCARDED."""
    reason: str
    """As in `TurnEvent`: of INTERRUPTED a `CancelReason`, else a sentence of ours or nothing."""
    timeline: Timeline
    ended: float
    """By the conversation's clock, which is that of `timeline`."""
    now: float
    """By the event loop's, in seconds."""
    answer: AnswerFacts | None = None
    """None: there was none."""
    stt: EngineFacts | None = None
    """None: nothing was spoken, or no words came of it."""


@dataclass(frozen=True, slots=True)
class TurnWords:
    """For `--log-words` alone."""

    session: SessionIdentity
    turn: int
    user: str
    answer: str
    """What was heard of it."""


@dataclass(frozen=True, slots=True)
class NoticeTold:
    session: SessionIdentity
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class OverlapJudged:
    """A voice over an answer was taken to be something."""

    session: SessionIdentity
    verdict: OverlapVerdict


@dataclass(frozen=True, slots=True)
class ReplyMade:
    """What a reply took of engines, whether anybody heard it or not."""

    session: SessionIdentity
    input_tokens: int
    output_tokens: int
    characters: int
    """Given to the voice."""


@dataclass(frozen=True, slots=True)
class WorkWasted:
    """What was prepared for one turn and thrown away: part of what `ReplyMade` says."""

    session: SessionIdentity
    replies: int
    tokens: int
    characters: int
    audio: float
    """Seconds of sound."""


@dataclass(frozen=True, slots=True)
class StatusTold:
    """A call ended with an error, or was refused."""

    method: str
    """Of VoiceService."""
    reason: str
    """A `Reason`."""


# ---------------------------------------------------------------- calls of one stage


@dataclass(frozen=True, slots=True, eq=False)
class CallIdentity:
    """Of one call of Transcribe or Synthesize."""

    method: str
    """Of VoiceService."""
    trace: TraceContext


@dataclass(slots=True)
class CallWork:
    """What a call came to, so far."""

    pieces: int = 0
    """Utterances that were transcribed, or clauses that the voice was given."""
    characters: int = 0
    """Given to the voice."""
    audio: float = 0.0
    """Seconds of sound that came in, or was made."""
    delay: float | None = None
    """Seconds: the longest that an utterance waited for its words, or the first clause for its sound."""


@dataclass(frozen=True, slots=True)
class CallBegan:
    call: CallIdentity


@dataclass(frozen=True, slots=True)
class CallOver:
    call: CallIdentity
    why: str
    """`done`, `cancelled` or a `Reason`."""
    seconds: float
    work: CallWork
    is_failure: bool = False


@dataclass(frozen=True, slots=True)
class UtteranceTranscribed:
    """Of Transcribe: an utterance, or a part of one that is too long, has its words or will have none. Times
    are the event loop's."""

    call: CallIdentity
    stt: EngineFacts
    audio: float
    """Seconds of it."""
    spoken: float
    """When its last sound came."""
    transcribed: float
    now: float
    failure: str = ""
    """A `Reason`; empty: nothing went wrong."""


@dataclass(frozen=True, slots=True)
class ClauseSpoken:
    """Of Synthesize: all the sound of a clause was made, or no more will be. Times are the event loop's."""

    call: CallIdentity
    tts: EngineFacts
    index: int
    times: ClauseTimes
    now: float
    failure: str = ""
    """A `Reason`; empty: nothing went wrong."""


@dataclass(frozen=True, slots=True)
class EngineStoodIn:
    """Of Synthesize, where nobody is told of it by a Notice: another engine than the first did it."""

    stage: str


@dataclass(frozen=True, slots=True)
class LoadSeen:
    """What admission control sees; told about once a second."""

    sessions: int
    streams: int
    """Sessions, and other calls that take a place."""
    capacity: int
    takes_more: bool
    delays: Mapping[str, tuple[float, float]]
    """By `Delay`: what it is and its limit, in seconds; one that is not known is not there."""
    parked: int = 0
    """Conversations that wait for their callers; they take no place."""


Happening: TypeAlias = (
    SessionBegan
    | SessionOver
    | TurnEnded
    | TurnWords
    | NoticeTold
    | OverlapJudged
    | ReplyMade
    | WorkWasted
    | StatusTold
    | CallBegan
    | CallOver
    | UtteranceTranscribed
    | ClauseSpoken
    | EngineStoodIn
    | LoadSeen
)


class Observer(Protocol):
    def observe(self, happening: Happening) -> None:
        """Cheap; never blocks, never raises. Called on the event loop."""
        ...


class Observers:
    """Several side by side; each is told, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def observe(self, happening: Happening) -> None:
        for observer in self._observers:
            observer.observe(happening)


NOBODY_LOOKS = Observers()
UNTRACED = TraceContext("0" * 31 + "1")
"""Of a session that nobody traces."""
