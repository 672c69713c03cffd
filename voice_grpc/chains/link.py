"""One engine of a chain: whether it is to be asked now, and what became of asking it."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..core.breaker import Breaker
from ..core.errors import EngineBlocked, EngineDenied, EngineError, EngineMissing
from ..ports import Engine

E = TypeVar("E", bound=Engine)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Link(Generic[E]):
    engine: E
    breaker: Breaker = field(default_factory=Breaker)
    last: EngineError | None = None
    """What it failed with last."""

    @property
    def is_ready(self) -> bool:
        return self.breaker.is_closed()

    def begin(self) -> "Attempt[E]":
        self.breaker.begin(_now())
        return Attempt(self)

    def failed(self, error: EngineError) -> None:
        """Counted, and told to the operator. Safety rules are no failure of the engine."""
        if isinstance(error, EngineBlocked):
            self.breaker.succeeded()
            return
        self.last = error
        self.breaker.failed(_now(), for_good=isinstance(error, EngineDenied | EngineMissing))
        out = "" if self.is_ready else f"; left out for {self.breaker.cooling:.0f} s"
        advice = f" ({error.advice})" if error.advice else ""
        log.warning("%s: %s: %s%s%s", error.stage, self.engine.name, error, advice, out)

    def left_out(self) -> EngineError:
        """Why it is not asked now."""
        stage, why = (self.last.stage, str(self.last)) if self.last else ("session", "it failed")
        seconds = max(0.0, self.breaker.reopens_at - _now())
        return EngineError(stage, f"{self.engine.name} is left out for {seconds:.0f} s more: {why}")


@dataclass(slots=True)
class Attempt(Generic[E]):
    """One call of one engine. As a block it ends without a verdict unless it got one inside."""

    link: Link[E]
    _is_judged: bool = False

    def succeeded(self) -> None:
        """It gave its first output; what fails afterwards is counted all the same."""
        if not self._is_judged:
            self._is_judged = True
            self.link.breaker.succeeded()

    def failed(self, error: EngineError) -> None:
        self._is_judged = True
        self.link.failed(error)

    def __enter__(self) -> "Attempt[E]":
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_judged:
            self.link.breaker.abandoned()


def in_order(
    links: Sequence[Link[E]], rank: Callable[[Link[E]], int] = lambda link: 0
) -> tuple[list[Link[E]], EngineError | None]:
    """Whom to ask, one after the other, and why not the first of all, where that is so.

    Lower ranks come first, then the order of the chain. Who is left out comes last, the one that is due
    first before the others: a breaker never leaves a turn without an attempt.
    """
    now = _now()
    wanted = sorted(links, key=rank)
    allowed = [link for link in wanted if link.breaker.allows(now)]
    out = sorted((link for link in wanted if link not in allowed), key=lambda link: link.breaker.reopens_at)
    why = wanted[0].left_out() if out and allowed and allowed[0] is not wanted[0] else None
    return [*allowed, *out], why


async def warm_all(links: Iterable[Link[E]]) -> None:
    """Side by side; who fails is left out. Raises the first one's error when none is left."""
    links = list(links)

    async def warm(link: Link[E]) -> None:
        try:
            await link.engine.warm()
        except EngineError as error:
            link.failed(error)

    async with asyncio.TaskGroup() as tasks:
        for link in links:
            tasks.create_task(warm(link), name=f"warm-{link.engine.name}")
    if all(link.last is not None for link in links):
        raise links[0].last or EngineError("session", "there is no engine")


async def close_all(links: Iterable[Link[E]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for link in links:
            tasks.create_task(link.engine.close(), name=f"close-{link.engine.name}")


def _now() -> float:
    return asyncio.get_running_loop().time()
