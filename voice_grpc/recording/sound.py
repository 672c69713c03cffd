"""Two channels on one timeline, left the user and right the assistant, as Ogg Opus at 48 kHz.

A piece of sound comes with its time, and lies where that says; between pieces is silence. What was written
is written for good: sound that comes for a time before is cut to what is left of it.
"""

import secrets
from collections import deque

import numpy as np
import numpy.typing as npt

from ..codec.ogg import PageWriter
from ..codec.opus import DECODED_HZ, PACKET_SECONDS, PacketEncoder
from ..codec.transcode import RateConverter
from ..core.audio import Samples, sample_count
from ..ports import SoundPiece

RECORDED_HZ = DECODED_HZ

PACKET = sample_count(PACKET_SECONDS, RECORDED_HZ)

SLACK = sample_count(0.001, RECORDED_HZ)
"""Samples by which pieces that follow each other may be apart, for the rounding of their times."""

HELD_BACK = sample_count(0.06, RECORDED_HZ)
"""Samples that a resampler may hold back of sound that goes on: twice the 30 ms of the slowest
(`codec/transcode.py`)."""

MAX_AHEAD = sample_count(60.0, RECORDED_HZ)
"""Samples of a channel that wait to be written; a caller who sends faster than people speak gets as far."""

QUIET_PACKETS = 25
"""Of silence, after which the encoder has settled, and says the same for every further one: it is not asked
again before there is sound. A paused conversation is nothing but silence."""

PAGE_PACKETS = 25
"""At most, which is half a second."""


class Channel:
    """The sound of one side, at `RECORDED_HZ`; positions are samples on the timeline."""

    def __init__(self) -> None:
        self._converter = RateConverter(RECORDED_HZ)
        self._given = self._converted = 0
        """Where what comes next follows without a gap, and how far it is converted."""
        self._waiting = deque[tuple[int, Samples]]()
        self._written = 0

    def put(self, piece: SoundPiece) -> bool:
        """False: it is too far ahead, and left out."""
        at = sample_count(piece.at, RECORDED_HZ)
        length = round(len(piece.samples) * RECORDED_HZ / piece.rate_hz)
        if at + length > self._written + MAX_AHEAD:
            return False
        if abs(at - self._given) > SLACK:
            self._flush()
            self._given = self._converted = at
        self._add(self._converter.feed(piece.samples, piece.rate_hz))
        self._given += length
        return True

    def take(self, until: int) -> Samples:
        """From where the last one ended, with silence where nothing came."""
        if self._given <= until:
            self._flush()
        taken = np.zeros(max(0, until - self._written), np.int16)
        while self._waiting and self._waiting[0][0] < until:
            at, samples = self._waiting.popleft()
            if at + len(samples) > until:
                self._waiting.appendleft((until, samples[until - at :]))
                samples = samples[: until - at]
            samples = samples[max(0, self._written - at) :]
            start = max(0, at - self._written)
            taken[start : start + len(samples)] = samples
        self._written += len(taken)
        return taken

    def _flush(self) -> None:
        self._add(self._converter.flush())

    def _add(self, samples: Samples) -> None:
        if len(samples):
            self._waiting.append((self._converted, samples))
            self._converted += len(samples)


class TwoChannels:
    """The timeline of one recording → a file in pieces, each of which leaves it playable."""

    def __init__(self) -> None:
        self.user, self.assistant = Channel(), Channel()
        self.written = 0
        """Samples of the timeline."""
        self._encoder = PacketEncoder(RECORDED_HZ, channels=2)
        self._pages = PageWriter(RECORDED_HZ, secrets.randbits(32), channels=2, most=PAGE_PACKETS)
        self._quiet = 0
        """Packets of silence, so far."""
        self._silence = b""
        """What the encoder says for one."""

    def write(self, until: int) -> bytes:
        """All whole packets that end before the position `until`."""
        return self._pages.feed(self._encode(until - until % PACKET))

    def finish(self, until: int) -> bytes:
        """All up to the position `until`, and what the decoder is late by."""
        return self._pages.feed(self._encode(-(-until // PACKET) * PACKET + PACKET), is_last=True)

    def _encode(self, until: int) -> list[bytes]:
        if until <= self.written:
            return []
        both = np.stack((self.user.take(until), self.assistant.take(until)), axis=1)
        self.written = until
        return [self._packet(both[at : at + PACKET]) for at in range(0, len(both), PACKET)]

    def _packet(self, pairs: npt.NDArray[np.int16]) -> bytes:
        self._quiet = 0 if pairs.any() else self._quiet + 1
        if self._quiet > QUIET_PACKETS:
            return self._silence
        (self._silence,) = self._encoder.feed(pairs)
        return self._silence
