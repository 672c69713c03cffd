"""A passage of any length, written down by one caller alone: piece by piece, look by look."""

from collections.abc import Callable
from dataclasses import dataclass

from ...core.audio import Floats, seconds
from ...core.errors import EngineError
from .chunking import first_chunk
from .decoding import DecodeOptions, DecodeResult, reading
from .model import WhisperModel, first_line

# ----------------------------------------------------------------
# what Whisper is asked to write down, and what it wrote. Data alone: `model.py` does the
# writing


@dataclass(frozen=True, slots=True)
class Passage:
    """What is to be written down."""

    audio: Floats
    languages: tuple[str, ...]
    """Whisper's codes to choose among; empty: all."""
    prompt: str
    is_interim: bool
    """A greedy glance at the end of it will do."""
    is_abandoned: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Written:
    pieces: tuple[tuple[int, str], ...]
    """Samples and text of each, in order. All but the last are of a length that stays as it is."""
    language: str
    """Whisper's code; empty when there was nothing to hear."""
    is_sure_of_language: bool


SURE_OF_LANGUAGE_S = 3.0
"""A piece as long as this settles the language of those that follow."""


def write(model: WhisperModel, passage: Passage) -> Written:
    """Raises `Abandoned`, and `EngineError` when CTranslate2 fails."""
    try:
        return _pieces(model, passage)
    except RuntimeError as error:
        raise EngineError("stt", f"Whisper failed: {first_line(error)}") from error


def _pieces(model: WhisperModel, passage: Passage) -> Written:
    pieces: list[tuple[int, str]] = []
    audio, language, sure = passage.audio, "", False
    while len(audio):
        cut = first_chunk(audio)
        glance = passage.is_interim and cut == len(audio)
        among = (language,) if sure else passage.languages
        heard = _piece(model, audio[:cut], DecodeOptions(among, passage.prompt, is_glance=glance), passage)
        if heard and not sure:
            language, sure = heard.language, not glance and seconds(cut) >= SURE_OF_LANGUAGE_S
        pieces.append((cut, heard.guess.text if heard else ""))
        audio = audio[cut:]
    return Written(tuple(pieces), language, sure)


def _piece(model: WhisperModel, audio: Floats, wish: DecodeOptions, passage: Passage) -> DecodeResult | None:
    steps = reading(audio, model.glance if wish.is_glance else model.looks, wish)
    try:
        shot = next(steps)
        while True:
            shot = steps.send(model.look([shot], passage.is_abandoned)[0])
    except StopIteration as end:
        sight: DecodeResult | None = end.value
        return sight
