"""Text to speech alone: the speaking side of a session, without anybody to talk with.

What is not read is not made: while a packet waits to be taken the voice is given nothing, so that behind it
is no more than the rest of the clause that sounds, as far as it was made, and one clause more.
"""

import math
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from ...codec.transcode import RateConverter
from ...core.audio import Samples
from ...core.config import AudioFormat
from ...core.errors import EngineEmpty
from ...core.responses import AudioOutput
from ...core.text.segmentation import ClauseSplitter
from ...ports import Claim, Clause, Fallback, Tts, Urgency, VoiceChoice
from ..clock import ConversationClock
from ..telling.call_reports import SynthesisReports, WatchedCall
from .speech import AudioPackets, VoiceLead, speakable_clause

CHUNK_SECONDS = 0.1
"""Sound in one packet at the most: in a file smaller ones would only cost more."""


class Synthesis:
    """One text, spoken. `clauses` are what it is cut into, by the segment index of the packets."""

    def __init__(
        self,
        tts: Tts,
        text: str,
        choice: VoiceChoice,
        format: AudioFormat,
        caller: str = "",
        call: WatchedCall | None = None,
    ) -> None:
        """`caller`: for whom the voice works here; empty: nobody in particular. `call`: as whom observers
        know it; None: nobody looks on."""
        splitter = ClauseSplitter()
        self.clauses = [*splitter.feed(text), *splitter.flush()]
        self._tts = tts
        self._choice = replace(choice, claim=Claim.of(caller, Urgency.PART))
        self._reports = SynthesisReports(call or WatchedCall(), tts)
        self._converter = RateConverter(format.rate_hz)
        self._packets = AudioPackets(0, format)
        self._is_held_out = False
        """A packet waits to be taken."""
        self._lead = VoiceLead(ConversationClock(), choice.rate, self._unread_seconds)
        self._asked = 0
        """Clauses that the voice was given."""
        self._size = round(CHUNK_SECONDS * format.rate_hz)

    async def packets(self) -> AsyncGenerator[AudioOutput, None]:
        """The sound, the last packet marked. Raises `EngineError`."""
        segment, has_sound = 0, False
        with self._reports.told():
            async with aclosing(self._tts.speak(self._speakable(), self._choice)) as sounds:
                async for sound in sounds:
                    if isinstance(sound, Fallback):
                        self._reports.stood_in(sound)
                        continue
                    segment, has_sound = sound.clause_index, True
                    self._reports.sounded(segment, len(sound.samples) / sound.rate_hz)
                    self._is_held_out = True
                    for packet in self._pack(self._converter.feed(sound.samples, sound.rate_hz), segment):
                        yield packet
                    self._is_held_out = False
                    await self._lead.take(sound)
            if self._asked and not has_sound:
                raise EngineEmpty("tts", "the voice gave no sound")
        for packet in self._pack(self._converter.flush(), segment):
            yield packet
        for packet in self._packets.pack(np.zeros(0, np.int16), segment, is_last=True):
            yield packet

    async def _speakable(self) -> AsyncIterator[Clause]:
        for index, text in enumerate(self.clauses):
            clause = speakable_clause(Clause(index, text), self._choice.language)
            if clause is not None:
                await self._lead.give(clause)
                self._asked += 1
                self._reports.asked(clause)
                yield clause

    def _unread_seconds(self) -> float:
        """How long it will take to be read nobody knows."""
        return math.inf if self._is_held_out else 0.0

    def _pack(self, samples: Samples, segment: int) -> Iterator[AudioOutput]:
        for start in range(0, len(samples), self._size):
            yield from self._packets.pack(samples[start : start + self._size], segment, is_last=False)
