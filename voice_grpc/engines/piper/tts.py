"""Piper: neural voices in this process, on one thread that all answers share.

A piece of work is a chunk of one clause, 50 to 120 ms, and an answer has one at a time; whose is next is said
by the claims of the answers (`fair_queue.py`). So the first sound of one waits for the chunk that is being
made, and at most for one of each other caller whose answer is as urgent. What nobody wants any more ends with
its chunk.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from ...core.audio import Samples
from ...core.errors import EngineError, shown
from ...model_files.cache import model_path
from ...ports import Claim, Clause, Speech, Voice, VoiceChoice
from ...ports.streaming import CancellableStream, TaskSet
from ..worker_pool import WorkerPool
from .speakable import speakable_pieces
from .voice import LevelVoice, open_voice

_AHEAD = 2
"""Chunks of one answer that are made and not taken yet; one more waits to be let in."""

_CLOSE_S = 0.9
"""For the chunk that is being made; the tasks of answers had a second before."""


class PiperTts:
    """Implements `ports.Tts`. A voice is known by the stem of its file, such as `en_US-joe-medium`."""

    is_embedded = True

    def __init__(self, voice_path: Path | None = None, *, threads: int = 1) -> None:
        """`voice_path`: an ONNX file with its `.onnx.json` beside it; by default the packaged one.

        `threads` of onnxruntime for one chunk: two bring the first sound of six words sooner on two idle
        cores (42 instead of 62 ms), and later while one of them is busy (222 instead of 120 ms).
        """
        self._path = voice_path
        self._threads = threads
        self._loaded: LevelVoice | None = None
        self._tasks = TaskSet()
        self._pool = WorkerPool("tts", "Piper")

    @property
    def name(self) -> str:
        return f"piper {self._path.stem}" if self._path is not None else "piper"

    @property
    def location(self) -> str:
        return "in process"

    async def voices(self) -> Sequence[Voice]:
        return [self._voice(self._loaded)] if self._loaded is not None else []

    async def warm(self) -> None:
        """Raises `EngineMissing` without the extra or the file, `EngineError` when it cannot be read."""
        if self._loaded is None:
            await asyncio.to_thread(self._load)
            self._pool.start()

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        """What has no letter and no digit is passed over. A language that no voice speaks is read as
        the voice reads it: silence would be worse."""
        self._accept(voice)
        saying = partial(self._say, clauses, voice)
        try:
            async with CancellableStream(saying, _AHEAD, tasks=self._tasks) as sounds:
                while (sound := await sounds.next()) is not None:
                    yield sound
        except ConnectionAbortedError as error:
            raise self._closed() from error

    async def close(self) -> None:
        """The chunk that is being made ends by itself within about 0.3 s; what waits fails at once."""
        self._loaded = None
        await self._tasks.close()
        await self._pool.close(_CLOSE_S)

    async def _say(
        self, clauses: AsyncIterator[Clause], voice: VoiceChoice, put: Callable[[Speech], Awaitable[None]]
    ) -> None:
        async for clause in clauses:
            for piece in speakable_pieces(clause.text):
                loaded = self._open_voice()
                chunks = loaded.say(piece, voice.rate)
                while (samples := await self._next(chunks, piece, voice.claim)) is not None:
                    await put(Speech(clause.index, samples, loaded.rate_hz))

    async def _next(self, chunks: Iterator[Samples], text: str, claim: Claim) -> Samples | None:
        """The next chunk of `text`, made in the thread; None after the last."""
        self._open_voice()
        try:
            made: Samples | None = await self._pool.submit(lambda _: next(chunks, None), claim)
        except EngineError:
            raise
        except Exception as error:
            kind = type(error).__name__  # the words stay out of what may be logged, also those of `error`
            raise EngineError("tts", f"{self.name} cannot say {len(text)} characters ({kind})") from error
        return made

    def _load(self) -> None:
        self._path = model_path("joe") if self._path is None else self._path
        self._loaded = open_voice(self._path, self._threads)

    def _open_voice(self) -> LevelVoice:
        if self._loaded is None:
            raise self._closed()
        return self._loaded

    def _closed(self) -> EngineError:
        return EngineError("tts", f"{self.name} is closed or was never warmed", retryable=False)

    def _accept(self, choice: VoiceChoice) -> None:
        voice = self._voice(self._open_voice())
        if choice.id and choice.id != voice.id:
            raise EngineError("tts", f"no voice {shown(choice.id)}; there is: {voice.id}", retryable=False)

    def _voice(self, loaded: LevelVoice) -> Voice:
        assert self._path is not None, "a loaded voice has a path"
        tag = _language_tag(self._path.stem, loaded.espeak_language)
        return Voice(self._path.stem, tag, "piper", sample_rate_hz=loaded.rate_hz)


def _language_tag(stem: str, espeak: str) -> str:
    """Piper names its files `en_US-joe-medium`; a file named otherwise has espeak's `en-us`."""
    language, _, region = stem.split("-")[0].partition("_")
    return f"{language}-{region}" if len(language) == 2 and len(region) == 2 else espeak
