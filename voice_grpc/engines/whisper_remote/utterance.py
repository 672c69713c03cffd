"""One utterance on its way to a server, whichever the protocol: its samples, and what is said of it."""

import asyncio
from dataclasses import dataclass

import numpy as np

from ...core.audio import RATE_HZ, Samples, audible_from, to_float
from ..whisper.chunking import power

_MESSAGE, _LEAST = 512, 320
"""Samples that go out in one message: 32 ms, a window of the detector; 20 ms when there are no more."""

_HOP, _AUDIBLE, _PAUSE_HOPS = RATE_HZ // 100, 0.01, 10
"""10 ms; RMS above which they are no silence (-40 dBFS, as `core.audio.audible_from`); a pause of 100 ms."""


@dataclass(frozen=True, slots=True)
class TranscribeOptions:
    """What is told of an utterance besides its samples."""

    language: str = ""
    """Whisper's code; empty: the server finds out."""
    prompt: str = ""
    """Words to expect."""


class UtteranceAudio:
    """The samples of one utterance. All are kept until it is closed: they may have to be sent again."""

    def __init__(self) -> None:
        self._pcm = bytearray()
        self.grown: set[asyncio.Event] = set()
        """Set when there are more samples."""

    @property
    def length(self) -> int:
        """Samples that were fed."""
        return len(self._pcm) // 2

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.astype("<i2", copy=False).tobytes()
        for event in self.grown:
            event.set()

    def cut(self, start: int, end: int) -> Samples:
        """The samples from `start` to `end`, copied: a view would not let the utterance grow."""
        with memoryview(self._pcm) as pcm:
            return np.frombuffer(bytes(pcm[2 * start : 2 * end]), "<i2")

    def is_audible(self, start: int, end: int) -> bool:
        """Whether there is anything to transcribe; of what comes first only the server can tell."""
        return start < end and (not start or audible_from(self.cut(start, end), RATE_HZ) < end - start)

    def message(self, start: int, end: int | None) -> Samples:
        """The samples of the next message; without an `end` the last few wait for more."""
        rest = (self.length if end is None else end) - start
        wanted = min(rest, _MESSAGE) if end is not None or rest >= _LEAST else 0
        return self.cut(start, start + max(0, wanted))

    def clear(self) -> None:
        self._pcm = bytearray()


def pause_end(samples: Samples) -> int:
    """Where the longest silence after the first sound ends; the end of all samples where there is none."""
    powers = power(to_float(samples), _HOP)
    loud = np.append(np.flatnonzero(powers > _AUDIBLE * _AUDIBLE), len(powers))
    gaps = np.diff(loud)
    if not len(gaps) or gaps.max() <= _PAUSE_HOPS:
        return len(samples)
    end = int(loud[np.argmax(gaps) + 1])
    return end * _HOP if end < len(powers) else len(samples)
