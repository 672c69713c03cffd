"""When sound may leave, and how much of it was heard.

A pure account of one answer: samples are fed in, chunks come out when they are due, never more
than `lead` ahead of what was played. What was played is what the client reported, carried on by
the clock; without reports it is the clock's alone. gRPC's own flow control would let 70 s pile up.
"""

from collections import deque
from dataclasses import dataclass

import numpy as np

from ..audio import Samples

CHUNK_SECONDS = 0.04
"""One message: at 20 ms the transport costs twice as much, at 100 ms a cut is felt."""


@dataclass(frozen=True, slots=True)
class Chunk:
    samples: Samples
    segment: int
    """Index of the clause that the samples belong to."""
    is_last: bool


class Pacer:
    """One answer at `rate_hz`. Times are monotonic seconds; `lead` is seconds too, and at least a chunk."""

    def __init__(self, rate_hz: int, lead: float) -> None:
        self.rate_hz = rate_hz
        self._size = round(CHUNK_SECONDS * rate_hz)
        self._lead = max(round(lead * rate_hz), self._size)
        self._ready: deque[tuple[Samples, int]] = deque()
        self.lead_seconds = self._lead / rate_hz
        self.sent = 0
        """Samples that left."""
        self._segment = 0
        self._is_whole = False
        self._is_finished = False
        self._played, self._played_at = 0, 0.0
        self._reported = 0
        self.is_reported = False
        """Whether the client says what it played; else the clock does."""
        self.held_at: float | None = None
        """Since when nothing leaves; None: it does."""
        self.is_ear_held = False
        """The client stopped playing, too."""
        self._most = 0
        """Samples that were heard before it went on: they may be heard again."""

    @property
    def is_sent(self) -> bool:
        """The last chunk left."""
        return self._is_finished

    def feed(self, samples: Samples, segment: int) -> None:
        for start in range(0, len(samples), self._size):
            self._ready.append((samples[start : start + self._size], segment))

    def drop(self) -> None:
        """What has not left is not kept: nobody will hear it."""
        self._ready.clear()

    def end(self) -> None:
        """Nothing more will be fed."""
        self._is_whole = True

    # ------------------------------------------------------------ held

    def hold(self, now: float, *, is_ear_held: bool) -> None:
        """Nothing leaves from now on. `is_ear_held`: the client stops playing too, at what it has heard;
        else it plays what was sent."""
        if self.held_at is None:
            self._played, self._played_at = self.heard(now), now
            self.held_at, self.is_ear_held = now, is_ear_held

    def resume(self, now: float, played: int) -> None:
        """It goes on, at the sample `played` that the ear hears next; what it hears again was heard
        before."""
        self._most = self.heard(now)
        self._played, self._played_at = played, now
        self.held_at, self.is_ear_held = None, False

    # ------------------------------------------------------------ let out

    def due(self, now: float) -> list[Chunk]:
        """What may leave now. The last chunk may be empty."""
        chunks: list[Chunk] = []
        if self.held_at is not None:
            return chunks
        while self._ready and self._heard_needed() <= self.heard(now):
            samples, segment = self._ready.popleft()
            chunks.append(self._send(samples, segment, now))
        if self._is_whole and not self._ready and not self._is_finished:
            chunks.append(self._send(np.zeros(0, np.int16), self._segment, now))
        return chunks

    def next_due(self, now: float) -> float | None:
        """When `due` will have something; None: not before more is fed, or it goes on."""
        if self.held_at is not None:
            return None
        if not self._ready:
            return now if self._is_whole and not self._is_finished else None
        needed = self._heard_needed()
        if needed <= self.heard(now):
            return now
        return max(now, self._played_at + (needed - self._played) / self.rate_hz)

    def ear(self, now: float) -> int:
        """The sample that is played now, to the nearest; never behind the last that was sent."""
        since = 0.0 if self.is_ear_held else now - self._played_at
        return min(self._played + round(since * self.rate_hz), self.sent)

    def heard(self, now: float) -> int:
        """Samples played until now, at any time; never more than were sent."""
        return max(self._most, self.ear(now))

    def all_heard_at(self, now: float) -> float:
        """When what was sent will have been played."""
        return now + (self.sent - self.heard(now)) / self.rate_hz

    def report(self, played: int, now: float) -> None:
        """The client says that `played` samples were played: more than were sent counts as what was sent.

        What it said before is not taken back: a report that falls is ignored.
        """
        self.is_reported = True
        if played >= self._reported:
            self._reported = self._played = min(played, self.sent)
            self._played_at = now

    def _heard_needed(self) -> int:
        """How much must have been played for the next chunk to leave."""
        return self.sent + len(self._ready[0][0]) - self._lead

    def _send(self, samples: Samples, segment: int, now: float) -> Chunk:
        if self.heard(now) >= self.sent:
            self._played, self._played_at = self.sent, now
        is_last = self._is_whole and not self._ready
        chunk = Chunk(samples, segment, is_last)
        self._segment = segment
        self.sent += len(samples)
        self._is_finished = is_last
        return chunk
