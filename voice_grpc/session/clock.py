"""The time of a conversation: the event loop's, and it stands still while the conversation is held."""

import asyncio

TICK = 1e-6
"""Seconds that a wait lasts at least: a loop's timer may fire a nanosecond before its time, and whoever
asks again then would wait for nothing, over and over."""


def loop_now() -> float:
    """Monotonic seconds of the running loop; virtual where the loop's time is."""
    return asyncio.get_running_loop().time()


class ConversationClock:
    """The loop's time less what was spent paused."""

    def __init__(self) -> None:
        self._paused_for = 0.0
        self._paused_at: float | None = None
        self._running = asyncio.Event()
        self._running.set()

    def now(self) -> float:
        at = loop_now() if self._paused_at is None else self._paused_at
        return at - self._paused_for

    @property
    def is_paused(self) -> bool:
        return self._paused_at is not None

    def pause(self) -> None:
        if self._paused_at is None:
            self._paused_at = loop_now()
            self._running.clear()

    def resume(self) -> None:
        if self._paused_at is not None:
            self._paused_for += loop_now() - self._paused_at
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
