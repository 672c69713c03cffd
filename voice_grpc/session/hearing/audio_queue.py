"""Sound on its way from the wire to the detector."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np

from ...core.audio import RATE_HZ, Frame
from ...core.quota import BURST_SECONDS

QUEUE_SECONDS = BURST_SECONDS + 3.0
"""Sound that may wait for the detector: what a client sends at once that comes back, or that a server finds
which stood still, and what comes meanwhile. When it is full the oldest is dropped, and said."""

_CLOSED = Frame(np.zeros(0, np.int16), -1)


class AudioQueue:
    """Sound on its way to the detector: bounded, and the oldest is what gives way.

    That the microphone was closed is kept in its place among the sound, once where it was closed twice.
    """

    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._samples = 0
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()

    def put(self, frame: Frame) -> int:
        """Returns how many samples had to be dropped for it; it is never dropped for itself."""
        self._frames.append(frame)
        self._samples += len(frame.samples)
        dropped = 0
        while self._samples > QUEUE_SECONDS * RATE_HZ and self._samples > len(frame.samples):
            dropped += self._drop_oldest()
        self._arrived.set()
        return dropped

    def _drop_oldest(self) -> int:
        """Its sound alone: a microphone that was closed before it still was."""
        lost = self._frames.popleft()
        if lost is _CLOSED:
            lost = self._frames.popleft()
            self._mark_closed(self._frames.appendleft, 0)
        self._samples -= len(lost.samples)
        return len(lost.samples)

    def close(self) -> None:
        """The microphone was closed; sound may come again."""
        self._mark_closed(self._frames.append, -1)
        self._arrived.set()

    def _mark_closed(self, add: Callable[[Frame], None], at: int) -> None:
        if not self._frames or self._frames[at] is not _CLOSED:
            add(_CLOSED)

    async def take(self) -> Frame | None:
        """The next; None: the microphone was closed here."""
        while not self._frames:
            self._arrived.clear()
            await self._arrived.wait()
        frame = self._frames.popleft()
        self._samples -= len(frame.samples)
        self._taken.set()
        return None if frame is _CLOSED else frame

    async def has_room(self) -> None:
        """For a caller who can wait: then nothing is ever dropped."""
        while self._samples:
            self._taken.clear()
            await self._taken.wait()

    @property
    def is_empty(self) -> bool:
        return not self._frames


class NearSound(Protocol):
    """The sound of the microphone as it is listened to; `AudioQueue` is one."""

    async def take(self) -> Frame | None:
        """As of `AudioQueue`."""
        ...

    @property
    def is_empty(self) -> bool: ...
