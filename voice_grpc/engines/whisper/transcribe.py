"""Audio of any length, transcribed by one caller alone: a chunk at a time, pass by pass."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core.audio import Floats, seconds
from ...core.errors import EngineError
from .chunking import LONGEST_CHUNK_S, first_chunk
from .decoding import DecodeOptions, DecodeResult, Hypothesis, LastInterim, decode_steps, no_interim
from .model import WhisperModel, first_line

SURE_OF_LANGUAGE_S = 3.0
"""Seconds of a chunk that settles the language of those that follow."""


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """What is to be transcribed."""

    audio: Floats
    languages: tuple[str, ...]
    """Whisper's codes to choose among; empty: all."""
    prompt: str = ""
    is_interim: bool = False
    """One greedy pass over its last chunk will do."""
    longest_s: float = LONGEST_CHUNK_S
    """Seconds of a chunk, at most."""
    is_sure_of_language: bool = False
    """The chunk before it settled the one of `languages`."""
    interim: LastInterim = no_interim

    def after(self, result: "TranscriptionResult") -> "TranscriptionRequest | None":
        """What is left of it once `result` came of its next chunk; None: nothing."""
        rest = self.audio[sum(chunk.samples for chunk in result.chunks) :]
        if not len(rest):
            return None
        languages = (result.language,) if result.is_sure_of_language else self.languages
        is_sure = result.is_sure_of_language
        return replace(self, audio=rest, languages=languages, is_sure_of_language=is_sure, interim=no_interim)


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


def transcribe_next(
    model: WhisperModel, request: TranscriptionRequest, is_abandoned: Callable[[], bool]
) -> TranscriptionResult:
    """Its next chunk; of no audio, none. Raises `Abandoned`, and `EngineError` when CTranslate2 fails."""
    try:
        return _next(model, request, is_abandoned)
    except RuntimeError as error:
        raise EngineError("stt", f"Whisper failed: {first_line(error)}") from error


def _next(
    model: WhisperModel, request: TranscriptionRequest, is_abandoned: Callable[[], bool]
) -> TranscriptionResult:
    audio, is_sure = request.audio, request.is_sure_of_language
    language = request.languages[0] if is_sure else ""
    if not len(audio):
        return TranscriptionResult((), language, is_sure)
    end = first_chunk(audio, request.longest_s)
    is_interim = request.is_interim and end == len(audio)
    known = request.interim if end == len(audio) else no_interim
    options = DecodeOptions(request.languages, request.prompt, is_interim=is_interim, interim=known)
    result = _decoded(model, audio[:end], options, is_abandoned)
    if result and not is_sure:
        language, is_sure = result.language, not is_interim and seconds(end) >= SURE_OF_LANGUAGE_S
    chunk = TranscribedChunk(end, result.hypothesis if result else None)
    return TranscriptionResult((chunk,), language, is_sure)


def _decoded(
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
