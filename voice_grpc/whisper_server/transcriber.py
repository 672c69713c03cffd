"""A stretch of sound at a time → pieces → what each of them says, in order.

Pieces of one request follow each other, so that a long recording takes its turns with everybody else's
sentences, and what was detected in one piece holds for the next.
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
"""So much of a streamed recording is glanced at beside the whole first piece, for a text to begin with."""
_WORTH_S = 2.0
"""A glance at all but so little would come no earlier."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the beginning of the next piece sounds like; its last words may turn out otherwise."""

    text: str


@dataclass(frozen=True, slots=True)
class SpeechPiece:
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
    def __init__(self, model: WhisperModel, batcher: Batcher, pool: ThreadPoolExecutor) -> None:
        """`pool` does what blocks besides the model: decoding, cutting, aligning words."""
        self._model, self._batcher, self._pool = model, batcher, pool

    @asynccontextmanager
    async def opened(self, file: BinaryIO, most_s: float) -> AsyncIterator[AudioFile]:
        """Nobody reads `file` any more when the block has ended. Raises `BadSound`."""
        sound = AudioFile(file, most_s)
        try:
            with self._batcher.expect():
                await self._run(sound.open)
            yield sound
        finally:
            await self._run(sound.close)

    async def pieces(
        self, sound: AudioFile, wanted: TranscribeParams
    ) -> AsyncGenerator[SpeechPiece | Preview, None]:
        """Silent ones too, without text; glimpses when it is streamed. Raises `BadSound`, `EngineError`."""
        ahead, at, among = np.zeros(0, np.float32), 0, wanted.languages
        while True:
            with self._batcher.expect():
                ahead, audio = await self._run(_stretch, sound, ahead)
                if not len(audio):
                    return
                wish = DecodeOptions(among, wanted.prompt, wanted.task)
                glances = self._glances(audio, wish) if wanted.is_streamed and not at else []
                answer = self._batcher.read(audio, wish)
            try:
                for glance in glances:
                    if text := await _first_of(glance, answer):
                        yield Preview(text)
                heard = await answer
            finally:
                for each in (*glances, answer):
                    _drop(each)
            if heard and seconds(len(audio)) >= SURE_OF_LANGUAGE_S:
                among = (heard.language,)
            words = await self._words(audio, heard, wanted) if heard else ()
            yield _piece(audio, heard, words, seconds(at))
            at += len(audio)

    def _glances(self, audio: Floats, wish: DecodeOptions) -> list[PendingResult]:
        """At its beginning; asked for ahead of the whole. Where the language is to be detected, no haste:
        a text in the wrong one could not be taken back."""
        ends = [end for end in map(sample_count, _EARLY_S) if end + sample_count(_WORTH_S) <= len(audio)]
        hasty = replace(wish, is_glance=len(wish.languages) == 1)
        return [self._batcher.read(audio[:end], hasty) for end in ends]

    async def _words(
        self, audio: Floats, heard: DecodeResult, wanted: TranscribeParams
    ) -> tuple[TimedWord, ...]:
        if "word" not in wanted.granularities or wanted.format != "verbose_json":
            return ()
        try:
            return await self._run(self._model.words, audio, heard, wanted.task)
        except (RuntimeError, ValueError) as error:
            raise EngineError("stt", f"Whisper failed: {first_line(error)}") from error

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)


async def _first_of(glance: PendingResult, whole: PendingResult) -> str:
    """What the glance showed; empty when it failed, or the whole was there before it."""
    await asyncio.wait({glance, whole}, return_when=asyncio.FIRST_COMPLETED)
    if whole.done() or glance.cancelled() or glance.exception() or not (seen := glance.result()):
        return ""
    return seen.guess.text


def _drop(answer: PendingResult) -> None:
    """Nobody waits for it any more; what failed unseen stays unseen."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()


def _stretch(sound: AudioFile, ahead: Floats) -> tuple[Floats, Floats]:
    """What is ahead after the next piece, and the piece; empty at the end."""
    if len(ahead) < _AHEAD:
        ahead = np.concatenate([ahead, sound.read(_AHEAD - len(ahead))])
    at = first_chunk(ahead)
    return ahead[at:], ahead[:at]


def _piece(
    audio: Floats, heard: DecodeResult | None, words: tuple[TimedWord, ...], start: float
) -> SpeechPiece:
    end = start + seconds(len(audio))
    if heard is None:
        return SpeechPiece(start, end)
    guess = heard.guess
    return SpeechPiece(
        start,
        end,
        guess.text.rstrip(),
        heard.language,
        tuple(replace(each, start=start + each.start, end=start + each.end) for each in guess.segments),
        tuple(replace(each, start=start + each.start, end=start + each.end) for each in words),
        guess.logprob,
        guess.no_speech,
    )
