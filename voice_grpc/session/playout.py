"""One answer on its way to the ear: made ready as it is fed, paced, and waited for until it was heard.

What leaves, and which words that is, is `playout.py`'s.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..codec.transcode import Encoder, Resampler
from ..core.audio import Samples, audible_from, sample_count
from ..core.config import AudioFormat, SessionConfig
from ..core.heard_text import SpokenClause, heard_text
from ..core.pacer import Chunk, Pacer
from ..core.responses import AudioOutput, ResponseText, TurnEvent, TurnPhase
from ..core.timeline import Mark, Timeline
from .clock import ConversationClock
from .outbox import Outbox

# ----------------------------------------------------------------
# what of an answer has left: its words ahead of their sound, in order, and nothing more once it is
# muted
# Which words lie where in the sound is kept here, so that what was heard can be told. When sound leaves is
# `clients/jitter_buffer.py`'s to say.


class SegmentLedger:
    def __init__(self, turn: int, format: AudioFormat, outbox: Outbox, timeline: Timeline) -> None:
        self._turn, self._rate_hz = turn, format.rate_hz
        self._outbox, self._timeline = outbox, timeline
        self._encoder = Encoder(format)
        self._clauses: list[SpokenClause] = []
        self._shown = 0
        """Clauses whose words have left."""
        self._made = 0
        """Samples, of all clauses."""
        self._pieces = self._left = 0
        """How many left, and the samples in them."""
        self._is_muted = False

    # ------------------------------------------------------------ words and where they are

    def add_clause(self, text: str) -> int:
        """Returns the index of the segment."""
        self._clauses.append(SpokenClause(len(self._clauses), text, self._made, 0))
        return len(self._clauses) - 1

    @property
    def segments(self) -> int:
        return len(self._clauses)

    def extend(self, segment: int, samples: int) -> None:
        """So much more sound of it was made; the segments before it have all of theirs."""
        for index, clause in enumerate(self._clauses[:segment]):
            if not clause.is_whole:
                self._clauses[index] = replace(clause, is_whole=True)
        clause = self._clauses[segment]
        start = clause.start if clause.length else self._made
        self._clauses[segment] = SpokenClause(segment, clause.text, start, clause.length + samples)
        self._made += samples

    def end(self) -> None:
        """All the sound was made."""
        if self._clauses:
            self._clauses[-1] = replace(self._clauses[-1], is_whole=True)

    def drop_unspoken(self) -> None:
        """The clauses that the voice did not get to are not part of the answer."""
        while len(self._clauses) > self._shown and not self._clauses[-1].length:
            self._clauses.pop()

    @property
    def has_begun(self) -> bool:
        return self._shown > 0

    @property
    def text(self) -> str:
        """All of it that was let out."""
        return "".join(clause.text for clause in self._clauses[: self._shown]).strip()

    def heard(self, played: int) -> str:
        """Of what was let out, once `played` samples were."""
        return heard_text(self._clauses[: self._shown], played, self._rate_hz)

    # ------------------------------------------------------------ letting out

    def mute(self) -> None:
        """Nothing leaves any more, whoever is still at work."""
        self._is_muted = True

    def show(self, text: str) -> None:
        """Words of an answer in text alone leave as they come."""
        if self._is_muted:
            return
        self._begin()
        self._outbox.put_in_order(ResponseText(self._turn, self.add_clause(text), text))
        self._shown = len(self._clauses)

    def finish_text(self) -> None:
        """That was the last word."""
        if self._clauses and not self._is_muted:
            self._outbox.put_in_order(ResponseText(self._turn, len(self._clauses) - 1, "", is_final=True))

    def send(self, chunk: Chunk, now: float) -> None:
        if self._is_muted:
            return
        self._begin()
        while self._shown <= chunk.segment < len(self._clauses):
            self._outbox.put_in_order(ResponseText(self._turn, self._shown, self._clauses[self._shown].text))
            self._shown += 1
        self._timeline.mark(Mark.FIRST_FRAME_OUT, now)
        if chunk.is_last:
            self.finish_text()
        pieces = self._encoder.encode(chunk.samples, is_last=chunk.is_last)
        for piece in pieces:
            is_last = chunk.is_last and piece is pieces[-1]
            place = (self._pieces, self._left, piece.length, chunk.segment, is_last)
            self._outbox.put_in_order(AudioOutput(self._turn, piece.data, *place))
            self._pieces += 1
            self._left += piece.length

    def _begin(self) -> None:
        if self._shown == 0:
            self._outbox.put_in_order(TurnEvent(self._turn, TurnPhase.SPEAKING))


PRE_ROLL = 0.02
"""Seconds of the silence at the head of an answer that are kept: an onset is not cut hard."""


@dataclass(frozen=True, slots=True)
class PlaybackPosition:
    """Where an answer stood when it was stopped."""

    played: int
    heard_text: str
    is_reported: bool


class Playout:
    def __init__(
        self, config: SessionConfig, clock: ConversationClock, delivery: SegmentLedger, timeline: Timeline
    ) -> None:
        self._clock, self._delivery, self._timeline = clock, delivery, timeline
        self._pacer = Pacer(config.output.rate_hz, config.playout_lead)
        self._resampler: Resampler | None = None
        self._is_audible = False
        self._changed = asyncio.Event()
        self.dry_since = clock.now()
        """When it last had nothing to play."""
        self._is_awaited = False

    # ------------------------------------------------------------ filled

    def feed(self, samples: Samples, rate_hz: int, segment: int) -> None:
        """Some sound of a clause that was added. Silence at the head of the answer is cut."""
        if not self._is_audible:
            start = audible_from(samples, rate_hz)
            if start == len(samples):
                return
            samples = samples[max(0, start - sample_count(PRE_ROLL, rate_hz)) :]
            self._is_audible = True
            self._timeline.mark(Mark.TTS_FIRST_AUDIO, self._clock.now())
        if self._resampler is None or self._resampler.from_hz != rate_hz:
            self._flush_resampler(segment)
            self._resampler = Resampler(rate_hz, self._pacer.rate_hz)
        self._append(self._resampler.feed(samples), segment)

    def end(self) -> None:
        """Nothing more will be fed."""
        if self._delivery.segments:
            self._flush_resampler(self._delivery.segments - 1)
        self._delivery.end()
        self._pacer.end()
        self._changed.set()

    # ------------------------------------------------------------ played

    @property
    def has_sound(self) -> bool:
        return self._is_audible

    @property
    def sent_seconds(self) -> float:
        return self._pacer.sent / self._pacer.rate_hz

    def standing(self) -> PlaybackPosition:
        """What was shown without any sound was read."""
        played = self._pacer.heard(self._clock.now())
        heard = self._delivery.heard(played) if self._pacer.sent else self._delivery.text
        return PlaybackPosition(played, heard, self._pacer.is_reported)

    def wait_for(self, is_awaited: bool) -> None:
        """Whether what comes next may take its time: a tool is at work."""
        self._is_awaited = is_awaited
        self.dry_since = self._clock.now()
        self._changed.set()

    def report(self, played: int) -> None:
        self._pacer.report(played, self._clock.now())
        self._changed.set()

    async def play(self, on_audible: Callable[[], None], dry_limit: float) -> None:
        """Until all of it was heard. Raises TimeoutError when it begins and then is dry for `dry_limit` s."""
        while not self._pacer.is_sent:
            await self._clock.running()
            now = self._clock.now()
            for chunk in self._pacer.due(now):
                self._delivery.send(chunk, now)
                on_audible()
            await self._wait(dry_limit)
        while (heard_at := self._pacer.all_heard_at(self._clock.now())) > self._clock.now():
            self._changed.clear()
            await self._clock.wait(self._changed, heard_at)

    async def _wait(self, dry_limit: float) -> None:
        now = self._clock.now()
        due = self._pacer.next_due(now)
        self._changed.clear()
        if self._pacer.is_sent:
            return
        if due is not None:
            self.dry_since = due
            await self._clock.wait(self._changed, due)
            return
        may_stall = self._is_awaited or not self._delivery.has_begun
        until = None if may_stall else self.dry_since + dry_limit
        await self._clock.wait(self._changed, until)
        if until is not None and not self._changed.is_set() and self._clock.now() >= until:
            raise TimeoutError

    def _append(self, samples: Samples, segment: int) -> None:
        self._delivery.extend(segment, len(samples))
        if len(samples):
            self._pacer.feed(samples, segment)
            self._changed.set()

    def _flush_resampler(self, segment: int) -> None:
        if self._resampler is not None:
            self._append(self._resampler.flush(), segment)
            self._resampler = None
