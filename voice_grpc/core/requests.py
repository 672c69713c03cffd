"""What the caller says on a Converse stream, one class an arm. `wire/requests.py` makes them."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from .config import SessionConfig


@dataclass(frozen=True, slots=True)
class AudioInput:
    data: bytes
    offset: int | None = None
    """Position of the first sample, at the input rate; None: it follows the chunk before."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class AudioInputEnd:
    pass


@dataclass(frozen=True, slots=True)
class TextInput:
    text: str
    interrupts: bool = True
    text_only: bool = False
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Say:
    text: str
    interruptible: bool = True
    seq: int = 0
    ssml: str = ""
    """The document whose words `text` are; empty: there is nothing but the text."""


class ActivityKind(Enum):
    START = "start"
    END = "end"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class UserActivity:
    press: ActivityKind


@dataclass(frozen=True, slots=True)
class Interrupt:
    turn: int
    """0: the current one."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    pass


@dataclass(frozen=True, slots=True)
class Resume:
    pass


class PlaybackState(Enum):
    STARTED = "started"
    PROGRESS = "progress"
    FINISHED = "finished"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class PlaybackReport:
    turn: int
    playing: PlaybackState
    played: int
    """Samples of this turn, at the output rate."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ToolResult:
    call_id: str
    result: str
    """A JSON object; of a call that failed `{"error": …}`."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ConfigUpdate:
    config: SessionConfig
    """The settings as they will be, whole."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Ping:
    id: int
    client_time_us: int = 0


@dataclass(frozen=True, slots=True)
class EndSession:
    """Finish what is being said, then end. `is_half_close`: the sending side was closed."""

    is_half_close: bool = False


@dataclass(frozen=True, slots=True)
class RefusedRequest:
    """A message that is skipped; the caller is told why."""

    reason: str
    message: str
    field: str = ""
    seq: int = 0


ConverseRequest: TypeAlias = (
    AudioInput
    | AudioInputEnd
    | TextInput
    | Say
    | UserActivity
    | Interrupt
    | Pause
    | Resume
    | PlaybackReport
    | ToolResult
    | ConfigUpdate
    | Ping
    | EndSession
    | RefusedRequest
)
