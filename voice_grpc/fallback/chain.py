"""What the chains of all stages share: a member and its circuit breaker, one attempt with its verdict, who is
asked in which order, a limit for the first output, and the chain around its members.

Whose fault a failure is, and so whether it is counted, is decided here and nowhere else; what a chain of one
stage passes on is its own file's.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

from ..core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from ..ports import Engine
from .circuit_breaker import CircuitBreaker

E = TypeVar("E", bound=Engine)

Redact = Callable[[str], str]

_ENGINE_FAULTS = (
    EngineTimeout, EngineEmpty, EngineMissing, EngineDenied, EngineQuota, EngineUnreachable,
)  # fmt: skip
"""Failures that no request is to blame for: they are counted also where they are not `retryable`."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Member(Generic[E]):
    """One engine of a chain, and whether it is to be asked now."""

    engine: E
    redact: Redact = str
    """Takes secrets out of what an engine says, should one have left any there."""
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    last: EngineError | None = None
    """What it failed with last; None: it has not failed, or went well since."""
    is_warm: bool = True
    """False: it could not be warmed so far, and is to be before it is asked."""
    _told: str = ""
    """The last line that the operator was told of it."""

    @property
    def is_ready(self) -> bool:
        return self.breaker.is_closed()

    def begin(self) -> "Attempt[E]":
        """A call of it, to be used as a block."""
        return Attempt(self, self.breaker.begin(_now()))

    async def wake(self) -> None:
        """Warm it if it is still cold. Raises what its `warm` raises."""
        if not self.is_warm:
            await self.engine.warm()
            self.is_warm = True

    def stayed_cold(self, error: EngineError, *, is_told: bool = False) -> None:
        """It could not be warmed at the start: it is left out until it is due, and warmed then."""
        self.is_warm = False
        self.failed(error, for_good=True, is_told=is_told)

    def cleaned(self, error: EngineError) -> EngineError:
        """The same error, without the secrets that its engine may have left in it."""
        error.args = (self.redact(str(error)), *error.args[1:])
        error.advice = self.redact(error.advice)
        return error

    def answered(self, *, is_whole: bool) -> None:
        """A call gave its first output, or all of it (`is_whole`)."""
        if not self.is_ready:
            log.info("%s answers again", self.engine.name)
        if is_whole:
            self.last, self._told = None, ""
            self.breaker.succeeded()
        else:
            self.breaker.answered()

    def failed(
        self, error: EngineError, *, is_probe: bool = False, for_good: bool = False, is_told: bool = False
    ) -> None:
        """A call failed. That is counted unless the one request is to blame: what a caller sends must not
        take the engine away from the others. And it is logged, unless the operator `is_told` otherwise."""
        self.cleaned(error)
        if isinstance(error, EngineBlocked):
            self.answered(is_whole=True)
            return
        is_of_request = not error.retryable and not isinstance(error, _ENGINE_FAULTS)
        was_ready, self.last = self.is_ready, error
        if not is_of_request or is_probe or for_good:
            for_good = for_good or isinstance(error, EngineDenied | EngineMissing)
            self.breaker.failed(_now(), is_probe=is_probe, for_good=for_good, told=error.retry_after)
        self._tell(error, may_be_news=(was_ready or is_probe) and not is_told)

    def left_out(self) -> EngineError:
        """The error that stands for not asking it now: why, and since when."""
        stage, cause = (self.last.stage, str(self.last)) if self.last else ("session", "it failed")
        now = _now()
        since = 0.0 if self.breaker.open_since is None else now - self.breaker.open_since
        text = f"{self.engine.name} has been left out for {since:.0f} s"
        if (rest := self.breaker.reopens_at - now) > 0:
            text += f" and is for {rest:.0f} s more"
        return EngineError(stage, f"{text}: {cause}")

    def _tell(self, error: EngineError, *, may_be_news: bool) -> None:
        """A warning when it is news, and not once a turn: the operator knows of one that is left out."""
        out = "" if self.is_ready else f"; left out for {self.breaker.cooling:.0f} s"
        advice = f" ({error.advice})" if error.advice else ""
        text = f"{error.stage}: {self.engine.name}: {error}{advice}{out}"
        is_news, self._told = may_be_news and text != self._told, text
        log.log(logging.WARNING if is_news else logging.DEBUG, "%s", text)


