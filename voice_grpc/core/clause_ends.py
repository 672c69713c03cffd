"""Where a clause may end: the alphabet of punctuation, and a judgement on each place in a text.

What lives here: pure functions over a text and a place in it. What must not: how long a clause
should be, and anything that is remembered from one call to the next (`clauses.py`).
"""

import re
import unicodedata
from enum import Enum

_STRONG = ".!?。！？．｡؟۔।॥։።՞‼⁇⁈⁉"
_SOFT = ",;:—–-…，、；：､،؛፣፤\u037e"
_NEEDS_SPACE = frozenset(".!?,;:-–")
"""Also parts of numbers, names, addresses and compounds: they end a clause only before a space."""
_CLOSERS = "\"'”’»›)]}」』）】》〉*_`~"
_WIDE = "\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Han: written without spaces, and spoken about as long as three Latin letters."""

PLACES = re.compile(rf"\s|[{re.escape(_STRONG + _SOFT)}]{{1,8}}[{re.escape(_CLOSERS)}]{{0,8}}")
WORDS = re.compile(rf"[{_WIDE}]|[^\W_{_WIDE}]+")
_IS_WIDE = re.compile(rf"[{_WIDE}]")
BETWEEN_WIDE = re.compile(rf"(?<=[{_WIDE}])(?=[{_WIDE}])")
_INITIALS = re.compile(rf"(?:[^\W\d_{_WIDE}]\.)*[^\W\d_{_WIDE}]")
_ITEM_NUMBER = re.compile(r"[\s*#(]*\d{1,3}")
_LINE_ENDS = "\n\x0b\x0c\x85\u2028\u2029"
_UNBREAKABLE = "\u00a0\u202f"

_ABBREVIATIONS = frozenset(
    re.findall(
        r"\S+",
        "dr mr mrs ms mx prof st sr jr rev gen col sgt capt lt hon gov sen rep pres vs etc approx inc ltd"
        " corp dept figs vol eds cf jan feb apr jun jul aug sep sept oct nov dec ave blvd bzw usw evtl ggf"
        " zzgl nr tel sra srta ud uds pág núm mme mlle dott avv ph.d",
    )
)


class Place(Enum):
    """How good a place is for a clause to end."""

    NEVER = 0
    SPACE = 1
    SOFT = 2
    SENTENCE = 3
    LINE = 4
    UNKNOWN = 5
    """Depends on a character that is not there yet."""


def spoken_length(text: str) -> int:
    return len(text) if text.isascii() else len(text) + 2 * len(_IS_WIDE.findall(text))


def extends(char: str) -> bool:
    """Whether it belongs to the character before it: marks, joiners, skin tones, low surrogates."""
    if unicodedata.category(char)[0] == "M" or char in "\u200c\u200d":
        return True
    return "\U0001f3fb" <= char <= "\U0001f3ff" or "\udc00" <= char <= "\udfff"


def _is_abbreviation(before: str) -> bool:
    """Whether the full stop after `before` belongs to its last word, as in Dr. or e.g. or U.S."""
    tail = before[-16:]
    if not tail or tail[-1].isspace():
        return False
    word = tail.split()[-1].lstrip("([{\"'“‘«*_-").lower()
    return word in _ABBREVIATIONS or _INITIALS.fullmatch(word) is not None


def _judge_space(text: str, at: int) -> Place:
    if text[at] in _LINE_ENDS:
        return Place.LINE
    if at + 1 == len(text):
        return Place.UNKNOWN
    before, after = text[at - 1 : at], text[at + 1]
    if text[at] in _UNBREAKABLE or after.isspace() or extends(after) or PLACES.match(after):
        return Place.NEVER
    if before.isdigit() and after.isdigit():
        return Place.NEVER
    if before == "." and _is_abbreviation(text[: at - 1]):
        return Place.NEVER
    return Place.SPACE


def _is_joined(text: str, start: int, end: int, last: str) -> bool:
    """Whether the punctuation at `start`, with no space after it, is inside a word, number or address."""
    before, after = text[max(0, start - 1) : start], text[end]
    is_wide = bool(_IS_WIDE.match(before) and _IS_WIDE.match(after))
    if last in _NEEDS_SPACE and not is_wide:
        return True
    if (before.isdigit() and after.isdigit()) or extends(after) or after in _STRONG + _SOFT + _CLOSERS:
        return True
    return last in "—…" and "://" in text[:start].rpartition(" ")[2]


def _judge_marks(text: str, start: int, end: int) -> Place:
    """`text[start:end]` is a run of punctuation with the quotes and brackets that close after it."""
    run = text[start:end].rstrip(_CLOSERS)
    if end < len(text) and not text[end].isspace() and _is_joined(text, start, end, run[-1]):
        return Place.NEVER
    if run[-1] in "-–" and not text[:start][-1:].isspace():
        return Place.NEVER
    is_stop = run[0] == "." and run[:2] != ".."
    if is_stop and (_is_abbreviation(text[:start]) or _ITEM_NUMBER.fullmatch(text[:start])):
        return Place.NEVER
    return Place.SOFT if run[-1] not in _STRONG or run.endswith("..") else Place.SENTENCE


def judge(text: str, start: int, end: int) -> Place:
    """Of a match of `PLACES` in `text`, which begins where the clause begins."""
    return _judge_space(text, start) if text[start].isspace() else _judge_marks(text, start, end)
