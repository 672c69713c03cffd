"""The time of a conversation: the event loop's, and it stands still while the conversation is held."""

import asyncio
from collections import deque
from enum import Enum

TICK = 1e-6
"""Seconds that a wait lasts at least: a loop's timer may fire a nanosecond before its time, and whoever
asks again then would wait for nothing, over and over."""


KEPT_PAUSES = 256
"""Pauses by which times of one clock are told in the other; those before count in sum. Whoever pauses more
often within a second gets times that are off by so much."""


def loop_now() -> float:
    """Monotonic seconds of the running loop; virtual where the loop's time is."""
    return asyncio.get_running_loop().time()


class Hold(Enum):
    """Why the conversation is held."""

    CALLER = "caller"
    """Who calls asked for it."""
    LINE = "line"
    """The line was lost: nobody is there."""


class ConversationClock:
    """The loop's time less what was spent paused."""

    def __init__(self) -> None:
        self._paused_for = 0.0
        self._paused_at: float | None = None
        self._pauses: deque[tuple[float, float]] = deque()
        """When the last of them began, in this clock's time, and how long each was."""
        self._before = 0.0
        """Seconds of the pauses before those."""
        self._holds = set[Hold]()
        self._running, self._unheld = asyncio.Event(), asyncio.Event()
        self._running.set()
        self._unheld.set()

    def now(self) -> float:
        at = loop_now() if self._paused_at is None else self._paused_at
        return at - self._paused_for

    @property
    def is_paused(self) -> bool:
        return self._paused_at is not None

    @property
    def is_let_go(self) -> bool:
        """It was held for so long that no engine is kept waiting for it: what is begun is finished."""
        return self.is_paused and self._unheld.is_set()

    def pause(self, why: Hold = Hold.CALLER) -> None:
        self._holds.add(why)
        if self._paused_at is None:
            self._paused_at = loop_now()
            self._running.clear()
            self._unheld.clear()

    def resume(self, why: Hold = Hold.CALLER) -> None:
        """Time goes on where nothing else holds it."""
        self._holds.discard(why)
        if self._paused_at is not None and not self._holds:
            self._pauses.append((self._paused_at - self._paused_for, loop_now() - self._paused_at))
            if len(self._pauses) > KEPT_PAUSES:
                self._before += self._pauses.popleft()[1]
            self._paused_for += loop_now() - self._paused_at
            self._paused_at = None
            self._running.set()
            self._unheld.set()

    def let_go(self) -> None:
        """Whoever has an engine waits for this time no longer."""
        self._unheld.set()

    def at(self, loop_time: float) -> float:
        """What this clock shows then, or showed; a time within a pause is its beginning."""
        lost = self._before
        for began, lasted in self._pauses:
            if loop_time < began + lost:
                break
            lost += min(lasted, loop_time - began - lost)
        shown = loop_time - lost
        return shown if self._paused_at is None else min(shown, self._paused_at - self._paused_for)

    def in_loop_time(self, start: float, end: float) -> list[tuple[float, float]]:
        """From `start` to `end` of this clock, in parts without a pause: where each begins here, and in the
        loop's time. What begins with a pause begins behind it."""
        lost, parts = self._before, list[tuple[float, float]]()
        for began, lasted in self._pauses:
            if began >= end:
                break
            if began > start:
                parts.append((start, start + lost))
                start = began
            lost += lasted
        return [*parts, (start, start + lost)]

    async def running(self) -> None:
        """Until time passes."""
        await self._running.wait()

    async def unheld(self) -> None:
        """Until time passes, or is waited for no longer (`is_let_go`)."""
        await self._unheld.wait()

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
