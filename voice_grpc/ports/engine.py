"""What the engines of all four stages share, what a chain of them says of itself, and the apology."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, cast, runtime_checkable

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
        """Where it runs, for people: `in process`, or the address without any secret."""
        ...

    @property
    def is_embedded(self) -> bool:
        """It computes on the cores of this machine, in this process or in a child of it."""
        ...

    async def warm(self) -> None:
        """Load and run once, so that the first user waits for nothing."""
        ...

    async def close(self) -> None:
        """Stop what runs and free it; returns within 2 s."""
        ...


E = TypeVar("E", bound=Engine)
E_co = TypeVar("E_co", bound=Engine, covariant=True)


class EngineMember(Protocol[E_co]):
    """One of the engines that do the work of a stage."""

    @property
    def engine(self) -> E_co: ...

    @property
    def is_ready(self) -> bool:
        """False while it is left out because it failed."""
        ...


@runtime_checkable
class Composite(Protocol):
    """An engine that has others do its work."""

    @property
    def members(self) -> Sequence[EngineMember[Engine]]:
        """At least one, in the order in which they are tried."""
        ...


@dataclass(frozen=True, slots=True)
class _Alone(Generic[E]):
    engine: E
    is_ready: bool = True


def members(engine: E) -> Sequence[EngineMember[E]]:
    """Who does the work of `engine`, in the order in which they are tried: those behind it, else itself."""
    if isinstance(engine, Composite):
        return cast("Sequence[EngineMember[E]]", engine.members)
    return [_Alone(engine)]


@dataclass(frozen=True, slots=True)
class Fallback:
    """Before its first output an engine failed or was left out, and the next of its chain does the work."""

    error: EngineError
    """Why the engine before it does not do the work."""
    engine: str
    """Name of the engine that does the work."""


@dataclass(frozen=True, slots=True)
class Apology:
    """What is said when a turn cannot be answered; made at start, since the voice may be what failed."""

    text: str
    samples: Samples
    rate_hz: int
    """Rate of `samples`, in Hz."""
