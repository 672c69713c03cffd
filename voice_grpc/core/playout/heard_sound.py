"""The sound of answers at the times at which it was heard, for whoever keeps it.

What leaves is laid out ahead of the ear, by the pacer that knows where the ear is; a hold, a cut and a report
of the client change what was laid out and not taken yet. `echo/far_end.py` follows the same ear for a
canceller, which wants a steady delay; here every sample has its time, and silence is what nobody laid out.
Times are monotonic seconds of the conversation, which stand still while it is paused.
"""

from dataclasses import dataclass, replace

import numpy as np

from ..audio import Samples, sample_count, seconds
from .pacer import Pacer

KEPT_SECONDS = 2.0
"""Of an answer that are kept behind what may leave ahead of the ear: one that was held may go on with a
word that was heard already."""

TOLERANCE = 0.02
"""Seconds by which a sample may be off its time, so that sound that goes on is not cut for a report that
came a little late."""


@dataclass(frozen=True, slots=True)
class HeardPiece:
    at: float
    """When its first sample is heard."""
    samples: Samples
    rate_hz: int

    @property
    def end(self) -> float:
        return self.at + seconds(len(self.samples), self.rate_hz)

    def before(self, time: float) -> "HeardPiece":
        """What of it is heard before `time`."""
        return replace(self, samples=self.samples[: self._count(time)])

    def behind(self, time: float) -> "HeardPiece":
        """What is heard from `time` on."""
        count = self._count(time)
        return HeardPiece(self.at + seconds(count, self.rate_hz), self.samples[count:], self.rate_hz)

    def _count(self, time: float) -> int:
        return min(max(0, sample_count(time - self.at, self.rate_hz)), len(self.samples))


class HeardSound:
    """What the ear hears of one answer after the other."""

    def __init__(self) -> None:
        self._pacer: Pacer | None = None
        """Of the answer that plays; None: none does, or it was cut."""
        self._sound: Samples = np.zeros(0, np.int16)
        self._first = 0
        """Where `_sound` begins in the answer."""
        self._laid: list[HeardPiece] = []
        """Not taken yet, by time; none lies over another."""
        self._taken = float("-inf")
        """What is heard before was taken."""

    @property
    def waiting(self) -> int:
        """Samples that were not taken yet."""
        return sum(len(piece.samples) for piece in self._laid)

    def leave(self, pacer: Pacer, samples: Samples, now: float) -> None:
        """They leave, and are the next of the answer that `pacer` paces."""
        if pacer is not self._pacer:
            self._pacer, self._first = pacer, 0
            self._sound = self._sound[:0]
        place = self._first + len(self._sound)
        self._sound = np.concatenate((self._sound, samples))
        spare = len(self._sound) - sample_count(KEPT_SECONDS + pacer.lead + pacer.way.seconds, pacer.rate_hz)
        if spare > 0:
            self._sound, self._first = self._sound[spare:], self._first + spare
        self._lay(now + seconds(place - pacer.ear(now), pacer.rate_hz), samples, pacer.rate_hz)

    def held(self, pacer: Pacer, now: float) -> None:
        """Nothing leaves from now on, and maybe nothing is heard either."""
        if pacer is self._pacer and pacer.is_ear_held:
            self._silence(now)

    def resumed(self, pacer: Pacer, now: float) -> None:
        """It goes on, perhaps with what was heard before."""
        if pacer is not self._pacer:
            return
        self._silence(now)
        ear = pacer.ear(now)
        place = max(ear, self._first)
        at = now + seconds(place - ear, pacer.rate_hz)
        self._lay(at, self._sound[place - self._first :], pacer.rate_hz)

    def cut(self, pacer: Pacer, now: float) -> None:
        """The client throws away what it has of this answer; what leaves next of it, if anything, is what
        `pacer` sends next."""
        if pacer is self._pacer:
            self._silence(now)
            self._sound, self._first = self._sound[:0], pacer.sent

    def reported(self, pacer: Pacer, now: float) -> None:
        """The client said what it has played: all that was laid out is as late, or as early, as that. Of what
        was played to its end, a report says only that it is not later."""
        if pacer is not self._pacer or not (self._laid and len(self._sound)) or pacer.is_ear_held:
            return
        ear, end = pacer.ear(now), self._first + len(self._sound)
        late = now - (self._laid[-1].end - seconds(end - ear, pacer.rate_hz))
        if abs(late) <= TOLERANCE or (late > 0 and ear >= end):
            return
        late = max(late, self._taken - self._laid[0].at)
        self._laid = [replace(piece, at=piece.at + late) for piece in self._laid]

    def take(self, until: float) -> list[HeardPiece]:
        """What is heard before `until`, by time: no report changes that any more."""
        self._taken = max(self._taken, until)
        taken = [piece.before(until) for piece in self._laid]
        self._laid = [rest for piece in self._laid if len((rest := piece.behind(until)).samples)]
        return [piece for piece in taken if len(piece.samples)]

    def _lay(self, at: float, samples: Samples, rate_hz: int) -> None:
        """Behind what is there, without a gap where there is next to none."""
        if not len(samples):
            return
        last = self._laid[-1] if self._laid else None
        if last is not None and last.rate_hz == rate_hz and at <= last.end + TOLERANCE:
            self._laid[-1] = replace(last, samples=np.concatenate((last.samples, samples)))
        else:
            self._laid.append(HeardPiece(at, samples, rate_hz))

    def _silence(self, now: float) -> None:
        """Nothing is heard from `now` on."""
        kept = [piece.before(now) for piece in self._laid]
        self._laid = [piece for piece in kept if len(piece.samples)]
