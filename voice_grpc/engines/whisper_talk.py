"""What a protocol is, to the line that it is spoken on; and the sound that goes out on it."""

import asyncio
from typing import Any, Protocol

import numpy as np

from ..core.audio import RATE_HZ, Samples, audible_from, to_float
from .whisper_socket import Wire

_FRAME, _LEAST = 512, 320
"""Samples that go out in one message: 32 ms, a window of the detector; 20 ms when there are no more."""


_HOP, _AUDIBLE, _PAUSE_HOPS = RATE_HZ // 100, 0.01, 10
"""10 ms; RMS above which they are no silence (-40 dBFS, as `core.audio.audible_from`); a pause of 100 ms."""


class Talk(Protocol):
    """One protocol on one connection. What a server says to complain is raised as `EngineError`."""

    @property
    def streams(self) -> bool | None:
        """Whether text comes while the sound goes out; None before that is known."""
        ...

    @property
    def is_spent(self) -> bool:
        """It has answered, and further sound wants a new beginning."""
        ...

    @property
    def ended_early(self) -> bool:
        """The server found an end of speech by itself: `text` is of what was sent by then, and no more
        comes."""
        ...

    @property
    def text(self) -> str:
        """Of the sound so far."""
        ...

    @property
    def language(self) -> str:
        """Whisper's code, empty where the server does not say."""
        ...

    async def open(self, seconds: float) -> Wire: ...

    async def greet(self, wire: Wire) -> None:
        """All that comes before the sound."""
        ...

    async def send(self, wire: Wire, samples: Samples) -> None: ...

    async def finish(self, wire: Wire) -> None:
        """The sound is out as far as an answer is wanted."""
        ...

    def take(self, message: Any, now: float) -> None:
        """What the server says. Lookups that fail mean that it does not speak this protocol."""
        ...

    def settles(self, now: float) -> float:
        """When `text` is the answer if nothing else comes; asked after `finish`."""
        ...

    @property
    def is_usable(self) -> bool:
        """At the deadline: `text` is worth more than a failure."""
        ...

    def renew(self) -> bool:
        """Begin again on the same connection; False where the protocol cannot."""
        ...

    async def part(self, wire: Wire) -> None:
        """What is said before hanging up."""
        ...


class Sound:
    """Of one utterance; all of it is kept, since it may have to be sent again."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self.grown: set[asyncio.Event] = set()
        """Set when there is more."""

    @property
    def length(self) -> int:
        return len(self._pcm) // 2

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.astype("<i2", copy=False).tobytes()
        for event in self.grown:
            event.set()

    def cut(self, start: int, end: int) -> Samples:
        return np.frombuffer(bytes(self._pcm[2 * start : 2 * end]), "<i2")

    def is_audible(self, start: int, end: int) -> bool:
        """Whether there is anything to transcribe; of what comes first only the server can tell."""
        return start < end and (not start or audible_from(self.cut(start, end), RATE_HZ) < end - start)

    def piece(self, start: int, end: int | None) -> Samples:
        """What goes out next in one message; without an `end` the last few samples wait for more."""
        rest = (self.length if end is None else end) - start
        wanted = min(rest, _FRAME) if end is not None or rest >= _LEAST else 0
        return self.cut(start, start + max(0, wanted))


def pause_end(samples: Samples) -> int:
    """Where the longest silence after the first sound ends, which is the end of all where there is none."""
    whole = len(samples) // _HOP * _HOP
    power = np.mean(np.square(to_float(samples[:whole])).reshape(-1, _HOP), axis=1)
    loud = np.append(np.flatnonzero(power > _AUDIBLE * _AUDIBLE), len(power))
    gaps = np.diff(loud)
    if not len(gaps) or gaps.max() <= _PAUSE_HOPS:
        return len(samples)
    end = int(loud[np.argmax(gaps) + 1])
    return end * _HOP if end < len(power) else len(samples)
