"""Piper: neural voices in this process, on one thread that all answers share.

A job is a piece of one clause, and jobs are done in the order they came: the first clause of one
answer waits for at most the pieces that the others have already handed in, two each.
"""

import asyncio
import json
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from ..core.audio import Samples, levelled, to_pcm16
from ..core.errors import EngineError, EngineMissing
from ..core.text.duration import pieces
from ..model_files.cache import model_path
from ..net.installation import advice
from ..ports import Clause, Speech, Voice, VoiceChoice
from ..ports.streaming import TaskSet

# ---------------------------------------------------------------- what of a clause Piper is given

PIECE_SECONDS = 8.0
"""Sound of one piece, by estimate: it keeps the thread for about a second (0.07 to 0.14 s for each of sound),
and no caller keeps it from the others for longer. Bounded in sound, since forty groups of digits are 160
characters and more than a minute."""


def speakable(text: str) -> str:
    """`text` without emoji and other symbols, which espeak would read out by name, and without Piper's
    `[[phonemes]]`; empty when nothing is left that has a sound."""
    kept = "".join(" " if _is_mute(character) else character for character in text)
    kept = " ".join(kept.replace("[[", " ").split())
    return kept if any(character.isalnum() for character in kept) else ""


def _is_mute(character: str) -> bool:
    return character != "°" and unicodedata.category(character) in {"So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc"}


# ---------------------------------------------------------------- the engine

_AHEAD = 2
"""Pieces of one answer that are synthesised, or wait for it, while the one before them is consumed."""

_Rendering: TypeAlias = "asyncio.Future[Samples]"
_Jobs: TypeAlias = "asyncio.Queue[tuple[int, _Rendering] | None]"


class PiperTts:
    """Implements `ports.Tts`. A voice is known by the stem of its file, such as `en_US-joe-medium`."""

    is_embedded = True

    def __init__(self, voice_path: Path | None = None, *, threads: int = 1) -> None:
        """`voice_path`: an ONNX file with its `.onnx.json` beside it; by default the packaged one.

        `threads` of onnxruntime for one piece; two gain nothing while Whisper or Gemma run.
        """
        self._path = voice_path
        self._threads = threads
        self._model: Any = None
        self._rate_hz = 0
        self._tasks = TaskSet()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="tts")

    @property
    def name(self) -> str:
        return f"piper {self._path.stem}" if self._path is not None else "piper"

    @property
    def location(self) -> str:
        return "in process"

    async def voices(self) -> Sequence[Voice]:
        return [self._voice()] if self._model is not None else []

    async def warm(self) -> None:
        """Raises `EngineMissing` without the extra or the file, `EngineError` when it cannot be read."""
        if self._model is None:
            await asyncio.to_thread(self._load)
        await self._render("Hello there.", 1.0)

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        """What has no letter and no digit is passed over. A language that no voice speaks is read as
        the voice reads it: silence would be worse."""
        self._accept(voice)
        jobs: _Jobs = asyncio.Queue()  # `room` bounds it
        room = asyncio.Semaphore(_AHEAD)
        feeding = self._tasks.start(self._feed(clauses, voice.rate, jobs, room), "piper-feed")
        try:
            while (job := await jobs.get()) is not None:
                index, rendering = job
                samples = await rendering
                room.release()
                if len(samples):
                    yield Speech(index, samples, self._rate_hz)
            await asyncio.wait([feeding])
            if feeding.cancelled():
                raise self._closed()
            feeding.result()
        finally:
            await self._tasks.end(feeding)
            _drop(jobs)

    async def close(self) -> None:
        """What is being synthesised ends by itself within about a second; what waits fails at once."""
        self._model = None
        await self._tasks.close()
        self._pool.shutdown(wait=False)

    async def _feed(
        self, clauses: AsyncIterator[Clause], rate: float, jobs: _Jobs, room: asyncio.Semaphore
    ) -> None:
        """Hand pieces in as there is room. None ends the queue, also when `clauses` fail."""
        try:
            async for clause in clauses:
                for piece in pieces(speakable(clause.text), PIECE_SECONDS):
                    await room.acquire()
                    jobs.put_nowait((clause.index, self._render(piece, rate)))
        finally:
            jobs.put_nowait(None)

    def _render(self, text: str, rate: float) -> _Rendering:
        if self._model is None:
            raise self._closed()
        return asyncio.get_running_loop().run_in_executor(self._pool, self._say, text, rate)

    def _say(self, text: str, rate: float) -> Samples:
        """Runs in the pool. What waited there when the engine was closed finds no model."""
        if (model := self._model) is None:
            raise self._closed()
        try:
            return _synthesise(model, text, rate)
        except Exception as error:
            raise EngineError("tts", f"{self.name} cannot say {text[:60]!r}: {error}") from error

    def _closed(self) -> EngineError:
        return EngineError("tts", f"{self.name} is closed or was never warmed", retryable=False)

    def _accept(self, voice: VoiceChoice) -> None:
        if self._model is None:
            raise self._closed()
        if voice.id and voice.id != self._voice().id:
            raise EngineError("tts", f"no voice {voice.id!r}; there is: {self._voice().id}", retryable=False)

    def _voice(self) -> Voice:
        assert self._path is not None, "a loaded voice has a path"
        language = str(self._model.config.espeak_voice)
        tag = _language_tag(self._path.stem, language)
        return Voice(self._path.stem, tag, "piper", sample_rate_hz=self._rate_hz)

    def _load(self) -> None:
        path = model_path("joe") if self._path is None else self._path
        self._model = _open(path, self._threads)
        self._rate_hz = int(self._model.config.sample_rate)
        self._path = path


def _drop(jobs: _Jobs) -> None:
    """Nothing that waits for the thread is synthesised any more."""
    while not jobs.empty():
        if (job := jobs.get_nowait()) is not None:
            job[1].cancel()


def _open(path: Path, threads: int) -> Any:
    config_path = path.with_name(path.name + ".json")
    for file in (path, config_path):
        if not file.is_file():
            raise EngineMissing("tts", f"no file {file}; a Piper voice is an .onnx file with its .onnx.json")
    try:
        import onnxruntime
        from piper import PiperConfig, PiperVoice
    except ImportError as error:
        text = f"piper-tts is not installed: run {advice('local')}"
        raise EngineMissing("tts", text) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        config = PiperConfig.from_dict(json.loads(config_path.read_text("utf-8")))
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EngineError("tts", f"cannot load the Piper voice {path}: {error}", retryable=False) from error
    return PiperVoice(session=session, config=config)


def _synthesise(model: Any, text: str, rate: float) -> Samples:
    """Levelled here: Piper's own peak normalisation makes a lone "Sure." twice as loud as a sentence."""
    from piper import SynthesisConfig

    slowness = model.config.length_scale / min(max(rate, 0.5), 2.0)
    settings = SynthesisConfig(length_scale=slowness, normalize_audio=False)
    chunks = [chunk.audio_float_array for chunk in model.synthesize(text, settings)]
    return to_pcm16(levelled(np.concatenate(chunks))) if chunks else np.zeros(0, np.int16)


def _language_tag(stem: str, espeak: str) -> str:
    """Piper names its files `en_US-joe-medium`; a file named otherwise has espeak's `en-us`."""
    language, _, region = stem.split("-")[0].partition("_")
    return f"{language}-{region}" if len(language) == 2 and len(region) == 2 else espeak
