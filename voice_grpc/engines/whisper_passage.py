"""What Whisper is asked to write down, and what it wrote. Data alone: `whisper_model.py` does the writing."""

from collections.abc import Callable
from dataclasses import dataclass

from ..core.audio import Floats


class Abandoned(Exception):
    """Nobody waits for the answer any more; raised between two calls of CTranslate2."""


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
