"""A room between a client's loudspeaker and its microphone: what was played comes back, later and softer.

A file of its own: what is played, and nobody says.
"""

import numpy as np

from ...core.audio import RATE_HZ, Floats, Samples, sample_count, to_float

REVERBERATION = 0.1
"""Seconds in which sound falls by 60 dB: a furnished room, near the device."""
DIRECT = 3.0
"""The direct sound, against the first of what the walls send back."""


def impulse_response(db: float) -> Floats:
    """Of a room that gives sound back `db` as loud; the same every time."""
    length = sample_count(REVERBERATION)
    falling = np.exp(-np.arange(length) * np.log(1000) / length)
    response = np.random.default_rng(1).normal(0, 1, length) * falling
    response[0] = DIRECT
    scaled: Floats = (response * 10 ** (db / 20) / np.sqrt(np.sum(response**2))).astype(np.float32)
    return scaled


class Room:
    """Places are samples at `RATE_HZ` since the microphone was opened."""

    def __init__(self, db: float, delay: float) -> None:
        """`delay`: seconds of the way to the loudspeaker and back from the microphone."""
        self._response, self._delay = impulse_response(db), sample_count(delay)
        self._air: Floats = np.zeros(2 * RATE_HZ, np.float32)
        self._from = self._end = 0
        """Place of the first sample of `_air`; and where the last that came was played."""

    def play(self, samples: Samples, place: int) -> None:
        """They came at `place`, and are played behind what came before."""
        start = max(place, self._end)
        self._end = start + len(samples)
        at = start + self._delay - self._from
        echo = np.convolve(to_float(samples), self._response)
        spare = at + len(echo) - len(self._air)
        if spare > 0:
            self._air = np.pad(self._air, (0, spare))
        self._air[at : at + len(echo)] += echo

    def hear(self, place: int, count: int) -> Floats:
        """What the microphone hears from `place` on, which only rises."""
        self._air, self._from = self._air[place - self._from :], place
        return np.pad(self._air[:count], (0, max(0, count - len(self._air))))
