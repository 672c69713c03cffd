"""One answer on its way to the ear: made ready as it is fed, paced, and waited for until it was heard.

What leaves, and which words that is, is `delivery.py`'s.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ..core.audio import Samples, audible_from, sample_count
from ..core.config import SessionConfig
from ..core.pacer import Pacer
from ..core.timeline import Mark, Timeline
from ..transcode import Resampler
from .clock import ConversationClock
from .delivery import Delivery

PRE_ROLL = 0.02
"""Seconds of the silence at the head of an answer that are kept: an onset is not cut hard."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an answer stood when it was stopped."""

    played: int
    heard_text: str
    is_reported: bool


class Playout:
    def __init__(
        self, config: SessionConfig, clock: ConversationClock, delivery: Delivery, timeline: Timeline
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

    def standing(self) -> Standing:
        """What was shown without any sound was read."""
        played = self._pacer.heard(self._clock.now())
        heard = self._delivery.heard(played) if self._pacer.sent else self._delivery.text
        return Standing(played, heard, self._pacer.is_reported)

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
