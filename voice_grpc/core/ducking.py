"""The volume of an answer over which somebody speaks: lowered, and back again, without a click.

A file of its own: the one thing that is done to the sound of an answer on its way.
"""

import numpy as np

from .audio import Samples

DUCKED = 10 ** (-12 / 20)
"""-12 dB: clearly softer, and still to be followed."""
RAMP_SECONDS = 0.02
"""From one volume to the other; a step is heard as a click."""


class Gain:
    """Of one answer at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self._step = (1 - DUCKED) / (RAMP_SECONDS * rate_hz)
        self._now = self._wanted = 1.0

    def lower(self, is_lowered: bool) -> None:
        self._wanted = DUCKED if is_lowered else 1.0

    def applied(self, samples: Samples) -> Samples:
        """`samples`, which follow those before, at the volume that is wanted."""
        if self._now == self._wanted == 1.0 or not len(samples):
            return samples
        way = np.sign(self._wanted - self._now) * self._step * np.arange(1, len(samples) + 1)
        least, most = sorted((self._now, self._wanted))
        gains = np.clip(self._now + way, least, most)
        self._now = float(gains[-1])
        scaled: Samples = np.round(samples * gains).astype(np.int16)
        return scaled
