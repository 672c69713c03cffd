"""Audio of any length, transcribed by one caller alone: chunk by chunk, pass by pass."""

from collections.abc import Callable
from dataclasses import dataclass

from ...core.audio import Floats, seconds
from ...core.errors import EngineError
from .chunking import first_chunk
from .decoding import DecodeOptions, DecodeResult, Hypothesis, decode_steps
from .model import WhisperModel, first_line

SURE_OF_LANGUAGE_S = 3.0
"""Seconds of a chunk that settles the language of those that follow."""


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """What is to be transcribed."""

    audio: Floats
    languages: tuple[str, ...]
    """Whisper's codes to choose among; empty: all."""
    prompt: str
    is_interim: bool
    """One greedy pass over its last chunk will do."""
    is_abandoned: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class TranscribedChunk:
    samples: int
    hypothesis: Hypothesis | None
    """None: nothing was said in it."""

    @property
    def text(self) -> str:
        """With the space before it that the language wants."""
        return self.hypothesis.text if self.hypothesis else ""


@dataclass(frozen=True, slots=True)
class TranscriptionResult:
    """What was said, chunk by chunk."""

    chunks: tuple[TranscribedChunk, ...]
    """In order. All but the last are of a length that stays as it is."""
    language: str
    """Whisper's code; empty when there was nothing to hear."""
    is_sure_of_language: bool


def transcribe(model: WhisperModel, request: TranscriptionRequest) -> TranscriptionResult:
    """Raises `Abandoned`, and `EngineError` when CTranslate2 fails."""
    try:
        return _chunks(model, request)
    except RuntimeError as error:
        raise EngineError("stt", f"Whisper failed: {first_line(error)}") from error


def _chunks(model: WhisperModel, request: TranscriptionRequest) -> TranscriptionResult:
    chunks: list[TranscribedChunk] = []
    audio, language, is_sure = request.audio, "", False
    while len(audio):
        end = first_chunk(audio)
        is_interim = request.is_interim and end == len(audio)
        among = (language,) if is_sure else request.languages
        options = DecodeOptions(among, request.prompt, is_interim=is_interim)
        result = _chunk(model, audio[:end], options, request.is_abandoned)
        if result and not is_sure:
            language, is_sure = result.language, not is_interim and seconds(end) >= SURE_OF_LANGUAGE_S
        chunks.append(TranscribedChunk(end, result.hypothesis if result else None))
        audio = audio[end:]
    return TranscriptionResult(tuple(chunks), language, is_sure)


def _chunk(
    model: WhisperModel, audio: Floats, options: DecodeOptions, is_abandoned: Callable[[], bool]
) -> DecodeResult | None:
    steps = decode_steps(audio, model.interim_passes if options.is_interim else model.passes, options)
    try:
        request = next(steps)
        while True:
            request = steps.send(model.decode([request], is_abandoned)[0])
    except StopIteration as end:
        result: DecodeResult | None = end.value
        return result
