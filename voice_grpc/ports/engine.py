"""What the engines of all four stages share, and what a chain of them says of itself."""

from dataclasses import dataclass
from typing import Protocol

from ..core.audio import Samples
from ..core.errors import EngineError


class Engine(Protocol):
    """What all four stages share."""

    @property
    def name(self) -> str:
        """Model and version for people, such as `whisper-base int8`."""
        ...

    @property
    def location(self) -> str:
        """Where it runs: `in process`, or the address without any secret."""
        ...

    async def warm(self) -> None:
        """Load and run once, so that the first user waits for nothing."""
        ...

    async def close(self) -> None:
        """Stop what runs and free it; returns within 2 s."""
        ...


@dataclass(frozen=True, slots=True)
class Fallback:
    """Before its first output an engine failed or was left out, and the next of its chain does the work."""

    error: EngineError
    """Why the one before does not."""
    engine: str
    """The name of the one that does."""


@dataclass(frozen=True, slots=True)
class Apology:
    """What is said when a turn cannot be answered; made at start, since the voice may be what failed."""

    text: str
    samples: Samples
    rate_hz: int
