"""Which words of an answer were heard, given how much of its sound was played.

What lives here: the alignment of words and samples within a clause. What must not: how it is
known what was played (the client's report or `pacer.py`).

Voices give no word times, so the words of a clause share its samples by how long they are when
spoken: a beat for each syllable and one for the word. A word counts once more than half of it
was played, as a listener has recognised most words by then.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..audio import RATE_HZ

LETTERS_PER_SECOND = 14.0
"""Characters a second of English read at a normal rate (about 170 words a minute), spaces included."""

_WIDE = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3001-\u303f\uff00-\uffef\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_WIDE}][^\w\s{_WIDE}]*|[^\s{_WIDE}]+")
"""A word, or one wide character, with the punctuation that hangs on it."""
_SYLLABLE = re.compile("[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœаеёиоуыэюяіїєαεηιουωάέήίόύώ]+|\\d", re.IGNORECASE)
_LETTER = re.compile(r"[^\W_]")
_TIGHT = re.compile(rf"[{_WIDE}]")


@dataclass(frozen=True, slots=True)
class SpokenClause:
    index: int
    text: str
    start: int
    """In the sound of the turn, in samples at the output rate."""
    length: int
    """Samples made so far."""
    is_whole: bool = False
    """Whether all its sound has been made."""


def heard_text(clauses: Sequence[SpokenClause], played: int, rate_hz: int = RATE_HZ) -> str:
    """What was heard of `clauses`, which come in order, once `played` samples at `rate_hz` were.

    The words are as written; single spaces join them. More samples never make less text. Of a
    clause that is still being made, the whole length is estimated at the pace of the others.
    """
    if played <= 0:
        return ""
    last_sounding = max((i for i, clause in enumerate(clauses) if clause.length), default=-1)
    pace = _samples_per_letter(clauses, rate_hz)
    heard = ""
    for position, clause in enumerate(clauses):
        is_whole = clause.is_whole or position < last_sounding
        part, is_all = _heard_of(clause, is_whole, played - clause.start, pace)
        heard = _joined(heard, part)
        if not is_all:
            break
    return heard


def word_start(clauses: Sequence[SpokenClause], played: int, rate_hz: int = RATE_HZ) -> int:
    """The sample at which the word begins that is being heard after `played` samples, as near as `heard_text`
    knows; between two clauses it is `played`."""
    last_sounding = max((i for i, clause in enumerate(clauses) if clause.length), default=-1)
    pace = _samples_per_letter(clauses, rate_hz)
    for position, clause in enumerate(clauses):
        is_whole = clause.is_whole or position < last_sounding
        if clause.start <= played < clause.start + clause.length:
            starts = [clause.start + word.start for word in _words(clause, is_whole, pace)]
            return max((start for start in starts if start <= played), default=clause.start)
    return played


@dataclass(frozen=True, slots=True)
class _PlacedWord:
    end: int
    """Just after its last character in the text of its clause."""
    start: int
    """Samples from the start of the clause."""
    middle: float
    """The same, from where on it was heard."""


def _words(clause: SpokenClause, is_whole: bool, pace: float) -> list[_PlacedWord]:
    """Of a clause, each with its share of the sound; `pace` as `_samples_per_letter`."""
    total = clause.length if is_whole else max(clause.length, round(pace * len(clause.text)))
    tokens = list(_TOKEN.finditer(clause.text))
    weights = [_weight(token[0]) for token in tokens]
    unit = total / max(1, sum(weights))
    placed, before = [], 0
    for token, weight in zip(tokens, weights, strict=True):
        placed.append(_PlacedWord(token.end(), round(before * unit), (before + weight / 2) * unit))
        before += weight
    return placed


def _heard_of(clause: SpokenClause, is_whole: bool, played: int, pace: float) -> tuple[str, bool]:
    """The heard part of a clause, and whether that is all of it; `played` counts from its start."""
    if is_whole and played >= clause.length:
        return clause.text, True
    played = min(played, clause.length)
    ends = [word.end for word in _words(clause, is_whole, pace) if played > word.middle]
    return clause.text[: ends[-1] if ends else 0], False


def _weight(word: str) -> int:
    """How long a word is, in beats; what has no letters or digits takes no time."""
    letters = len(_LETTER.findall(word))
    return 1 + (len(_SYLLABLE.findall(word)) or letters) if letters else 0


def _samples_per_letter(clauses: Sequence[SpokenClause], rate_hz: int) -> float:
    whole = [clause for clause in clauses if clause.is_whole and clause.length]
    letters = sum(len(clause.text) for clause in whole)
    return sum(clause.length for clause in whole) / letters if letters else rate_hz / LETTERS_PER_SECOND


def _joined(left: str, right: str) -> str:
    """With one space between, except where characters meet that are written without and were."""
    is_tight = bool(left and right and _TIGHT.match(left[-1]) and _TIGHT.match(right[0]))
    left, right = " ".join(left.split()), " ".join(right.split())
    return (left + right) if is_tight else f"{left} {right}".strip()
