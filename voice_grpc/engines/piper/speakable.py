"""What of a clause Piper is given.

A file of its own: it knows no model and no thread. What lives here: the signs that Piper would say wrongly,
and how much it is given at once. What must not: how numbers and units are read (`core.text.normalization`),
which is the same for every voice.
"""

import unicodedata
from collections.abc import Iterator

from ...core.text.duration import pieces

PIECE_SECONDS = 8.0
"""Sound of one piece, by estimate: its latents keep the thread for about 0.2 s (22 ms for each of sound), and
no caller keeps it from the others for longer. Bounded in sound, since forty groups of digits are 160
characters and more than a minute."""


def speakable(text: str) -> str:
    """`text` without emoji and other symbols, which espeak would read out by name, and without Piper's
    `[[phonemes]]`; empty when nothing is left that has a sound."""
    kept = "".join(" " if _is_mute(character) else character for character in text)
    kept = " ".join(kept.replace("[[", " ").split())
    return kept if any(character.isalnum() for character in kept) else ""


def speakable_pieces(text: str) -> Iterator[str]:
    """`text` as it is given to the voice, in pieces of `PIECE_SECONDS` at most; none when it has no sound."""
    return pieces(speakable(text), PIECE_SECONDS)


def _is_mute(character: str) -> bool:
    return character != "°" and unicodedata.category(character) in {"So", "Sk", "Cs", "Co", "Cn", "Cf", "Cc"}
