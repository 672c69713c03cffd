"""The one queue of `decide`: what happened, in its order.

Whoever posts into it knows nothing of who takes from it.
"""

import asyncio
from collections import deque
from typing import TypeAlias

from ..core.events import Event, TextReceived
from ..core.requests import ConfigUpdate
from ..core.responses import EndReason

Happening: TypeAlias = Event | ConfigUpdate | EndReason
"""An EndReason: the caller has nothing more to say; what was said is answered still."""

MAX_EVENTS = 1024
"""That may wait. Nobody falls so far behind: a full queue is a bug, and ends the session."""


class EventQueue:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[Happening | None] = asyncio.Queue(MAX_EVENTS)
        self.waiting_updates = 0
        """ConfigUpdates among what waits."""
        self._texts: deque[int] = deque()
        """Numbers of the requests whose texts wait, or are being decided about."""

    def put(self, happening: Happening) -> None:
        self._queue.put_nowait(happening)
        self.waiting_updates += isinstance(happening, ConfigUpdate)
        if isinstance(happening, TextReceived) and happening.seq:
            self._texts.append(happening.seq)

    def close(self) -> None:
        """Nothing comes after what waits now."""
        self._queue.put_nowait(None)

    async def take(self, seconds: float | None) -> Happening | None:
        """The next; None: closed. Raises TimeoutError when nothing came for so long; None: wait for ever."""
        async with asyncio.timeout(seconds):
            happening = await self._queue.get()
        self.waiting_updates -= isinstance(happening, ConfigUpdate)
        return happening

    def decided(self, happening: Happening) -> None:
        """What follows from it was done."""
        if isinstance(happening, TextReceived) and happening.seq:
            self._texts.popleft()

    @property
    def undecided_text(self) -> int:
        """Number of the first request whose text nobody has decided about yet; 0: there is none."""
        return self._texts[0] if self._texts else 0

    @property
    def waiting(self) -> int:
        return self._queue.qsize()

    @property
    def is_crowded(self) -> bool:
        """More happened than was decided about: held, or flooded."""
        return self.waiting > MAX_EVENTS // 2
