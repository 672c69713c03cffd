"""One answer on its way to the ear: made ready as it is fed, paced, and waited for until it was heard.

Its words leave ahead of their sound, in order, and nothing more once it is muted. Which words lie where in
the sound is kept, so that what was heard of them can be told.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from ...codec.transcode import RateConverter
from ...core.audio import Samples, audible_from, sample_count
from ...core.config import SessionConfig
from ...core.playout.lead import AnswerLead
from ...core.playout.pacer import Chunk, Pacer
from ...core.playout.spoken_answer import SpokenAnswer
from ...core.playout.volume import Volume
from ...core.requests import PlaybackReport
from ...core.responses import ResponseText
from ...core.timeline import Mark, Timeline
from ..context import SessionContext
from ..telling.outbox import Outbox
from ..telling.turn_events import TurnEvents
from .speech import AudioPackets

PRE_ROLL = 0.02
"""Seconds of the silence at the head of an answer that are kept: an onset is not cut hard."""

RECALL = 0.4
"""Seconds of being held after which the word that was cut is said again: till then it is still in the ear."""

KEPT = 1.0
"""Seconds that a client keeps of what it has played."""


@dataclass(frozen=True, slots=True)
class PlaybackPosition:
    """How far an answer has come."""

    played: int
    """Samples at the output rate."""
    heard_text: str
    """The words in them."""
    is_reported: bool
    """The client says so; else the pacing does."""
    text: str
    """All that was let out."""
    has_begun: bool
    """Something was let out."""
    held_at: float | None
    """Since when it waits, by the session's clock; None: it does not."""


@dataclass(frozen=True, slots=True)
class PlayoutSeconds:
    """How much sound of an answer there is."""

    made: float
    sent: float
    unheard: float
    """Of what is made."""


class SegmentLedger:
    """What leaves of an answer: its words ahead of their sound, in order, and nothing once it is muted."""

    def __init__(
        self, packets: AudioPackets, rate_hz: int, outbox: Outbox, turn_events: TurnEvents, turn: int
    ) -> None:
        self._turn, self._packets = turn, packets
        self._outbox, self._turn_events = outbox, turn_events
        self.answer = SpokenAnswer(rate_hz)
        self.on_shown: Callable[[], None] = lambda: None
        """Called when the sound of another clause leaves."""
        self._is_muted = self._is_text_whole = False

    @property
    def has_begun(self) -> bool:
        return self.answer.shown > 0

    def mute(self) -> None:
        """Nothing leaves any more, whoever is still at work."""
        self._is_muted = True

    def show(self, text: str) -> None:
        """Words of an answer in text alone leave as they come."""
        if self._is_muted:
            return
        self._turn_events.speaking(self._turn)
        self._outbox.put_in_order(ResponseText(self._turn, self.answer.add(text), text))
        self.answer.shown = self.answer.count

    def finish_text(self) -> None:
        """That was the last word. Said once."""
        if self.answer.count and not self._is_muted and not self._is_text_whole:
            self._is_text_whole = True
            self._outbox.put_in_order(ResponseText(self._turn, self.answer.count - 1, "", is_final=True))

    def go_on_from(self, played: int) -> None:
        """The sound goes on at this sample, on another line. The words of it were told."""
        self._packets.go_on_from(played, self._outbox.waiting_packets(self._turn))

    def send(self, chunk: Chunk) -> None:
        if self._is_muted:
            return
        self._turn_events.speaking(self._turn)
        answer = self.answer
        while answer.shown <= chunk.segment < answer.count:
            self._outbox.put_in_order(ResponseText(self._turn, answer.shown, answer.text_of(answer.shown)))
            answer.shown += 1
            self.on_shown()
        if chunk.is_last:
            self.finish_text()
        for packet in self._packets.pack(chunk.samples, chunk.segment, is_last=chunk.is_last):
            self._outbox.put_in_order(packet)


