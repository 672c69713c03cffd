"""Frames of sound and the two units they are counted in.

Inside the service sound is PCM16 mono. The listening side runs at `RATE_HZ`; the speaking
side at whatever rate the client asked for. Positions are samples, durations are float seconds.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]
"""PCM16 mono, shape (n,)."""

Floats: TypeAlias = npt.NDArray[np.float32]
"""Mono in [-1, 1), shape (n,)."""

RATE_HZ = 16_000
"""The listening rate: what Silero and Whisper were trained on."""

WINDOW = 512
"""Samples in one VAD window (32 ms at `RATE_HZ`): the only size Silero v6 takes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Some sound at a place in the stream."""

    samples: Samples
    position: int
    """Position of the first sample, counted at `RATE_HZ` from the start of the session."""
    held_back: int = 0
    """Samples behind it that are here too, and are not passed on yet."""

    @property
    def end(self) -> int:
        return self.position + len(self.samples)

    @property
    def arrived(self) -> int:
        """The end of the sound that is here."""
        return self.end + self.held_back


def seconds(samples: int, rate_hz: int = RATE_HZ) -> float:
    return samples / rate_hz


def sample_count(seconds: float, rate_hz: int = RATE_HZ) -> int:
    """How many whole samples `seconds` hold, rounded to the nearest."""
    return round(seconds * rate_hz)


def to_float(samples: Samples) -> Floats:
    return samples.astype(np.float32) / np.float32(32768)


def to_pcm16(floats: npt.NDArray[np.floating]) -> Samples:
    """Scale [-1, 1) to PCM16; what lies outside is clipped."""
    scaled: Samples = np.clip(np.rint(floats * 32768), -32768, 32767).astype(np.int16)
    return scaled


def silence(seconds: float, rate_hz: int = RATE_HZ) -> Samples:
    return np.zeros(sample_count(seconds, rate_hz), np.int16)


def rms(samples: Samples) -> float:
    """Root mean square in units of full scale; 0.0 for no samples."""
    if not len(samples):
        return 0.0
    return float(np.sqrt(np.mean(np.square(to_float(samples), dtype=np.float64))))


LOUDNESS = 0.1
"""RMS of full scale, -20 dBFS: what recorded speech usually has."""

PEAK = 0.89
"""-1 dBFS: headroom for whoever resamples or encodes."""


def level(sound: Floats) -> float:
    """The gain that brings `sound` to `LOUDNESS` where there is any, as far as `PEAK` allows; 1.0 for noise
    alone (a peak below -60 dBFS), which stays as faint as it is. So one voice is as loud as the other."""
    peak = float(np.max(np.abs(sound), initial=0.0))
    if peak < 1e-3:
        return 1.0
    voiced = sound[np.abs(sound) > peak / 20]
    loudness = float(np.sqrt(np.mean(np.square(voiced))))
    return min(LOUDNESS / loudness, PEAK / peak)


def levelled(sound: Floats) -> Floats:
    """All of `sound` at its own `level`."""
    return sound * np.float32(level(sound))


KNEE = 0.7
"""Of full scale: what is no louder is not limited. Speech at `LOUDNESS` seldom is."""


def limited(sound: Floats) -> Floats:
    """`sound` below `PEAK`: as it is up to `KNEE`, and bent towards `PEAK` above it. Sample by sample, so
    that sound in parts is limited as it is whole."""
    size = np.abs(sound)
    room = np.float32(PEAK - KNEE)
    bent = KNEE + room * np.tanh((size - np.float32(KNEE)) / room)
    return np.where(size > KNEE, np.copysign(bent, sound), sound).astype(np.float32)


def audible_from(samples: Samples, rate_hz: int, threshold: float = 0.01) -> int:
    """Where sound begins: the start of the first 10 ms whose RMS exceeds `threshold`.

    Returns `len(samples)` when nothing is audible. 0.01 (-40 dBFS) is above the noise
    floor of synthetic voices and well below their softest phones.
    """
    hop = max(1, rate_hz // 100)
    whole = len(samples) // hop * hop
    if whole:
        power = np.mean(np.square(to_float(samples[:whole])).reshape(-1, hop), axis=1)
        loud = np.flatnonzero(power > threshold * threshold)
        if len(loud):
            return int(loud[0]) * hop
    return whole if rms(samples[whole:]) > threshold else len(samples)


def silent_ends(samples: Samples, rate_hz: int) -> tuple[int, int]:
    """Samples of silence at the head and at the end, as `audible_from` hears it; all of them twice where
    nothing is audible."""
    return audible_from(samples, rate_hz), audible_from(samples[::-1], rate_hz)