@dataclass(slots=True)
class Attempt(Generic[E]):
    """One call of one engine, as a block: what ends the block is the verdict on it.

    A block that is left by its caller went well if there was output, and says nothing if there was none.
    """

    member: Member[E]
    is_probe: bool
    has_output: bool = False
    _is_judged: bool = False

    def answered(self) -> None:
        """The first output of this call is there."""
        if not self.has_output:
            self.has_output = True
            self.member.answered(is_whole=False)

    def failed(self, error: EngineError) -> None:
        self._is_judged = True
        self.member.failed(error, is_probe=self.is_probe)

    def not_judged(self) -> None:
        """Whatever went wrong, it was not this engine."""
        self._is_judged = True
        self.member.breaker.abandoned(is_probe=self.is_probe)

    def __enter__(self) -> "Attempt[E]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._is_judged:
            return
        if isinstance(error, EngineError):
            self.failed(error)
        elif self.has_output:
            self.member.answered(is_whole=True)
        else:
            self.not_judged()


@dataclass(frozen=True, slots=True)
class Candidates(Generic[E]):
    members: tuple[Member[E], ...]
    """Sorted by whom to ask first."""
    cause: EngineError | None
    """Why the first of `members` does the work of a better one; None: it is the best."""


def candidates(
    members: Sequence[Member[E]], rank: Callable[[Member[E]], int] = lambda member: 0
) -> Candidates[E]:
    """Lower ranks come first, then the order of the chain. Who is left out comes last, the one that is due
    first before the others: a breaker never leaves a turn without an attempt."""
    now = _now()
    ranked = sorted(members, key=rank)
    allowed = [member for member in ranked if member.breaker.allows(now)]
    left_out = [member for member in ranked if member not in allowed]
    left_out.sort(key=lambda member: (member.breaker.is_probing(now), member.breaker.reopens_at))
    order = (*allowed, *left_out)
    return Candidates(order, ranked[0].left_out() if order[0] is not ranked[0] else None)


def _now() -> float:
    return asyncio.get_running_loop().time()


FIRST_SECONDS = 3.0
"""For the first output, when another engine stands by: what is then left of the 6.5 s that a turn has
before it is apologised for is enough for that one. Hosted models begin within 2.4 s
(kwindla/aiewf-eval: Gemini 2.5 Flash, the slowest of 30 runs)."""

RETRY_SECONDS = 4.8
"""From the first request to the second one, where nobody else stands by: of the 6.5 s that a turn has before
it is apologised for, what leaves a hosted model and a voice time to begin (0.6 and 0.3 s at the median)."""

T = TypeVar("T")


class FirstOutput:
    """A limit for the first output of one stream, from `start` until `stop`."""

    def __init__(self, stage: str, engine: str, seconds: float | None) -> None:
        """`seconds`: from `start` to the first output; None: no limit, since there is nobody else."""
        self._stage, self._engine, self._seconds = stage, engine, seconds
        self._deadline: float | None = None
        self._waiting: asyncio.Timeout | None = None

    def start(self) -> None:
        if self._seconds is None:
            return
        self._deadline = asyncio.get_running_loop().time() + self._seconds
        if self._waiting is not None:
            self._waiting.reschedule(self._deadline)

    def stop(self) -> None:
        self._deadline = None

    async def next(self, items: AsyncGenerator[T, None]) -> T | None:
        """None at the end. Raises `EngineTimeout` when the limit is over; `items` have ended then."""
        return await self.wait(anext(items, None))

    async def wait(self, work: Awaitable[T]) -> T:
        """Raises `EngineTimeout` when the limit is over; `work` is cancelled then."""
        limit = asyncio.timeout_at(self._deadline)
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
    """`name`, `location` and `is_embedded` are those of the first member whose circuit is closed."""

    def __init__(
        self,
        engines: Sequence[E],
        *,
        first_seconds: float = FIRST_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
        redact: Redact = str,
    ) -> None:
        """At least one engine. `redact`: see `Member`."""
        self.members = [Member(engine, redact) for engine in engines]
        self.first_seconds, self.retry_seconds = first_seconds, retry_seconds

    @property
    def name(self) -> str:
        return self._in_charge().engine.name

    @property
    def location(self) -> str:
        return self._in_charge().engine.location

    @property
    def is_embedded(self) -> bool:
        return self._in_charge().engine.is_embedded

    async def warm(self) -> None:
        """All, side by side; who fails is left out. Raises the first one's error when none is left."""
        async with asyncio.TaskGroup() as tasks:
            for member in self.members:
                tasks.create_task(_warm(member), name=f"warm-{member.engine.name}")
        if not any(member.is_ready for member in self.members):
            raise self.members[0].last or EngineError("session", "there is no engine")

    async def close(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for member in self.members:
                tasks.create_task(member.engine.close(), name=f"close-{member.engine.name}")

    def _in_charge(self) -> Member[E]:
        return next((member for member in self.members if member.is_ready), self.members[0])


async def _warm(member: Member[E]) -> None:
    try:
        await member.engine.warm()
    except EngineError as error:
        member.stayed_cold(error)
