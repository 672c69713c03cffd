"""How long there is sound: counted, so that a gap that a busy machine tears costs only its own place."""

import numpy as np
import numpy.typing as npt

from clients.audio import Samples

THRESHOLD = 300
"""Of PCM16, in a stretch of 10 ms."""


def _loud(samples: Samples, rate_hz: int) -> npt.NDArray[np.intp]:
    """Which stretches of 10 ms have sound."""
    size = rate_hz // 100
    found: npt.NDArray[np.intp] = np.flatnonzero(
        np.abs(samples[: len(samples) // size * size].astype(int)).reshape(-1, size).max(axis=1) > THRESHOLD
    )
    return found


def loud_seconds(samples: Samples, rate_hz: int) -> float:
    return len(_loud(samples, rate_hz)) / 100


def around_the_longest_silence(samples: Samples, rate_hz: int) -> tuple[float, float, float]:
    """Seconds of sound before it, of itself, and of sound after it."""
    at = _loud(samples, rate_hz)
    gaps = np.diff(at)
    before = int(np.argmax(gaps)) + 1
    return before / 100, float(gaps.max()) / 100, (len(at) - before) / 100
