"""Synthesize: text to speech alone, as fast as it is made.

`SynthesizeMethod` reads what is asked for; how clauses become chunks is `_Playout`'s alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from ..codec.transcode import Encoder, Resampler
from ..core.audio import Samples
from ..core.config import MAX_TEXT, AudioFormat
from ..core.errors import EngineEmpty, EngineTimeout
from ..core.text.normalization import speakable
from ..core.text.segmentation import ClauseSplitter
from ..pb import voice_pb2 as pb
from ..ports import Clause, Engines, Fallback, Tts, TtsItem, VoiceChoice
from ..wire import fields
from ..wire.audio_format import audio_format
from ..wire.catalog import Catalog
from .streams import Write, promptly

CHUNK_SECONDS = 0.1
"""Sound in one message, at most."""


@dataclass(frozen=True, slots=True)
class SynthesizeMethod:
    engines: Engines
    catalog: Catalog

    async def __call__(self, request: pb.SynthesizeRequest, write: Write, idle: float | None) -> None:
        """The whole call. `idle` is how many seconds may pass without a sound from the voice; None: for ever.

        Raises `BadField`, `SlowClient`, and the `EngineError` that ended it.
        """
        text = fields.text(request.text, "text", MAX_TEXT, required=True)
        voice = request.voice
        if voice.voice_id:
            fields.one_of(voice.voice_id, "voice.voice_id", self.catalog.voices, self.catalog.listed_voices)
        if request.language_code:
            listed = f"a BCP 47 tag of a language that a voice speaks: {self.catalog.listed_spoken}"
            fields.language(request.language_code, "language_code", self.catalog.spoken, listed)
        rate = fields.number(voice, "speaking_rate", "voice", (0.5, 2.0), 1.0)
        choice = VoiceChoice(voice.voice_id, request.language_code, rate)
        playout = _Playout(audio_format(request, "output_audio", 24_000), promptly(write))
        await playout.speak(self.engines.tts, text, choice, idle)


class _Playout:
    """The text's clauses, spoken → chunks with contiguous offsets."""

    def __init__(self, format: AudioFormat, write: Write) -> None:
        self._format = format
        self._write, self._encoder = write, Encoder(format)
        self._index = self._offset = 0
        self._segment = -1

    async def speak(self, tts: Tts, text: str, choice: VoiceChoice, idle: float | None) -> None:
        splitter = ClauseSplitter()
        clauses = [*splitter.feed(text), *splitter.flush()]
        resampler: Resampler | None = None
        segment = 0
        async with aclosing(tts.speak(_spoken(clauses, choice.language), choice)) as speech:
            while (sound := await _next(speech, idle)) is not None:
                if isinstance(sound, Fallback):
                    continue
                if resampler is None or resampler.from_hz != sound.rate_hz:
                    if resampler is not None:
                        await self._send(resampler.flush(), segment, clauses[segment])
                    resampler = Resampler(sound.rate_hz, self._format.rate_hz)
                segment = sound.clause_index
                await self._send(resampler.feed(sound.samples), segment, clauses[segment])
        if resampler is None and any(speakable(clause, choice.language or "en") for clause in clauses):
            raise EngineEmpty("tts", "the voice gave no sound")
        rest = np.zeros(0, np.int16) if resampler is None else resampler.flush()
        await self._send(rest, segment, clauses[segment], is_last=True)

    async def _send(self, samples: Samples, segment: int, text: str, *, is_last: bool = False) -> None:
        size = round(CHUNK_SECONDS * self._format.rate_hz)
        for start in range(0, len(samples), size):
            await self._chunk(samples[start : start + size], segment, text, False)
        if is_last:
            await self._chunk(np.zeros(0, np.int16), segment, text, True)

    async def _chunk(self, samples: Samples, segment: int, text: str, is_last: bool) -> None:
        pieces = self._encoder.encode(samples, is_last=is_last)
        for piece in pieces:
            audio = pb.AudioOutput(
                data=piece.data,
                chunk_index=self._index,
                offset_samples=self._offset,
                duration_samples=piece.length,
                segment_index=segment,
                is_last=is_last and piece is pieces[-1],
            )
            await self._write(
                pb.SynthesizeResponse(audio=audio, segment_text=text if segment != self._segment else "")
            )
            self._index += 1
            self._offset += piece.length
            self._segment = segment
            await asyncio.sleep(0)


async def _spoken(clauses: list[str], language: str) -> AsyncIterator[Clause]:
    for index, text in enumerate(clauses):
        spoken = speakable(text, language or "en")
        if spoken:
            yield Clause(index, spoken)


async def _next(speech: AsyncIterator[TtsItem], idle: float | None) -> TtsItem | None:
    """None at the end. Raises `EngineTimeout` where nothing comes for `idle` seconds."""
    try:
        async with asyncio.timeout(idle):
            return await anext(speech, None)
    except TimeoutError:
        raise EngineTimeout("tts", f"the voice gave no sound for {idle:g} s") from None
