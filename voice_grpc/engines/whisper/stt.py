"""Whisper in this process: the audio context cut to the utterance, finals first, interims if there is room.

    stt ─▶ workers (threads) ─▶ transcribe: chunk by chunk ─▶ model ⇄ decoding: what to show, what to believe

On two shared cores a sentence of 3 s is final in 0.15 to 0.25 s where the stock call takes 1 s.
"""

import asyncio
from collections.abc import Sequence

import numpy as np

from ...core.audio import Floats, Samples, sample_count, seconds, to_float
from ...core.errors import EngineError
from ...core.transcript.belief import TranscriptSegment
from ...ports import SttOptions, Transcription
from ...ports.stt import INTERIM_AT_LEAST_S
from .languages import iso_code
from .model import PACKAGED, Hardware, WhisperModel, hum
from .transcribe import TranscribedChunk, TranscriptionRequest, TranscriptionResult, transcribe
from .workers import GaveWay, IsAbandoned, WorkerPool

_CLOSE_S = 1.8


class WhisperStt:
    """Implements `ports.Stt`."""

    is_embedded = True

    def __init__(self, model: str = "base", threads: int = 1, workers: int = 2) -> None:
        """`model`: `base`, `tiny` (English only), the directory of a CTranslate2 model, or a hub id.

        One thread a call leaves the other core to the next stage: of a 3 s sentence two threads
        save 20 ms of encoding and lose more in decoding. Two workers keep one free for a final
        while an interim runs.
        """
        self._model_name = model
        self._threads = threads
        self._workers = workers
        self._model: WhisperModel | None = None
        self._open: set[WhisperStream] = set()
        """Utterances of users who speak or are being answered."""
        self._pool = WorkerPool(workers)

    @property
    def name(self) -> str:
        return f"{PACKAGED.get(self._model_name, self._model_name)} int8"

    @property
    def location(self) -> str:
        return "in process"

    @property
    def languages(self) -> frozenset[str]:
        """Known once warm; empty before."""
        return self._model.languages if self._model else frozenset()

    async def warm(self) -> None:
        """Raises `EngineMissing` with what to install, `EngineError` when the model cannot be loaded."""
        if self._model is None:
            hardware = Hardware(threads=self._threads, workers=self._workers)
            self._model = await asyncio.to_thread(WhisperModel, self._model_name, hardware)
            self._pool.start()
        for running in [self.transcribe(hum(), ("en",), "", is_interim=False) for _ in range(self._workers)]:
            await running

    def open(self, options: SttOptions) -> "WhisperStream":
        """Raises `EngineError` before `warm()`, and when the model knows none of the languages."""
        if self._model is None:
            raise EngineError("stt", f"{self.name} is not loaded yet: call warm() first")
        stream = WhisperStream(self, self._model.codes(options.languages), options.prompt)
        self._open.add(stream)
        return stream

    def forget(self, stream: "WhisperStream") -> None:
        """It was closed."""
        self._open.discard(stream)

    def has_room(self) -> bool:
        return self._pool.has_room()

    def is_alone(self) -> bool:
        return len(self._open) <= 1 and self.has_room()

    def transcribe(
        self, audio: Floats, languages: tuple[str, ...], prompt: str, *, is_interim: bool
    ) -> "asyncio.Future[TranscriptionResult]":
        """What is said in `audio`, found out in a thread, soon; cancel what is returned and it is dropped.
        That of an interim may be `GaveWay`."""
        model = self._model
        if model is None:
            raise EngineError("stt", f"{self.name} is closed", retryable=False)

        def work(is_abandoned: IsAbandoned) -> TranscriptionResult:
            request = TranscriptionRequest(audio, languages, prompt, is_interim, is_abandoned)
            return transcribe(model, request)

        return self._pool.submit(work, is_interim=is_interim)

    async def close(self) -> None:
        await self._pool.close(_CLOSE_S)
        self._model = None


class WhisperStream:
    """Implements `ports.SttStream`. What is longer than one window is cut, and its chunks are settled
    for good as they are transcribed, so that a long speech costs no more at its end than a short one."""

    def __init__(self, stt: WhisperStt, languages: tuple[str, ...], prompt: str) -> None:
        self._stt = stt
        self._languages = languages
        self._prompt = prompt
        self._pcm = bytearray()
        """Samples from the last settled one on, s16le."""
        self._settled_at = 0
        self._settled: list[TranscribedChunk] = []
        self._final: tuple[int, Transcription] | None = None
        """The last one, with how many samples were fed when it was asked for."""

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.tobytes()

    async def interim(self) -> Transcription | None:
        """None also while there is too little to tell (under 0.4 s), and where a final of another stream
        needs the thread."""
        if len(self._pcm) < 2 * sample_count(INTERIM_AT_LEAST_S) or not self._stt.has_room():
            return None
        try:
            return await self._transcribe(is_interim=True)
        except GaveWay:
            return None

    async def final(self) -> Transcription:
        fed = self._settled_at + len(self._pcm) // 2
        if self._final is None or self._final[0] != fed:
            self._final = fed, await self._transcribe(is_interim=False)
        return self._final[1]

    async def close(self) -> None:
        self._pcm.clear()
        self._stt.forget(self)

    async def _transcribe(self, *, is_interim: bool) -> Transcription:
        """All of it so far."""
        start, before = self._settled_at, tuple(self._settled)
        audio = to_float(np.frombuffer(bytes(self._pcm), np.int16))
        transcribed = await self._stt.transcribe(audio, self._languages, self._prompt, is_interim=is_interim)
        if transcribed.is_sure_of_language:
            self._languages = (transcribed.language,)
        if start == self._settled_at:  # else another call settled the same chunk meanwhile
            self._settle(transcribed)
        chunks = *before, *transcribed.chunks
        text = "".join(chunk.text for chunk in chunks).strip()
        return Transcription(text, iso_code(transcribed.language), segments=_segments(chunks))

    def _settle(self, transcribed: TranscriptionResult) -> None:
        for chunk in transcribed.chunks[:-1]:
            del self._pcm[: 2 * chunk.samples]
            self._settled_at += chunk.samples
            self._settled.append(chunk)


def _segments(chunks: Sequence[TranscribedChunk]) -> tuple[TranscriptSegment, ...]:
    """One a chunk: Whisper is as sure of all that it wrote in one pass."""
    found, at = [], 0
    for chunk in chunks:
        start, at = at, at + chunk.samples
        if chunk.hypothesis is not None:
            sure = chunk.hypothesis.logprob, chunk.hypothesis.no_speech
            found.append(TranscriptSegment(chunk.text.strip(), seconds(start), seconds(at), *sure))
    return tuple(found)
