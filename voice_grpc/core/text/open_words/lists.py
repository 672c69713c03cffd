"""What the words of one language tell of a sentence that is not whole: kinds of lists, and their spelling."""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordLists:
    open: frozenset[str]
    """Words that no sentence ends with."""
    loose: frozenset[str]
    """Words that seldom end one: "turn it on", "yes, I am"."""
    whole: frozenset[str]
    """Phrases that end one, whatever their last word does elsewhere."""
    fillers: frozenset[str]
    """Of one word or more."""
    particles: frozenset[str]
    """Fillers where they stand alone or apart: "well" of "it was, well", not of "very well"."""
    digits: frozenset[str]
    joiners: frozenset[str]
    """Between the parts of an address, and nowhere else."""
    long_cues: re.Pattern[str]
    """In a question: what it asks for takes several pauses."""
    open_suffixes: tuple[str, ...] = ()
    """Endings of a word that no sentence ends with: particles that are written with their noun."""
    loose_suffixes: tuple[str, ...] = ()
    is_unspaced: bool = False
    """Written without spaces between words, so that every word of a list is an ending."""


def spelled(text: str) -> str:
    """As two spellings of it have in common."""
    return unicodedata.normalize("NFC", text).replace("İ", "i").casefold().replace("ı", "i").replace("’", "'")


def words(text: str) -> frozenset[str]:
    return frozenset(spelled(text).split())


def phrases(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in spelled(text).split(",") if part.strip())


def cues(text: str, *, spaced: bool = True) -> re.Pattern[str]:
    """Whole words; `*` stands for any ending. Not `spaced`: wherever it stands."""
    found = "|".join(re.escape(part).replace(r"\*", r"\w*") for part in sorted(phrases(text)))
    return re.compile(rf"\b(?:{found})(?!\w)" if spaced else f"(?:{found})")
