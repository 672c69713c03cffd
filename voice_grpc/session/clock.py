"""The time of a conversation: monotonic, and it stands still while the conversation is held."""

import asyncio

from ..ports import Clock

TICK = 1e-6
"""Seconds that a wait lasts at least: a loop's timer may fire a nanosecond before its time, and whoever
asks again then would wait for nothing, over and over."""


class LoopClock:
    """The event loop's own time; virtual where the loop's is."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()


class ConversationClock:
    """`clock` less the time spent paused."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paused_for = 0.0
        self._paused_at: float | None = None
        self._running = asyncio.Event()
        self._running.set()

    def now(self) -> float:
        at = self._clock.now() if self._paused_at is None else self._paused_at
        return at - self._paused_for

    @property
    def is_paused(self) -> bool:
        return self._paused_at is not None

    def pause(self) -> None:
        if self._paused_at is None:
            self._paused_at = self._clock.now()
            self._running.clear()

    def resume(self) -> None:
        if self._paused_at is not None:
            self._paused_for += self._clock.now() - self._paused_at
            self._paused_at = None
            self._running.set()

    async def running(self) -> None:
        """Until time passes."""
        await self._running.wait()

    async def wait(self, event: asyncio.Event, until: float | None) -> None:
        """Until `event` is set or this clock shows `until`, whichever is first; None: the event alone."""
        if until is None:
            await event.wait()
            return
        try:
            async with asyncio.timeout(max(TICK, until - self.now())):
                await event.wait()
        except TimeoutError:
            await self.running()
