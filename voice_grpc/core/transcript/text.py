"""Places in a transcript, what is left of it without some of them, and the words in it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..text.segmentation import WIDE

Span: TypeAlias = tuple[int, int]
"""Characters from the first to before the second."""

LETTER = rf"[^\W_{WIDE}]"
"""A letter or digit of a script with spaces between its words."""

_WORDS = re.compile(rf"[{WIDE}]|{LETTER}+(?:['’]{LETTER}+)*")
_BEFORE_MARK = re.compile(r"\s+(?=[,.;:!?…、。，！？])")
_LEFT_OVER = re.compile(r"(?:[\s,.;:!?…–—、。，；：！？]|-(?!\w))+")


@dataclass(frozen=True, slots=True)
class TextWord:
    """A word as it is compared: without case and marks. Kana and Han are a word each."""

    text: str
    start: int
    end: int


def words_of(text: str) -> list[TextWord]:
    return [TextWord(m[0].casefold().replace("’", "'"), *m.span()) for m in _WORDS.finditer(text)]


def has_words(text: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(character.isalnum() for character in text)


def without(text: str, cuts: Iterable[Span]) -> str:
    """What is left of `text`; marks that then stand before the first word go too."""
    found = sorted(cuts)
    left, at = [], 0
    for start, end in found:
        left.append(text[at : max(at, start)])
        at = max(at, end)
    rest = " ".join(" ".join([*left, text[at:]]).split())
    if not has_words(rest):
        return ""
    if not found:
        return rest
    if found[0][0] <= len(text) - len(text.lstrip()):
        rest = rest[match.end() :] if (match := _LEFT_OVER.match(rest)) else rest
    return _BEFORE_MARK.sub("", rest)


def kept(text: str, cuts: Sequence[Span], words: Sequence[str]) -> list[bool]:
    """Which of `words`, in their order in `text`, stand in what is left of it. One that is not found is."""
    found, at = [], 0
    for word in words:
        start = text.find(word.strip(), at)
        if start < 0:
            found.append(True)
            continue
        at = start + len(word.strip())
        found.append(not any(first <= start < last for first, last in cuts))
    return found
