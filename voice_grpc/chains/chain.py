"""What the chains of all stages share."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from typing import Generic, TypeVar

from ..core.errors import EngineError, EngineTimeout
from .link import E, Link, Redact

FIRST_SECONDS = 3.0
"""For the first output, when another engine stands by: what is then left of the 6.5 s that a turn has
before it is apologised for is enough for that one. Hosted models begin within 2.4 s
(kwindla/aiewf-eval: Gemini 2.5 Flash, the slowest of 30 runs)."""

T = TypeVar("T")


class FirstOutput:
    """A limit for the first output of one stream, from `start` until `stop`."""

    def __init__(self, stage: str, engine: str, seconds: float | None) -> None:
        """None: no limit; there is nobody else."""
        self._stage, self._engine, self._seconds = stage, engine, seconds
        self._until: float | None = None
        self._waiting: asyncio.Timeout | None = None

    def start(self) -> None:
        if self._seconds is None:
            return
        self._until = asyncio.get_running_loop().time() + self._seconds
        if self._waiting is not None:
            self._waiting.reschedule(self._until)

    def stop(self) -> None:
        self._until = None

    async def next(self, items: AsyncGenerator[T, None]) -> T | None:
        """None at the end. Raises `EngineTimeout` when the limit is over; `items` have ended then."""
        return await self.wait(anext(items, None))

    async def wait(self, work: Awaitable[T]) -> T:
        """Raises `EngineTimeout` when the limit is over; `work` is cancelled then."""
        limit = asyncio.timeout_at(self._until)
        try:
            async with limit:
                self._waiting = limit
                try:
                    return await work
                finally:
                    self._waiting = None
        except TimeoutError:
            if not limit.expired():
                raise
            text = f"{self._engine} gave nothing within {self._seconds:g} s"
            raise EngineTimeout(self._stage, text) from None


class Chain(Generic[E]):
    """`name` and `location` are those of who is in charge: the first whose circuit is closed."""

    def __init__(
        self, engines: Sequence[E], *, first_seconds: float = FIRST_SECONDS, redact: Redact = str
    ) -> None:
        """At least one engine. `redact`: see `Link`."""
        self.links = [Link(engine, redact) for engine in engines]
        self.first_seconds = first_seconds

    @property
    def name(self) -> str:
        return self._in_charge().engine.name

    @property
    def location(self) -> str:
        return self._in_charge().engine.location

    async def warm(self) -> None:
        """All, side by side; who fails is left out. Raises the first one's error when none is left."""
        async with asyncio.TaskGroup() as tasks:
            for link in self.links:
                tasks.create_task(_warm(link), name=f"warm-{link.engine.name}")
        if not any(link.is_ready for link in self.links):
            raise self.links[0].last or EngineError("session", "there is no engine")

    async def close(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for link in self.links:
                tasks.create_task(link.engine.close(), name=f"close-{link.engine.name}")

    def _in_charge(self) -> Link[E]:
        return next((link for link in self.links if link.is_ready), self.links[0])


async def _warm(link: Link[E]) -> None:
    try:
        await link.engine.warm()
    except EngineError as error:
        link.stayed_cold(error)
