"""When sound may leave, and how much of it was heard.

A pure account of one answer: samples are fed in, chunks come out when they are due, never more than `lead`
ahead of what was played, the way to the client not counted (`lead.py`). What was played is what the client
reported, carried on by the clock; without reports it is the clock's alone. gRPC's own flow control would let
70 s pile up.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..audio import Samples
from .answer_sound import AnswerSound
from .lead import Way

CHUNK_SECONDS = 0.04
"""One message: at 20 ms the transport costs twice as much, at 100 ms a cut is felt."""

LATEST_SECONDS = 5.0
"""By which a client's reports may be behind the clock. Of one that says for ever that it played nothing the
answer leaves that much later, and comes to its end; memory goes by what it says all the same."""


SENT_SECONDS = 15.0
"""Of sound that left and is kept, for it may not have come: a writer waits 10 s for a client that takes
nothing (`session/telling/outbox.py`), and a few seconds are in the pipe. Of what the client says it has
played, nothing is kept but `BEHIND_SECONDS`."""

BEHIND_SECONDS = 1.0
"""Of sound that is kept behind the ear."""


@dataclass(frozen=True, slots=True)
class Chunk:
    samples: Samples
    segment: int
    """Index of the clause that the samples belong to."""
    is_last: bool


class EarByClock:
    """What a client would have played that plays on whatever comes, since the ear last had nothing to
    hear."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._played, self._at = 0, 0.0
        self._is_held = False

    def restart(self, played: int, now: float) -> None:
        self._played, self._at = played, now

    def hold(self, now: float) -> None:
        self._played, self._at, self._is_held = self._by(now), now, True

    def resume(self, played: int, now: float) -> None:
        self._played, self._at, self._is_held = max(played, self._played), now, False

    def earliest(self, now: float) -> int:
        """Samples that are taken to have been heard, whatever the client says."""
        return self._by(now) - round(LATEST_SECONDS * self._rate_hz)

    def latest_at(self, samples: int) -> float:
        """When so many are."""
        if self._is_held:
            return math.inf
        return self._at + (samples - self._played) / self._rate_hz + LATEST_SECONDS

    def _by(self, now: float) -> int:
        return self._played if self._is_held else self._played + round((now - self._at) * self._rate_hz)


class Pacer:
    """One answer at `rate_hz`. Times are monotonic seconds; `lead` is seconds too, and at least a chunk."""

    def __init__(self, rate_hz: int, lead: float) -> None:
        self.rate_hz = rate_hz
        self._size = round(CHUNK_SECONDS * rate_hz)
        self.lead = lead
        """It may change: from then on."""
        self.way = Way()
        self.sound = AnswerSound()
        self.sent = 0
        """Samples that left."""
        self._segment = 0
        self._is_whole = False
        self.is_sent = False
        """The last chunk left."""
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
        self._clock = EarByClock(rate_hz)

    def feed(self, samples: Samples, segment: int) -> None:
        for start in range(0, len(samples), self._size):
            self.sound.add(samples[start : start + self._size], segment)

    def drop(self) -> None:
        """What has not left is not kept: nobody will hear it."""
        self.sound.forget()

    def end(self) -> None:
        """Nothing more will be fed."""
        self._is_whole = True

    # ------------------------------------------------------------ held

    def hold(self, now: float, *, is_ear_held: bool) -> None:
        """Nothing leaves from now on. `is_ear_held`: the client stops playing too, at what it has heard;
        else it plays what was sent."""
        if self.held_at is None:
            self._played, self._played_at = self.heard(now), now
            self._clock.hold(now)
            self.held_at, self.is_ear_held = now, is_ear_held

    def resume(self, now: float, played: int) -> None:
        """It goes on, at the sample `played` that the ear hears next; what it hears again was heard
        before."""
        self._most = self.heard(now)
        self._played, self._played_at = played, now
        self._clock.resume(played, now)
        self.held_at, self.is_ear_held = None, False

    def go_on_from(self, played: int, now: float, *, is_reported: bool) -> int:
        """The line is another one: what leaves next is the sample at which the ear is, as far as it is kept,
        and what left of it before leaves again. Returns that sample. `is_reported`: the client says so."""
        self.sound.seek(played)
        played = self.sound.position
        self.is_sent = self.is_sent and played == self.sent
        self.sent = played
        self._played, self._played_at, self._most = played, now, 0
        self._clock.restart(played, now)
        self.way = Way()
        self.is_ear_held = False
        self.is_reported = self.is_reported or is_reported
        self._reported = min(self._reported, played)
        return played

    # ------------------------------------------------------------ let out

    def due(self, now: float) -> list[Chunk]:
        """What may leave now. The last chunk may be empty."""
        chunks: list[Chunk] = []
        if self.held_at is not None:
            return chunks
        while not self.sound.is_empty and _needed(self) <= self.reached(now):
            samples, segment = self.sound.leave()
            chunks.append(self._send(samples, segment, now))
        if self._is_whole and self.sound.is_empty and not self.is_sent:
            chunks.append(self._send(np.zeros(0, np.int16), self._segment, now))
        return chunks

    def next_due(self, now: float) -> float | None:
        """When `due` will have something; None: not before more is fed, or it goes on."""
        if self.held_at is not None:
            return None
        if self.sound.is_empty:
            return now if self._is_whole and not self.is_sent else None
        needed = _needed(self)
        if needed <= self.reached(now):
            return now
        by_reports = self._played_at + (needed - self._played) / self.rate_hz
        return max(now, min(by_reports, self._clock.latest_at(needed)))

    def ear(self, now: float) -> int:
        """The sample that is played now, to the nearest; never behind the last that was sent."""
        since = 0.0 if self.is_ear_held else now - self._played_at
        return min(self._played + round(since * self.rate_hz), self.sent)

    def heard(self, now: float) -> int:
        """Samples played until now, at any time; never more than were sent."""
        return max(self._most, self.ear(now))

    def reached(self, now: float) -> int:
        """What pacing goes by: what was heard, by a client that is no later than may be."""
        return max(self.heard(now), self._clock.earliest(now))

    def all_heard_at(self, now: float) -> float:
        """When what was sent will have been played."""
        by_reports = now + (self.sent - self.heard(now)) / self.rate_hz
        return min(by_reports, self._clock.latest_at(self.sent))

    def report(self, played: int, now: float) -> None:
        """The client says that `played` samples were played: more than were sent counts as what was sent.

        What it said before is not taken back: a report that falls is ignored.
        """
        self.is_reported = True
        if played >= self._reported:
            self._reported = self._played = min(played, self.sent)
            self._played_at = now

    def _send(self, samples: Samples, segment: int, now: float) -> Chunk:
        if self.heard(now) >= self.sent:
            self._played, self._played_at = self.sent, now
            self._clock.restart(self.sent, now)
        is_last = self._is_whole and self.sound.is_empty
        chunk = Chunk(samples, segment, is_last)
        self._segment = segment
        self.sent += len(samples)
        self.way.sent(self.sent, now)
        self.is_sent = is_last
        oldest = self.sent - round(SENT_SECONDS * self.rate_hz)
        if self.is_reported:
            oldest = max(oldest, self._reported - round(BEHIND_SECONDS * self.rate_hz))
        self.sound.forget(oldest)
        return chunk


def _needed(pacer: Pacer) -> int:
    """How much must have been played for the next chunk to leave."""
    ahead = max(pacer.lead, CHUNK_SECONDS) + pacer.way.seconds
    return pacer.sent + pacer.sound.next_length - round(ahead * pacer.rate_hz)
