"""What the caller says on a Converse stream, one class an arm. `wire/requests.py` makes them."""

from dataclasses import dataclass, field
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
    seq: int = field(default=0, compare=False)


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
    seq: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Interrupt:
    turn: int
    """0: the current one."""
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Pause:
    seq: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Resume:
    seq: int = field(default=0, compare=False)


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
    buffered: int = 0
    """Samples that have come and were not played; 0: none, or it is not told."""
    underruns: int = 0
    """Times that playing ran dry in this turn."""


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
    seq: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class EndSession:
    """Finish what is being said, then end. `is_half_close`: the sending side was closed."""

    is_half_close: bool = False
    seq: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class ComeBack:
    """What a caller says that comes back to a conversation whose line was lost: in its config."""

    token: str
    turn: int = 0
    """The last one whose sound reached it; 0: none did, or it does not say."""
    played: int | None = None
    """Samples of that, at the output rate; None: it does not say."""
    last_received: int = 0
    """Number of the last response that reached it; 0: nothing is to be told again."""
    is_numbered: bool = True
    """It numbers its requests; one that does not has nothing to send again."""


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
