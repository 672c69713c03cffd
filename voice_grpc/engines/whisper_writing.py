"""A passage of any length, written down by one caller alone: piece by piece, look by look."""

from ..core.audio import Floats, seconds
from ..core.errors import EngineError
from .whisper_model import WhisperModel
from .whisper_passage import Passage, Written
from .whisper_pieces import first_piece
from .whisper_reading import Sight, Wish, reading
from .whisper_source import first_line

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
        cut = first_piece(audio)
        glance = passage.is_interim and cut == len(audio)
        among = (language,) if sure else passage.languages
        heard = _piece(model, audio[:cut], Wish(among, passage.prompt, is_glance=glance), passage)
        if heard and not sure:
            language, sure = heard.language, not glance and seconds(cut) >= SURE_OF_LANGUAGE_S
        pieces.append((cut, heard.guess.text if heard else ""))
        audio = audio[cut:]
    return Written(tuple(pieces), language, sure)


def _piece(model: WhisperModel, audio: Floats, wish: Wish, passage: Passage) -> Sight | None:
    steps = reading(audio, model.glance if wish.is_glance else model.looks, wish)
    try:
        shot = next(steps)
        while True:
            shot = steps.send(model.look([shot], passage.is_abandoned)[0])
    except StopIteration as end:
        sight: Sight | None = end.value
        return sight
