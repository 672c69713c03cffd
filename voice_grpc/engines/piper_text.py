"""What of a clause Piper is given, and in which pieces. Pure functions over text."""

import unicodedata
from collections.abc import Iterator

_PIECE = 160
"""Characters: about ten seconds of speech, which keep the thread for about one."""


def speakable(text: str) -> str:
    """Without emoji and other symbols, which espeak would read out by name, and without Piper's
    `[[phonemes]]`; empty when nothing is left that has a sound."""
    kept = "".join(" " if _is_mute(character) else character for character in text)
    kept = " ".join(kept.replace("[[", " ").split())
    return kept if any(character.isalnum() for character in kept) else ""


def _is_mute(character: str) -> bool:
    return character != "°" and unicodedata.category(character) in {"So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc"}


def pieces(text: str) -> Iterator[str]:
    """At most `_PIECE` characters each, cut after a sentence, else after a phrase, else after a word."""
    while len(text) > _PIECE:
        cut = _cut(text[: _PIECE + 1])
        yield text[:cut].rstrip()
        text = text[cut:].lstrip()
    if text:
        yield text


def _cut(window: str) -> int:
    """Never in the first quarter: a short piece and a long one take no less time than two of a size."""
    spaces = [i for i, character in enumerate(window) if character == " "]
    for marks in (".!?…", ",;:–—", ""):
        ends = [i for i in spaces if not marks or window[i - 1] in marks]
        if ends and ends[-1] >= _PIECE // 4:
            return ends[-1]
    return _PIECE
