"""A stretch of sound at a time → chunks → what each of them says, in order.

Chunks of one request follow each other, so that a long recording takes its turns with everybody else's
sentences, and what was detected in one chunk holds for the next.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import BinaryIO, TypeVar

import numpy as np

from ..core.audio import RATE_HZ, Floats, sample_count, seconds
from ..core.errors import EngineError
from ..engines.whisper.chunking import LONGEST_CHUNK_S, first_chunk
from ..engines.whisper.decoding import DecodeOptions, DecodeResult
from ..engines.whisper.model import WhisperModel, first_line
from ..engines.whisper.segments import Segment, TimedWord
from ..engines.whisper.transcribe import SURE_OF_LANGUAGE_S
from .audio import AudioFile
from .batching import Batcher, PendingResult
from .params import TranscribeParams

T = TypeVar("T")

_AHEAD = round((LONGEST_CHUNK_S + 2.0) * RATE_HZ)
"""Samples that are looked through for a place to cut."""

_EARLY_S = (4.0, 12.0)
"""Seconds of a streamed recording that are decoded for previews beside the whole first chunk."""
_WORTH_S = 2.0
"""Seconds that a preview leaves out at least: one of nearly all would come no earlier."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the beginning of the next chunk sounds like; its last words may turn out otherwise."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeechChunk:
    """What was said in one stretch. Times count from the beginning of the file."""

    start: float
    end: float
    text: str = ""
    """With the space before it that the language wants."""
    language: str = ""
    """Whisper's code; empty when nothing was said."""
    segments: tuple[Segment, ...] = ()
    words: tuple[TimedWord, ...] = ()
    logprob: float = 0.0
    no_speech: float = 0.0


class FileTranscriber:
    """Files of any length, chunk by chunk through the batcher."""

    def __init__(self, model: WhisperModel, batcher: Batcher, pool: ThreadPoolExecutor) -> None:
        """`pool` does what blocks besides the model: decoding, cutting, aligning words."""
        self._model, self._batcher, self._pool = model, batcher, pool

    @asynccontextmanager
    async def opened(self, file: BinaryIO, most_s: float) -> AsyncIterator[AudioFile]:
        """Nobody reads `file` any more when the block has ended. Raises `BadAudio`."""
        sound = AudioFile(file, most_s)
        try:
            with self._batcher.expect():
                await self._run(sound.open)
            yield sound
        finally:
            await self._run(sound.close)

    async def chunks(
        self, sound: AudioFile, params: TranscribeParams
    ) -> AsyncGenerator[SpeechChunk | Preview, None]:
        """Those of `sound` in order, silent ones too, without text; previews when it is streamed.

        Raises `BadAudio`, `EngineError`.
        """
        ahead, at, among = np.zeros(0, np.float32), 0, params.languages
        while True:
            with self._batcher.expect():
                ahead, audio = await self._run(_stretch, sound, ahead)
                if not len(audio):
                    return
                options = DecodeOptions(among, params.prompt, params.task)
                previews = self._previews(audio, options) if params.is_streamed and not at else []
                answer = self._batcher.decode(audio, options)
            try:
                for preview in previews:
                    if text := await _first_of(preview, answer):
                        yield Preview(text)
                result = await answer
            finally:
                for each in (*previews, answer):
                    _drop(each)
            if result and seconds(len(audio)) >= SURE_OF_LANGUAGE_S:
                among = (result.language,)
            words = await self._words(audio, result, params) if result else ()
            yield _chunk(audio, result, words, seconds(at))
            at += len(audio)

    def _previews(self, audio: Floats, options: DecodeOptions) -> list[PendingResult]:
        """Texts of the beginning of `audio`, asked for ahead of the whole. Where the language is to be
        detected, no haste: a text in the wrong one could not be taken back."""
        ends = [end for end in map(sample_count, _EARLY_S) if end + sample_count(_WORTH_S) <= len(audio)]
        preview_options = replace(options, is_interim=len(options.languages) == 1)
        return [self._batcher.decode(audio[:end], preview_options) for end in ends]

    async def _words(
        self, audio: Floats, result: DecodeResult, params: TranscribeParams
    ) -> tuple[TimedWord, ...]:
        if "word" not in params.granularities or params.format != "verbose_json":
            return ()
        try:
            return await self._run(self._model.words, audio, result, params.task)
        except (RuntimeError, ValueError) as error:
            raise EngineError("stt", f"Whisper failed: {first_line(error)}") from error

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


async def _first_of(preview: PendingResult, whole: PendingResult) -> str:
    """Text of the preview; empty when it failed, or the whole was there before it."""
    await asyncio.wait({preview, whole}, return_when=asyncio.FIRST_COMPLETED)
    if whole.done() or preview.cancelled() or preview.exception() or not (result := preview.result()):
        return ""
    return result.hypothesis.text


def _drop(answer: PendingResult) -> None:
    """Nobody waits for it any more; what failed unseen stays unseen."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()


def _stretch(sound: AudioFile, ahead: Floats) -> tuple[Floats, Floats]:
    """What is ahead after the next chunk, and the chunk; empty at the end."""
    if len(ahead) < _AHEAD:
        ahead = np.concatenate([ahead, sound.read(_AHEAD - len(ahead))])
    at = first_chunk(ahead)
    return ahead[at:], ahead[:at]


def _chunk(
    audio: Floats, result: DecodeResult | None, words: tuple[TimedWord, ...], start: float
) -> SpeechChunk:
    end = start + seconds(len(audio))
    if result is None:
        return SpeechChunk(start, end)
    hypothesis = result.hypothesis
    return SpeechChunk(
        start,
        end,
        hypothesis.text.rstrip(),
        result.language,
        tuple(replace(each, start=start + each.start, end=start + each.end) for each in hypothesis.segments),
        tuple(replace(each, start=start + each.start, end=start + each.end) for each in words),
        hypothesis.logprob,
        hypothesis.no_speech,
    )
