"""What was said and what was heard, each at the moment it was: the two channels of a saved file."""

import threading
from pathlib import Path

import numpy as np

from .audio import INPUT_HZ, OUTPUT_HZ, Samples, resample
from .wav import write_stereo

TOLERANCE = 0.04
"""Seconds by which a block may be off its place before a gap is believed: two blocks of a device."""

LONGEST = 3600
"""Seconds that are kept; an hour of both channels is 290 MB."""


class Track:
    """One voice. Blocks come in order; a moment nobody wrote is silence."""

    def __init__(self, rate_hz: int, longest: float = LONGEST) -> None:
        """`longest`: seconds that are kept; what comes later is not."""
        self.rate_hz = rate_hz
        self._limit = longest * rate_hz
        self._blocks: list[Samples] = []
        self._end = 0
        self._lock = threading.Lock()

    def write(self, samples: Samples, at: float) -> None:
        """`at` is seconds since the start. A block that comes a little early or late follows the last."""
        with self._lock:
            gap = round(at * self.rate_hz) - self._end
            if gap > TOLERANCE * self.rate_hz or not self._blocks:
                self._append(np.zeros(max(0, gap), np.int16))
            self._append(samples)

    def samples(self) -> Samples:
        with self._lock:
            return np.concatenate([np.zeros(0, np.int16), *self._blocks])

    def _append(self, samples: Samples) -> None:
        if self._end + len(samples) <= self._limit:
            self._blocks.append(samples)
            self._end += len(samples)


class Recording:
    def __init__(self, start: float, longest: float = LONGEST) -> None:
        """`start`: monotonic seconds of the first moment. `longest` 0: nothing is kept."""
        self.start = start
        self.user = Track(INPUT_HZ, longest)
        self.answer = Track(OUTPUT_HZ, longest)

    def save(self, path: Path) -> None:
        """Stereo at 24 kHz: the user left, the answer right. Raises `BadFile`."""
        left = resample(self.user.samples(), INPUT_HZ, OUTPUT_HZ)
        write_stereo(path, left, self.answer.samples(), OUTPUT_HZ)
