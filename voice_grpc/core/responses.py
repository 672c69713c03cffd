"""What the server says on a Converse stream, one class an arm. `wire/responses.py` turns them into messages.

`turn` is 0 where a message belongs to none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .config import SessionConfig
from .events import CancelReason
from .turn.patience import Decision


@dataclass(frozen=True, slots=True)
class AudioOutput:
    turn: int
    data: bytes
    index: int
    offset: int
    duration: int
    segment: int
    is_last: bool


@dataclass(frozen=True, slots=True)
class SessionStarted:
    config: SessionConfig
    is_resumed: bool
    last_turn: int
    last_consumed: int = 0
    """Of a conversation whose line was lost: the last request that is not to be sent again."""


@dataclass(frozen=True, slots=True)
class ResumeUpdate:
    token: str
    expires_at: float
    """Unix seconds."""
    last_consumed: int


@dataclass(frozen=True, slots=True)
class ConfigApplied:
    config: SessionConfig
    seq: int


class SpeechKind(Enum):
    STARTED = "started"
    STOPPED = "stopped"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class SpeechEvent:
    speaking: SpeechKind
    position: int
    """Samples at `RATE_HZ`."""
    probability: float


@dataclass(frozen=True, slots=True)
class WordInfo:
    text: str
    start: int
    """Samples at `RATE_HZ` since the start of the stream."""
    end: int


@dataclass(frozen=True, slots=True)
class Transcript:
    turn: int
    segment: int
    revision: int
    text: str
    is_final: bool
    start: int
    """Samples at `RATE_HZ` since the start of the stream."""
    end: int
    stability: float = 1.0
    stable_characters: int = 0
    """At the head of `text`; see `core/transcript/agreement.py`."""
    language: str = ""
    words: tuple[WordInfo, ...] = ()


class TurnPhase(Enum):
    LISTENING = "listening"
    USER_SPEAKING = "user_speaking"
    THINKING = "thinking"
    SPEAKING = "speaking"
    COMPLETED = "completed"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class TurnEvent:
    turn: int
    phase: TurnPhase
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ResponseText:
    turn: int
    segment: int
    delta: str
    is_final: bool = False


class PlaybackAction(Enum):
    DUCK = "duck"
    UNDUCK = "unduck"
    HOLD = "hold"
    """Stop playing, and keep what is buffered."""
    RESUME = "resume"
    FLUSH = "flush"
    """Drop what is buffered of the turn's answer."""


@dataclass(frozen=True, slots=True)
class PlaybackControl:
    turn: int
    action: PlaybackAction
    position: int = 0
    """Of RESUME: the sample of the turn to go on with, at the output rate."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    turn: int
    reason: CancelReason
    played: int
    heard_text: str
    is_reported: bool


@dataclass(frozen=True, slots=True)
class ToolCall:
    turn: int
    call_id: str
    name: str
    arguments: str
    """A JSON object."""


@dataclass(frozen=True, slots=True)
class ToolCallCancelled:
    turn: int
    call_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    stage: str
    """"protocol", "vad", "stt", "llm", "tts" or "session"."""
    reason: str
    message: str
    retryable: bool = False
    seq: int = 0
    field: str = ""
    turn: int = 0


@dataclass(frozen=True, slots=True)
class TurnMetrics:
    turn: int
    seconds: Mapping[str, float]
    """By field name of TurnMetrics; what does not apply is not there."""
    counts: Mapping[str, int]
    decision: Decision | None = None
    """Why the turn was taken to be over; None: a fixed hold, the button or typed words said so."""
    echo_loss: float | None = None
    """dB by which the echo was cancelled (`core/echo/far_end.py`); None: none was."""


@dataclass(frozen=True, slots=True)
class Pong:
    id: int
    client_time_us: int


@dataclass(frozen=True, slots=True)
class GoAway:
    time_left: float
    reason: str


class EndReason(Enum):
    CLIENT = "client"
    HALF_CLOSE = "half_close"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class SessionEnded:
    reason: EndReason


ConverseResponse: TypeAlias = (
    AudioOutput
    | SessionStarted
    | ResumeUpdate
    | ConfigApplied
    | SpeechEvent
    | Transcript
    | TurnEvent
    | ResponseText
    | PlaybackControl
    | Interrupted
    | ToolCall
    | ToolCallCancelled
    | Notice
    | TurnMetrics
    | Pong
    | GoAway
    | SessionEnded
)
