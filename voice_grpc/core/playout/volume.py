"""How loud an answer is played: full, lowered while a voice is over it, to silence and back without a click.

The contract's figures for DUCK and HOLD (`PlaybackControl`) are here, for whoever plays by it: a client, or
for one that does not the server, which lowers the sound on its way.
"""

import numpy as np

from ..audio import Samples

DUCKED = 10 ** (-12 / 20)
"""-12 dB, as DUCK asks for."""

DUCK_SECONDS = 0.02
"""From full to lowered and back, as DUCK asks for."""

FADE_SECONDS = 0.005
"""From full to silence and back: shorter than a sound of speech, long enough to be no click."""


class Volume:
    """Of one answer at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self._duck_step = (1 - DUCKED) / (DUCK_SECONDS * rate_hz)
        self._fade_step = 1 / (FADE_SECONDS * rate_hz)
        self._now = self._wanted = 1.0
        self._is_fading = False
        """Into silence, or out of it: faster than from one volume to the other."""

    @property
    def fade_length(self) -> int:
        """Samples that `faded_out` takes, at most."""
        return int(np.ceil(1 / self._fade_step))

    @property
    def is_silent(self) -> bool:
        return self._now == 0

    def lower(self, is_lowered: bool) -> None:
        self._wanted = DUCKED if is_lowered else 1.0

    def applied(self, samples: Samples) -> Samples:
        """`samples`, which follow those before."""
        if self._now == self._wanted == 1.0 or not len(samples):
            return samples
        return self._ramped(samples, self._wanted)

    def faded_out(self, samples: Samples) -> Samples:
        """The first of `samples` on their way to silence. What is applied next comes out of it."""
        self._is_fading = True
        faded = self._ramped(samples[: self.fade_length], 0.0) if len(samples) else samples
        self._now, self._is_fading = 0.0, True
        return faded

    def _ramped(self, samples: Samples, wanted: float) -> Samples:
        step = self._fade_step if self._is_fading else self._duck_step
        way = np.sign(wanted - self._now) * step * np.arange(1, len(samples) + 1)
        gains = np.clip(self._now + way, min(self._now, wanted), max(self._now, wanted))
        self._now = float(gains[-1])
        self._is_fading = self._is_fading and self._now != wanted
        ramped: Samples = np.round(samples * gains).astype(np.int16)
        return ramped
