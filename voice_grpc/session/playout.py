"""One answer on its way to the client's ear: paced, framed, and remembered clause by clause.

Shared by what fills it (`reply.py`) and what asks how much was heard (`session.py`).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..core.audio import Samples, audible_from, sample_count
from ..core.config import SessionConfig
from ..core.heard import SpokenClause, heard_text
from ..core.outbound import AudioOut, Phase, TextOut, TurnChanged
from ..core.pacer import Chunk, Pacer
from ..core.timeline import Mark, Timeline
from ..transcode import Encoder, Resampler
from .clock import ConversationClock
from .outbox import Outbox

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
        self, turn: int, config: SessionConfig, clock: ConversationClock, outbox: Outbox, timeline: Timeline
    ) -> None:
        self.turn = turn
        self._clock, self._outbox, self._timeline = clock, outbox, timeline
        self._pacer = Pacer(config.output.rate_hz, config.playout_lead)
        self._encoder = Encoder(config.output)
        self._resampler: Resampler | None = None
        self._clauses: list[SpokenClause] = []
        self._texts: list[str] = []
        self._shown = 0
        self._fed = 0
        self._is_audible = False
        self._is_muted = False
        self._changed = asyncio.Event()
        self.dry_since = clock.now()
        """When it last had nothing to play."""

    # ------------------------------------------------------------ filled

    def add_clause(self, text: str) -> int:
        """Returns the index of the segment."""
        self._texts.append(text)
        self._clauses.append(SpokenClause(len(self._clauses), text, self._fed, 0))
        return len(self._clauses) - 1

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
        if self._clauses:
            self._flush_resampler(len(self._clauses) - 1)
            self._clauses[-1] = _whole(self._clauses[-1])
        self._pacer.end()
        self._changed.set()

    def drop_unspoken(self) -> None:
        """The clauses that the voice did not get to are not part of the answer."""
        while len(self._clauses) > self._shown and not self._clauses[-1].length:
            self._clauses.pop()
            self._texts.pop()

    def show(self, text: str) -> None:
        """Words of an answer in text alone leave as they come."""
        if self._is_muted:
            return
        self._begin()
        self._outbox.put_in_order(TextOut(self.turn, self.add_clause(text), text))
        self._shown = len(self._texts)

    # ------------------------------------------------------------ played

    @property
    def has_begun(self) -> bool:
        return self._shown > 0

    @property
    def has_sound(self) -> bool:
        return self._is_audible

    @property
    def sent_seconds(self) -> float:
        return self._pacer.sent / self._pacer.rate_hz

    @property
    def text(self) -> str:
        """All of it that was let out."""
        return "".join(self._texts[: self._shown]).strip()

    def standing(self) -> Standing:
        played = self._pacer.heard(self._clock.now())
        return Standing(played, self.text_until(played), self._pacer.is_reported)

    def text_until(self, played: int) -> str:
        """What was shown without any sound was read."""
        if not self._pacer.sent:
            return self.text
        clauses = self._clauses[: self._shown]
        return heard_text(clauses, min(played, self._pacer.sent), self._pacer.rate_hz)

    def report(self, played: int) -> None:
        self._pacer.report(played, self._clock.now())
        self._changed.set()

    def mute(self) -> None:
        """Nothing leaves any more, whoever is still at work."""
        self._is_muted = True

    async def play(self, on_audible: Callable[[], None], dry_limit: float) -> None:
        """Until all of it was heard. Raises TimeoutError when it begins and then is dry for `dry_limit` s."""
        while not self._pacer.is_sent:
            await self._clock.running()
            now = self._clock.now()
            for chunk in self._pacer.due(now):
                self._send(chunk, now)
                on_audible()
            await self._wait(dry_limit)
        while (heard_at := self._pacer.all_heard_at(self._clock.now())) > self._clock.now():
            self._changed.clear()
            await self._clock.wait(self._changed, heard_at)

    def finish_text(self) -> None:
        """That was the last word."""
        if self._texts and not self._is_muted:
            self._outbox.put_in_order(TextOut(self.turn, len(self._texts) - 1, "", is_final=True))

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
        until = self.dry_since + dry_limit if self.has_begun else None
        await self._clock.wait(self._changed, until)
        if until is not None and not self._changed.is_set() and self._clock.now() >= until:
            raise TimeoutError

    def _append(self, samples: Samples, segment: int) -> None:
        for index, clause in enumerate(self._clauses[: segment + 1]):
            if index < segment and not clause.is_whole:
                self._clauses[index] = _whole(clause)
        clause = self._clauses[segment]
        start = clause.start if clause.length else self._fed
        self._clauses[segment] = SpokenClause(segment, clause.text, start, clause.length + len(samples))
        self._fed += len(samples)
        if len(samples):
            self._pacer.feed(samples, segment)
            self._changed.set()

    def _flush_resampler(self, segment: int) -> None:
        if self._resampler is not None:
            self._append(self._resampler.flush(), segment)
            self._resampler = None

    def _begin(self) -> None:
        if self._shown == 0:
            self._outbox.put_in_order(TurnChanged(self.turn, Phase.SPEAKING))

    def _send(self, chunk: Chunk, now: float) -> None:
        if self._is_muted:
            return
        self._begin()
        while self._shown <= chunk.segment < len(self._texts):
            self._outbox.put_in_order(TextOut(self.turn, self._shown, self._texts[self._shown]))
            self._shown += 1
        self._timeline.mark(Mark.FIRST_FRAME_OUT, now)
        if chunk.is_last:
            self.finish_text()
        self._outbox.put_in_order(
            AudioOut(
                self.turn,
                self._encoder.encode(chunk.samples),
                chunk.index,
                chunk.offset,
                len(chunk.samples),
                chunk.segment,
                chunk.is_last,
            )
        )


def _whole(clause: SpokenClause) -> SpokenClause:
    return replace(clause, is_whole=True)
