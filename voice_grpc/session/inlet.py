"""Sound on its way to the detector: bounded, and the oldest is what gives way."""

import asyncio
from collections import deque

import numpy as np

from ..core.audio import RATE_HZ, Frame

QUEUE_SECONDS = 3.0
"""Sound that may wait for the detector. When it is full the oldest is dropped, and said."""

_CLOSED = Frame(np.zeros(0, np.int16), -1)


class Inlet:
    def __init__(self) -> None:
        self._frames: deque[Frame] = deque()
        self._samples = 0
        self._arrived, self._taken = asyncio.Event(), asyncio.Event()

    def put(self, frame: Frame) -> int:
        """Returns how many samples had to be dropped for it; it is never dropped for itself."""
        self._frames.append(frame)
        self._samples += len(frame.samples)
        dropped = 0
        while self._samples > QUEUE_SECONDS * RATE_HZ and len(self._frames) > 1:
            if self._frames[0] is _CLOSED:
                break
            lost = self._frames.popleft()
            self._samples -= len(lost.samples)
            dropped += len(lost.samples)
        self._arrived.set()
        return dropped

    def close(self) -> None:
        """The microphone was closed; sound may come again."""
        self._frames.append(_CLOSED)
        self._arrived.set()

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
