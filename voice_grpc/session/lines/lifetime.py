"""How long a line may carry a session: idle, age, and drain."""

import asyncio
from dataclasses import dataclass

from ...core.errors import Draining, VoiceError
from ...core.responses import GoAway
from ..clock import TICK, loop_now
from ..telling.outbox import Outbox


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """All in seconds; None: no limit."""

    idle: float | None = 900.0
    """Nothing came in for so long."""
    max_age: float | None = None
    go_away: float = 10.0
    """Between GoAway and the end: time to finish what is being said."""


class Lifetime:
    """`watch`, anew for each line, ends by returning (idle: a good end of the session) or by raising why the
    line cannot carry it any longer."""

    def __init__(self, limits: SessionLimits, outbox: Outbox) -> None:
        self._limits, self._outbox = limits, outbox
        self._started = self._heard_from = 0.0
        self._verdict: VoiceError | None = None
        self._grace = 0.0
        self._changed = asyncio.Event()
        self._is_quiet = False

    def touch(self) -> None:
        """Something came in."""
        self._heard_from = loop_now()

    def set_quiet(self, is_quiet: bool) -> None:
        """Whether nobody speaks and nothing waits: the moment to end."""
        self._is_quiet = is_quiet
        self._changed.set()

    def end_with(self, error: VoiceError, grace: float) -> None:
        """From outside, on the same loop; a `grace` gives time to finish, and GoAway says so."""
        self._verdict, self._grace = error, grace
        self._changed.set()

    async def watch(self) -> None:
        self._started = self._heard_from = loop_now()
        while self._verdict is None:
            if not await self._changes_before(self._next_due()) and await self._is_over():
                return
        if self._grace:
            await self._drain("drain", self._grace)
        raise self._verdict

    def _next_due(self) -> float | None:
        limits = self._limits
        dues = [
            None if limits.idle is None else self._heard_from + limits.idle,
            None if limits.max_age is None else self._started + limits.max_age,
        ]
        return min((due for due in dues if due is not None), default=None)

    async def _is_over(self) -> bool:
        now, limits = loop_now(), self._limits
        if limits.max_age is not None and now >= self._started + limits.max_age:
            await self._drain("max_age", limits.go_away)
            text = f"the stream reached its maximum age of {limits.max_age:g} s; open another"
            raise self._verdict or Draining(text, 0.0)
        if limits.idle is None or now < self._heard_from + limits.idle:
            return False
        heard_from, ends_at = self._heard_from, now + limits.go_away
        self._outbox.put(GoAway(limits.go_away, "idle"))
        while self._verdict is None and self._heard_from == heard_from:
            if not await self._changes_before(ends_at):
                return self._heard_from == heard_from
        return False

    async def _drain(self, reason: str, grace: float) -> None:
        """Until nobody speaks, the time is up, or somebody will not wait so long."""
        self._outbox.put(GoAway(grace, reason))
        verdict, ends_at = self._verdict, loop_now() + grace
        while not self._is_quiet and self._verdict is verdict:
            if not await self._changes_before(ends_at):
                return

    async def _changes_before(self, until: float | None) -> bool:
        self._changed.clear()
        try:
            async with asyncio.timeout_at(until if until is None else until + TICK):
                await self._changed.wait()
        except TimeoutError:
            return False
        return True
