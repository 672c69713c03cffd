"""Whisper in this process: the audio context cut to the utterance, finals first, interims if there is room.

    stt: chunk by chunk ─▶ worker pool ─▶ transcribe ─▶ model ⇄ decoding: what to show, what to believe

On two shared cores a sentence of 3 s is final in 0.15 to 0.25 s where the stock call takes 1 s.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...core.audio import Samples, sample_count, seconds, to_float
from ...core.errors import EngineError
from ...core.transcript.belief import TranscriptSegment
from ...ports import NOBODY, Claim, SttOptions, Transcription, Urgency
from ...ports.stt import INTERIM_AT_LEAST_S
from ..worker_pool import GaveWay, IsAbandoned, WorkerPool
from .chunking import LONGEST_PART_S, LONGEST_TURN_S
from .decoding import Hypothesis
from .languages import iso_code
from .model import PACKAGED, Hardware, WhisperModel, hum
from .transcribe import TranscribedChunk, TranscriptionRequest, TranscriptionResult, transcribe_next

_CLOSE_S = 1.8

SPARE = 1
"""Threads for finals that others hold up, since a decode cannot be left once it has begun: CTranslate2 4.8
tells nobody of its progress, and taken a few tokens at a time it would lose its beams and its rules for
times. Of 18 s of speech it takes a second. Beside two such, a sentence of 3 s was final after 1.1, 2.6, 5.8
and 8.2 s without a spare thread, and after 0.5, 1.1, 1.5 and 3.6 s with it (two cores that had more and
more other work, both in turn; alone it took 0.2 to 0.7 s). The thread takes 30 to 90 MB."""

_SOMEBODY = Claim.of("", Urgency.PREPARED)
"""Of the question whether there is room at all."""


class WhisperStt:
    """Implements `ports.Stt`."""

    is_embedded = True

    def __init__(self, model: str = "base", threads: int = 1, workers: int = 2) -> None:
        """`model`: `base`, `tiny` (English only), the directory of a CTranslate2 model, or a hub id.

        One thread a call leaves the other core to the next stage: of a 3 s sentence two threads
        save 20 ms of encoding and lose more in decoding. Two workers keep one free for a final
        while an interim runs. One more is spare, for users whose finals would wait for those of others.
        """
        self._model_name = model
        self._threads = threads
        self._workers = workers
        self._model: WhisperModel | None = None
        self._open: set[WhisperStream] = set()
        """Utterances of users who speak or are being answered."""
        self._pool = WorkerPool("stt", "Whisper", workers)

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
            hardware = Hardware(threads=self._threads, workers=self._workers + SPARE)
            self._model = await asyncio.to_thread(WhisperModel, self._model_name, hardware)
            self._pool.start(SPARE)
        model = self._model
        request = TranscriptionRequest(hum(), ("en",))
        warming = [
            self._pool.submit(lambda is_abandoned: transcribe_next(model, request, is_abandoned), NOBODY)
            for _ in range(self._workers + SPARE)
        ]
        for running in warming:
            await running

    def open(self, options: SttOptions) -> "WhisperStream":
        """Raises `EngineError` before `warm()`, and when the model knows none of the languages."""
        if self._model is None:
            raise EngineError("stt", f"{self.name} is not loaded yet: call warm() first")
        stream = WhisperStream(self, self._model.codes(options.languages), options)
        self._open.add(stream)
        return stream

    def forget(self, stream: "WhisperStream") -> None:
        """It was closed."""
        self._open.discard(stream)

    def has_room(self) -> bool:
        return self.has_room_for(_SOMEBODY)

    def has_room_for(self, claim: Claim) -> bool:
        """An interim is begun at once or not at all, and only while another thread stays free, so that the
        next final finds one (a single thread makes an exception: it takes an interim when idle)."""
        return self._pool.free_for(claim) >= min(2, self._workers)

    def is_alone(self) -> bool:
        return len(self._open) <= 1 and self.has_room()

    async def transcribe(
        self, request: TranscriptionRequest, claim: Claim, *, is_optional: bool
    ) -> TranscriptionResult:
        """What is said in it, found out in a thread, soon: a piece of work a chunk, so that others have their
        turn between two. Raises `GaveWay` where it is optional, and `EngineError`."""
        chunks: list[TranscribedChunk] = []
        language = ""
        while True:
            result = await self._submit(request, claim, is_optional=is_optional)
            chunks += result.chunks
            language = result.language or language
            if (rest := request.after(result)) is None:
                return replace(result, chunks=tuple(chunks), language=language)
            request = rest

    def _submit(
        self, request: TranscriptionRequest, claim: Claim, *, is_optional: bool
    ) -> "asyncio.Future[TranscriptionResult]":
        model = self._model
        if model is None:
            raise EngineError("stt", f"{self.name} is closed", retryable=False)

        def work(is_abandoned: IsAbandoned) -> TranscriptionResult:
            return transcribe_next(model, request, is_abandoned)

        return self._pool.submit(work, claim, is_optional=is_optional)

    async def close(self) -> None:
        await self._pool.close(_CLOSE_S)
        self._model = None


class WhisperStream:
    """Implements `ports.SttStream`. What is longer than one window is cut, and its chunks are settled
    for good as they are transcribed, so that a long speech costs no more at its end than a short one."""

    def __init__(self, stt: WhisperStt, languages: tuple[str, ...], options: SttOptions) -> None:
        """`languages`: those of `options`, as the model spells them."""
        self._stt = stt
        self._languages = languages
        self._prompt = options.prompt
        self._claim = options.claim
        self._interim_claim = _of_interims(options.claim)
        self._pcm = bytearray()
        """Samples from the last settled one on, s16le."""
        self._settled_at = 0
        self._settled: list[TranscribedChunk] = []
        self._interim: tuple[int, Hypothesis | None] = 0, None
        """The last one of a single chunk, with where that began."""
        self._final: tuple[int, Transcription] | None = None
        """The last one, with how many samples were fed when it was asked for."""

    def feed(self, samples: Samples) -> None:
        self._pcm += samples.tobytes()

    async def interim(self) -> Transcription | None:
        """None also while there is too little to tell (under 0.4 s), and where a final of another stream
        needs the thread."""
        is_enough = len(self._pcm) >= 2 * sample_count(INTERIM_AT_LEAST_S)
        if not is_enough or not self._stt.has_room_for(self._interim_claim):
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
        is_part = self._claim.urgency is Urgency.PART
        longest_s = LONGEST_PART_S if is_part else LONGEST_TURN_S

        def last_interim() -> Hypothesis | None:
            began, hypothesis = self._interim
            return hypothesis if began == start and not is_interim else None

        request = TranscriptionRequest(
            audio, self._languages, self._prompt, is_interim, longest_s, interim=last_interim
        )
        claim = self._interim_claim if is_interim else self._claim
        transcribed = await self._stt.transcribe(request, claim, is_optional=is_interim)
        if transcribed.is_sure_of_language:
            self._languages = (transcribed.language,)
        if is_interim and len(transcribed.chunks) == 1:
            self._interim = start, transcribed.chunks[0].hypothesis
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


def _of_interims(claim: Claim) -> Claim:
    """No more urgent than what nobody waits for."""
    return Claim(claim.caller, lambda: max(claim.urgency, Urgency.PREPARED))


def _segments(chunks: Sequence[TranscribedChunk]) -> tuple[TranscriptSegment, ...]:
    """One a chunk: Whisper is as sure of all that it wrote in one pass."""
    found, at = [], 0
    for chunk in chunks:
        start, at = at, at + chunk.samples
        if chunk.hypothesis is not None:
            sure = chunk.hypothesis.logprob, chunk.hypothesis.no_speech
            found.append(TranscriptSegment(chunk.text.strip(), seconds(start), seconds(at), *sure))
    return tuple(found)
