"""One answer on its way to the ear: made ready as it is fed, paced, and waited for until it was heard.

Its words leave ahead of their sound, in order, and nothing more once it is muted. Which words lie where in
the sound is kept, so that what was heard of them can be told.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..codec.transcode import RateConverter
from ..core.audio import Samples, audible_from, sample_count
from ..core.config import SessionConfig
from ..core.heard_text import SpokenClause, heard_text
from ..core.pacer import Chunk, Pacer
from ..core.responses import ResponseText
from ..core.timeline import Mark, Timeline
from .clock import ConversationClock
from .outbox import Outbox
from .speech import AudioPackets
from .turn_events import TurnEvents

PRE_ROLL = 0.02
"""Seconds of the silence at the head of an answer that are kept: an onset is not cut hard."""


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


class SegmentLedger:
    """The clauses of an answer: which of them have left, and where in the sound each lies."""

    def __init__(
        self, packets: AudioPackets, rate_hz: int, outbox: Outbox, turn_events: TurnEvents, turn: int
    ) -> None:
        self._turn, self._rate_hz, self._packets = turn, rate_hz, packets
        self._outbox, self._turn_events = outbox, turn_events
        self._clauses: list[SpokenClause] = []
        self._shown = 0
        """Clauses whose words have left."""
        self._made = 0
        """Samples of all clauses."""
        self._is_muted = False
        self._answer_clauses: int | None = None
        """Those before the server's apology; None: there is none."""

    # ------------------------------------------------------------ words and where they are

    def add_clause(self, text: str) -> int:
        """Returns the index of the segment."""
        self._clauses.append(SpokenClause(len(self._clauses), text, self._made, 0))
        return len(self._clauses) - 1

    @property
    def count(self) -> int:
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

    def begin_apology(self) -> None:
        """The next clause, and what follows it, is said by the server itself."""
        self._answer_clauses = len(self._clauses)

    def by_speaker(self, heard: str) -> tuple[str, str]:
        """What was heard, as the model's words and the server's apology."""
        if self._answer_clauses is None:
            return heard, ""
        answer = "".join(clause.text for clause in self._clauses[: self._answer_clauses])
        apology = " ".join(heard.split()[len(answer.split()) :])
        return heard.removesuffix(apology).rstrip(), apology

    def heard(self, played: int) -> str:
        """The words that were heard of what was let out, once `played` samples were played."""
        return heard_text(self._clauses[: self._shown], played, self._rate_hz)

    # ------------------------------------------------------------ letting out

    def mute(self) -> None:
        """Nothing leaves any more, whoever is still at work."""
        self._is_muted = True

    def show(self, text: str) -> None:
        """Words of an answer in text alone leave as they come."""
        if self._is_muted:
            return
        self._turn_events.speaking(self._turn)
        self._outbox.put_in_order(ResponseText(self._turn, self.add_clause(text), text))
        self._shown = len(self._clauses)

    def finish_text(self) -> None:
        """That was the last word."""
        if self._clauses and not self._is_muted:
            self._outbox.put_in_order(ResponseText(self._turn, len(self._clauses) - 1, "", is_final=True))

    def send(self, chunk: Chunk) -> None:
        if self._is_muted:
            return
        self._turn_events.speaking(self._turn)
        while self._shown <= chunk.segment < len(self._clauses):
            self._outbox.put_in_order(ResponseText(self._turn, self._shown, self._clauses[self._shown].text))
            self._shown += 1
        if chunk.is_last:
            self.finish_text()
        for packet in self._packets.pack(chunk.samples, chunk.segment, is_last=chunk.is_last):
            self._outbox.put_in_order(packet)


class Playout:
    """The sound of an answer: fed at any rate, let out when it is due."""

    def __init__(
        self,
        config: SessionConfig,
        clock: ConversationClock,
        segments: SegmentLedger,
        timeline: Timeline,
        unread: Callable[[], int],
    ) -> None:
        """`unread`: samples that were let out and are still in the outbox, since the client does not read."""
        self._unread = unread
        self._clock, self._segments, self._timeline = clock, segments, timeline
        self._pacer = Pacer(config.output.rate_hz, config.playout_lead)
        self._converter = RateConverter(config.output.rate_hz)
        self._is_audible = False
        self._changed = asyncio.Event()
        self.dry_since = clock.now()
        """When it last had nothing to play."""
        self._is_awaited = False
        self._made = 0
        """Samples that were fed, at the output rate."""
        self.underruns = 0
        """Times that sound came after the ear had nothing more to hear; waiting for a tool is none."""

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
        self._append(self._converter.feed(samples, rate_hz), segment)

    def end(self) -> None:
        """Nothing more will be fed."""
        if self._segments.count:
            self._append(self._converter.flush(), self._segments.count - 1)
        self._segments.end()
        self._pacer.end()
        self._changed.set()

    # ------------------------------------------------------------ played

    @property
    def has_sound(self) -> bool:
        return self._is_audible

    @property
    def sent_seconds(self) -> float:
        return self._pacer.sent / self._pacer.rate_hz

    @property
    def unheard_seconds(self) -> float:
        """Of sound that was fed and not heard yet; what has not left the outbox was not heard, whatever the
        clock says."""
        pacer = self._pacer
        left = pacer.sent - self._unread()
        return (self._made - min(pacer.heard(self._clock.now()), left)) / pacer.rate_hz

    def drop(self) -> None:
        """What has not left never will."""
        self._pacer.drop()

    @property
    def made_seconds(self) -> float:
        """Of sound, heard or not."""
        return self._made / self._pacer.rate_hz

    @property
    def ahead_seconds(self) -> float:
        """Of sound that is made and has not left."""
        return self.made_seconds - self.sent_seconds

    def position(self) -> PlaybackPosition:
        """What was shown without any sound was read."""
        segments, played = self._segments, self._pacer.heard(self._clock.now())
        heard = segments.heard(played) if self._pacer.sent else segments.text
        return PlaybackPosition(played, heard, self._pacer.is_reported, segments.text, segments.has_begun)

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
            was_dry = 0 < self._pacer.sent <= self._pacer.heard(now) and not self._is_awaited
            for chunk in self._pacer.due(now):
                self.underruns += was_dry and len(chunk.samples) > 0
                was_dry = False
                self._timeline.mark(Mark.FIRST_FRAME_OUT, now)
                self._segments.send(chunk)
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
        may_stall = self._is_awaited or not self._segments.has_begun
        until = None if may_stall else self.dry_since + dry_limit
        await self._clock.wait(self._changed, until)
        if until is not None and not self._changed.is_set() and self._clock.now() >= until:
            raise TimeoutError

    def _append(self, samples: Samples, segment: int) -> None:
        self._segments.extend(segment, len(samples))
        self._made += len(samples)
        if len(samples):
            self._pacer.feed(samples, segment)
            self._changed.set()
