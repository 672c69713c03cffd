"""Samples, their rates, and where in them a person is heard. Pure functions over PCM16 mono."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soxr

Samples: TypeAlias = npt.NDArray[np.int16]
"""PCM16 mono, shape (n,)."""

INPUT_HZ = 16_000
"""What the clients send: the rate that the server listens at, so that it need not resample."""

OUTPUT_HZ = 24_000
"""What the clients ask for and play."""

FRAME = 0.02
"""Seconds in one message of the user's sound."""

INPUT_FRAME = 320
"""Samples of `FRAME` at `INPUT_HZ`."""

OUTPUT_FRAME = 480
"""Samples of `FRAME` at `OUTPUT_HZ`."""

AUDIBLE = 0.01
"""RMS from which 10 ms are heard: -40 dBFS, above the floor of voices and rooms, below soft phones."""


def resample(samples: Samples, from_hz: float, to_hz: float) -> Samples:
    if from_hz == to_hz or not len(samples):
        return samples
    resampled: Samples = soxr.resample(samples, from_hz, to_hz)
    return resampled


def audible_span(samples: Samples, rate_hz: int, threshold: float = AUDIBLE) -> tuple[int, int]:
    """From the first to behind the last audible 10 ms, in samples; (0, 0) when nothing is audible."""
    hop = rate_hz // 100
    whole = len(samples) // hop
    if not whole:
        return (0, 0)
    floats = samples[: whole * hop].astype(np.float32) / 32768
    loud = np.flatnonzero(np.mean(floats.reshape(whole, hop) ** 2, axis=1) > threshold**2)
    return (int(loud[0]) * hop, int(loud[-1] + 1) * hop) if len(loud) else (0, 0)


def raised(samples: Samples, rate_hz: int, pitch: float, to_hz: int = INPUT_HZ) -> Samples:
    """Another speaker: everything `pitch` times as high, and as much shorter, at `to_hz`."""
    return resample(samples, rate_hz * pitch, to_hz)