class Playout:
    """The sound of an answer: fed at any rate, let out when it is due."""

    def __init__(
        self,
        config: SessionConfig,
        context: SessionContext,
        segments: SegmentLedger,
        timeline: Timeline,
        unread: Callable[[], int],
    ) -> None:
        """`unread`: samples that were let out and are still in the outbox, since the client does not read."""
        self._taps, self.clock = context.playout_taps, context.clock
        self._unread = unread
        self._segments, self._timeline = segments, timeline
        self._lead = AnswerLead(context.lead, config.playout_lead)
        self.pacer = Pacer(config.output.rate_hz, self._lead.seconds)
        self._converter = RateConverter(config.output.rate_hz)
        self.has_sound = False
        """What is heard first is made."""
        self._changed = asyncio.Event()
        self.dry_since = self.clock.now()
        """When it last had nothing to play."""
        self._is_awaited = False
        self.volume = Volume(config.output.rate_hz)
        """Of what has not left, while a voice is over it."""
        self._was_held = False
        """Nothing has left since it was: the ear was empty on purpose."""
        self._made = 0
        """Samples that were fed, at the output rate."""
        self.underruns = 0
        """Times that sound came after the ear had nothing more to hear; waiting for a tool is none."""
        self._dried = 0
        """The same, and those on purpose: no fault of the line."""

    # ------------------------------------------------------------ filled

    def feed(self, samples: Samples, rate_hz: int, segment: int) -> None:
        """Some sound of a clause that was added. Silence at the head of the answer is cut."""
        if not self.has_sound:
            start = audible_from(samples, rate_hz)
            if start == len(samples):
                return
            samples = samples[max(0, start - sample_count(PRE_ROLL, rate_hz)) :]
            self.has_sound = True
            self._timeline.mark(Mark.TTS_FIRST_AUDIO, self.clock.now())
        self._append(self._converter.feed(samples, rate_hz), segment)

    def end(self) -> None:
        """Nothing more will be fed."""
        if self._segments.answer.count:
            self._append(self._converter.flush(), self._segments.answer.count - 1)
        self._segments.answer.end()
        self.pacer.end()
        self._changed.set()

    # ------------------------------------------------------------ played

    @property
    def seconds(self) -> "PlayoutSeconds":
        """What has not left the outbox was not heard, whatever the clock says."""
        pacer = self.pacer
        heard = min(pacer.reached(self.clock.now()), pacer.sent - self._unread())
        counts = (self._made, pacer.sent, self._made - heard)
        return PlayoutSeconds(*(samples / pacer.rate_hz for samples in counts))

    @property
    def ahead_seconds(self) -> float:
        """Of what is made, that has not left. May be asked in any thread."""
        return (self._made - self.pacer.sent) / self.pacer.rate_hz

    def drop(self) -> None:
        """What has not left never will, and the client throws away what has."""
        self.pacer.drop()
        self._taps.cut(self.pacer)

    def position(self) -> PlaybackPosition:
        """What was shown without any sound was read."""
        answer, played = self._segments.answer, self.pacer.heard(self.clock.now())
        heard = answer.heard(played) if self.pacer.sent else answer.text
        return PlaybackPosition(
            played, heard, self.pacer.is_reported, answer.text, answer.shown > 0, self.pacer.held_at
        )

    def hold(self, *, is_ear_held: bool) -> None:
        """Nothing leaves, and nothing is lost; `is_ear_held` as in `Pacer.hold`."""
        self.pacer.hold(self.clock.now(), is_ear_held=is_ear_held)
        self._taps.held(self.pacer)
        self._changed.set()

    def resume(self) -> int:
        """It goes on, at full volume. Returns the sample that the ear is to hear next: the one at which it
        was held, or the beginning of the word that it is in where that was long ago."""
        now, pacer = self.clock.now(), self.pacer
        played = pacer.heard(now)
        if pacer.is_ear_held and pacer.held_at is not None and now - pacer.held_at > RECALL:
            kept = played - sample_count(KEPT, pacer.rate_hz)
            played = max(kept, self._segments.answer.word_start(played))
        pacer.resume(now, played)
        self._taps.resumed(pacer)
        self.volume.lower(False)
        self._was_held, self.dry_since = True, now
        self._changed.set()
        return played

    def go_on_from(self, played: int | None = None) -> None:
        """The line is lost, or is another one: what leaves next is what the ear did not hear. `played`:
        samples, as the client says; None: as far as is known. What is in the outbox was not heard, and is to
        be dropped."""
        now, pacer = self.clock.now(), self.pacer
        heard = min(pacer.heard(now), pacer.sent - self._unread()) if played is None else played
        heard = pacer.go_on_from(heard, now, is_reported=played is not None)
        self._taps.moved(pacer)
        self._segments.go_on_from(heard)
        self._was_held, self.dry_since = True, now
        self._changed.set()

    def wait_for(self, is_awaited: bool) -> None:
        """Whether what comes next may take its time: a tool is at work."""
        self._is_awaited = is_awaited
        self.dry_since = self.clock.now()
        self._changed.set()

    def report(self, report: PlaybackReport) -> None:
        now, pacer = self.clock.now(), self.pacer
        pacer.report(report.played, now)
        self._taps.reported(pacer)
        if report.buffered:
            pacer.way.arrived(report.played + report.buffered, now)
        is_flowing = pacer.next_due(now) is not None
        left = report.buffered / pacer.rate_hz if report.buffered and is_flowing else math.inf
        self._lead.report(report.underruns - self._dried, left)
        pacer.lead = self._lead.seconds
        self._changed.set()

    async def play(self, on_audible: Callable[[], None], dry_limit: float) -> None:
        """Until all of it was heard. Raises TimeoutError when it begins and then is dry for `dry_limit` s."""
        while True:
            await self.clock.running()
            now = self.clock.now()
            if self.pacer.is_sent and self.pacer.all_heard_at(now) <= now:
                self._lead.end()
                return
            is_on_purpose = self._is_awaited or self._was_held
            was_dry = 0 < self.pacer.sent <= self.pacer.heard(now)
            for chunk in self.pacer.due(now):
                self._dried += was_dry and len(chunk.samples) > 0
                self.underruns += was_dry and len(chunk.samples) > 0 and not is_on_purpose
                was_dry = self._was_held = False
                self._timeline.mark(Mark.FIRST_FRAME_OUT, now)
                chunk = replace(chunk, samples=self.volume.applied(chunk.samples))
                self._segments.send(chunk)
                self._taps.leave(self.pacer, chunk, self._segments.answer.text_of)
                on_audible()
            await self._wait(dry_limit)

    async def _wait(self, dry_limit: float) -> None:
        now = self.clock.now()
        self._changed.clear()
        if self.pacer.is_sent:
            if (heard_at := self.pacer.all_heard_at(now)) > now:
                await self.clock.wait(self._changed, heard_at)
            return
        due = self.pacer.next_due(now)
        if due is not None:
            self.dry_since = due
            await self.clock.wait(self._changed, due)
            return
        may_stall = self._is_awaited or self.pacer.held_at is not None or not self._segments.has_begun
        until = None if may_stall else self.dry_since + dry_limit
        await self.clock.wait(self._changed, until)
        if until is not None and not self._changed.is_set() and self.clock.now() >= until:
            raise TimeoutError

    def _append(self, samples: Samples, segment: int) -> None:
        self._segments.answer.extend(segment, samples)
        self._made += len(samples)
        if len(samples):
            self.pacer.feed(samples, segment)
            self._changed.set()
