"""How one piece of audio is read: which looks at it are taken, and when one of them is believed.

A reading asks for looks and is told what they showed; it neither computes nor waits. So it can be
run alone, and the looks of many readings can share one call of CTranslate2.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..core.audio import Floats
from .whisper_pieces import is_silent
from .whisper_window import Guess, Look, agree, better


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of every look at a piece."""

    languages: tuple[str, ...] = ()
    """Whisper's codes to choose among; empty: all."""
    prompt: str = ""
    """Words to expect."""
    task: Literal["transcribe", "translate"] = "transcribe"
    is_glance: bool = False
    """An interim text: once, and never through the full window."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One look at a piece that somebody is to take."""

    audio: Floats
    look: Look
    wish: Wish


@dataclass(frozen=True, slots=True)
class Sight:
    """What it showed."""

    guess: Guess
    language: str
    """Whisper's code."""


Reading: TypeAlias = Generator[Shot, Sight, Sight | None]
"""Returns what is believed, or None when nothing was said."""


def reading(audio: Floats, looks: Sequence[Look], wish: Wish) -> Reading:
    if is_silent(audio):
        return None
    best: Guess | None = None
    language = ""
    for look in looks:
        among = (language,) if language else wish.languages
        sight = yield Shot(audio, look, Wish(among, wish.prompt, wish.task, wish.is_glance))
        guess, language = sight.guess, sight.language
        if guess.is_noise(look):
            return None
        is_settled = best is not None and agree(best, guess)
        best = guess if best is None else better(best, guess)
        if is_settled or best.is_enough(look):
            break
    if best is None or best.is_empty_loop or (wish.is_glance and best.is_stutter):
        return None
    return Sight(best, language)
