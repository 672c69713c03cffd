"""The parts of a conversation on their own: Transcribe and Synthesize."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc.aio
import numpy as np

from ..codec.transcode import Encoder, Resampler
from ..core import requests as i
from ..core import responses as o
from ..core.audio import Samples
from ..core.config import MAX_TEXT, AudioFormat, SessionConfig
from ..core.errors import BadField, EngineEmpty
from ..core.text.normalization import speakable
from ..core.text.segmentation import ClauseSplitter
from ..pb import voice_pb2 as pb
from ..ports import Clause, Clock, Engines, Fallback, VoiceChoice
from ..session.dictation import Dictation
from ..wire import fields
from ..wire import requests as wire_in
from ..wire import responses as wire_out
from ..wire.audio_format import audio_format
from ..wire.catalog import Catalog
from ..wire.config import output_selection, turn_detection, with_changes
from .first_request import first_config

Read = Callable[[], Awaitable[Any]]
Write = Callable[[Any], Awaitable[None]]

CHUNK_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Parts:
    engines: Engines
    catalog: Catalog
    clock: Clock

    # ------------------------------------------------------------ speech to text

    async def transcribe(self, read: Read, write: Write) -> None:
        first, count = await first_config(read)
        config = self._dictation_config(first.config)

        async def send(message: o.ConverseResponse) -> None:
            match message:
                case o.Transcript():
                    response = pb.TranscribeResponse(
                        transcript=wire_out.transcript(message, config.input.rate_hz)
                    )
                case o.Notice():
                    response = pb.TranscribeResponse(notice=wire_out.notice(message))
                case _:
                    event = wire_out.outbound(message, config.input.rate_hz).speech_event
                    response = pb.TranscribeResponse(speech_event=event)
            await write(response)

        await Dictation(self.engines, config, self.clock).run(_dictated(read, count), send)

    def _dictation_config(self, message: pb.TranscribeConfig) -> SessionConfig:
        config = SessionConfig("", input=audio_format(message, "config.input_audio", 16_000))
        wishes = pb.SessionConfig(language_codes=message.language_codes, transcription=message.transcription)
        config = with_changes(config, wishes, ("language_codes", "transcription"), self.catalog)
        return output_selection(turn_detection(config, message.turn_detection), message.send)

    # ------------------------------------------------------------ text to speech

    async def synthesize(self, request: pb.SynthesizeRequest, write: Write) -> None:
        text = fields.text(request.text, "text", MAX_TEXT, required=True)
        voices, voice = self.catalog.voices, request.voice
        if voice.voice_id:
            fields.one_of(voice.voice_id, "voice.voice_id", voices, self.catalog.listed_voices)
        if request.language_code:
            listed = f"a BCP 47 tag of a language that a voice speaks: {self.catalog.listed_spoken}"
            fields.language(request.language_code, "language_code", self.catalog.spoken, listed)
        rate = fields.number(voice, "speaking_rate", "voice", (0.5, 2.0), 1.0)
        choice = VoiceChoice(voice.voice_id, request.language_code, rate)
        output = _Output(audio_format(request, "output_audio", 24_000), write)
        await self._speak(text, choice, output)

    async def _speak(self, text: str, choice: VoiceChoice, output: "_Output") -> None:
        splitter = ClauseSplitter()
        clauses = [*splitter.feed(text), *splitter.flush()]
        resampler: Resampler | None = None
        segment = 0
        async with aclosing(self.engines.tts.speak(_each(clauses, choice.language), choice)) as sounds:
            async for sound in sounds:
                if isinstance(sound, Fallback):
                    continue
                if resampler is None or resampler.from_hz != sound.rate_hz:
                    if resampler is not None:
                        await output.send(resampler.flush(), segment, clauses[segment])
                    resampler = Resampler(sound.rate_hz, output.format.rate_hz)
                segment = sound.clause_index
                await output.send(resampler.feed(sound.samples), segment, clauses[segment])
        if resampler is None and any(speakable(text, choice.language or "en") for text in clauses):
            raise EngineEmpty("tts", "the voice gave no sound")
        rest = np.zeros(0, np.int16) if resampler is None else resampler.flush()
        await output.send(rest, segment, clauses[segment], is_last=True)


class _Output:
    """Chunks with contiguous offsets."""

    def __init__(self, format: AudioFormat, write: Write) -> None:
        self.format = format
        self._write, self._encoder = write, Encoder(format)
        self._index = self._offset = 0
        self._segment = -1

    async def send(self, samples: Samples, segment: int, text: str, *, is_last: bool = False) -> None:
        size = round(CHUNK_SECONDS * self.format.rate_hz)
        starts = range(0, len(samples), size)
        for start in starts:
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


async def _each(clauses: list[str], language: str) -> AsyncIterator[Clause]:
    for index, text in enumerate(clauses):
        spoken = speakable(text, language or "en")
        if spoken:
            yield Clause(index, spoken)


async def _dictated(read: Read, count: int) -> AsyncIterator[i.ConverseRequest]:
    while (request := await read()) is not grpc.aio.EOF:
        count += 1
        match request.WhichOneof("payload"):
            case "audio":
                item = wire_in.audio(request.audio, count)
                if item is not None:
                    yield item
            case "audio_end":
                yield i.AudioInputEnd()
            case "config":
                raise BadField("config", "a second config", "config once, as the first request")
            case _:
                continue
