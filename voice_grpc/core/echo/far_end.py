"""The assistant's own voice in the user's microphone: what the ear hears of it and when, and how much of it
was taken out.

The far end is what was sent, at the place that the client plays: by its reports where it sends any, else by
the pacing. A canceller finds the rest of the delay by itself, up to half a second, but wants it steady; so
the far end runs on sample by sample, and is set anew only where it is too far from the ear. Times are
monotonic seconds. What cancels is for `ports/echo.py` to say, and which words are an echo for `own_words.py`.
"""

from collections import deque

import numpy as np

from ..audio import RATE_HZ, Samples, sample_count, seconds, to_float
from ..playout.pacer import Pacer

KEPT_SECONDS = 2.0
"""Of an answer that are kept behind the last second that may leave ahead of the ear: a client that is
interrupted may go back by one second, and be late by another."""

AHEAD_SECONDS = 0.1
"""That the far end is ahead of a reported ear: a report that comes late must not put it behind the echo,
which no canceller finds."""

SLACK_SECONDS = 0.25
"""That it may be further ahead, before it is set anew: the canceller finds that delay."""

FLUSHED_SECONDS = 0.3
"""For which a client may go on playing what it was told to throw away."""

QUIET_SECONDS = 1.0
"""After the last sample was played, in which its echo may come: a round trip, the device and the room."""

NEAR_MEMORY = 2.0
"""Seconds of arrivals by which the sound of the microphone is placed in time."""

NEAR_JUMP = 0.5
"""Seconds by which it may come later than before; more, and the microphone was off."""

MOST_DECIBELS = 60.0
"""Of `EchoReturnLoss`: beyond it nothing is left but rounding."""


class FarEnd:
    """What the ear hears of one answer after the other, at `RATE_HZ`."""

    def __init__(self) -> None:
        self._pacer: Pacer | None = None
        """Of the answer that plays, which knows where the ear is."""
        self._sound: Samples = np.zeros(0, np.int16)
        self._first = 0
        """Where `_sound` begins in the answer."""
        self._next: int | None = None
        """Where the next read begins in the answer; None: where the ear is."""
        self._quiet_at = float("-inf")
        """When no echo can come any more."""

    @property
    def kept(self) -> int:
        """Samples that are held for who may read."""
        return len(self._sound)

    def write(self, pacer: Pacer, samples: Samples) -> None:
        """They leave, at `RATE_HZ`, and are the next of the answer that `pacer` paces."""
        if pacer is not self._pacer:
            self._pacer, self._next, self._first = pacer, None, 0
            self._sound = self._sound[:0]
        self._sound = np.concatenate((self._sound, samples))
        spare = len(self._sound) - sample_count(KEPT_SECONDS + pacer.lead + pacer.way.seconds)
        if spare > 0:
            self._sound, self._first = self._sound[spare:], self._first + spare

    def cut(self) -> None:
        """The client is told to throw away what it has."""
        place = self._first if self._next is None else self._next
        self._sound = self._sound[: max(0, place + sample_count(FLUSHED_SECONDS) - self._first)]

    def move(self, pacer: Pacer) -> None:
        """What leaves next is what `pacer` sends next; what left before is thrown away."""
        if pacer is self._pacer:
            self._sound, self._next = self._sound[:0], None
            self._first = round(pacer.sent * RATE_HZ / pacer.rate_hz)

    def read(self, count: int, at: float) -> Samples | None:
        """`count` samples from the one on that is heard at `at`, which only rises; None: nothing was played
        for so long that no echo of it can come."""
        far = np.zeros(count, np.int16)
        if self._pacer is not None and not self._pacer.is_ear_held:
            start = self._follow(self._pacer, at) - self._first
            part = self._sound[max(0, start) : max(0, start + count)]
            far[max(0, -start) :][: len(part)] = part
            if -count <= start < len(self._sound):
                self._quiet_at = at + seconds(count) + QUIET_SECONDS
            self._next = self._first + max(start, min(start + count, len(self._sound)))
        else:
            self._next = None
        return far if at < self._quiet_at else None

    def _follow(self, pacer: Pacer, at: float) -> int:
        """Where the far end goes on: where it stopped, unless the ear is somewhere else."""
        ear = round(pacer.ear(at) * RATE_HZ / pacer.rate_hz)
        ahead = sample_count(AHEAD_SECONDS) if pacer.is_reported else 0
        place = min(ear + ahead, self._first + len(self._sound))
        lowest, highest = place - sample_count(AHEAD_SECONDS), place + sample_count(SLACK_SECONDS)
        return self._next if self._next is not None and lowest <= self._next <= highest else place


class NearClock:
    """When the sound of a microphone would have come if nothing had held it up on the way."""

    def __init__(self) -> None:
        self._least: deque[tuple[float, float]] = deque()
        """Arrivals that were earlier, for their place, than those after: when, and the time of sample 0."""

    @property
    def is_set(self) -> bool:
        return bool(self._least)

    @property
    def zero(self) -> float:
        """The time of sample 0. Only where something has come."""
        return self._least[0][1]

    def arrived(self, end: int, now: float) -> float:
        """The time of the place `end`, up to which sound is here now."""
        zero = now - seconds(end)
        if self._least and zero > self._least[0][1] + NEAR_JUMP:
            self._least.clear()
        while self._least and self._least[-1][1] >= zero:
            self._least.pop()
        self._least.append((now, zero))
        while self._least[0][0] < now - NEAR_MEMORY:
            self._least.popleft()
        return self.zero + seconds(end)


class EchoReturnLoss:
    """How much softer the canceller made what came in while something was played (ERLE, ITU-T G.168).

    The user's own voice is in both sums, so that it is a lower bound.
    """

    def __init__(self) -> None:
        self._before = self._after = 0.0

    def add(self, before: Samples, after: Samples) -> None:
        self._before += _energy(before)
        self._after += _energy(after)

    def take(self) -> float | None:
        """In dB since the last time, 0 to `MOST_DECIBELS`; None: nothing was cancelled, or to be heard."""
        before, after, self._before, self._after = self._before, self._after, 0.0, 0.0
        if not before:
            return None
        least = before * 10 ** (-MOST_DECIBELS / 10)
        return float(max(0.0, 10 * np.log10(before / max(after, least))))


def _energy(samples: Samples) -> float:
    """No dot product: one lets go of the interpreter, and waits for it behind the threads of engines."""
    return float(np.add.reduce(np.square(to_float(samples))))
