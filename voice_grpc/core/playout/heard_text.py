"""Which words of an answer were heard, given how much of its sound was played.

What lives here: the alignment of words and samples within a clause. What must not: how it is
known what was played (the client's report or `pacer.py`).

Voices give no word times, so the words of a clause share its samples by how long they are when spoken: a
beat for each syllable, and a little for the word and its letters, which is consonants; and pauses where the
punctuation within has them. The silence at its head and its end is what the sound has: voices differ most in
how long they stop behind a sentence, from nothing to more than half a second. What words and pauses are in
beats was fitted to the word places that Piper and espeak-ng tell of themselves: the guess is off by more than
a word at one place in a hundred and fifty at most, and by 0.3 of one in the mean.
A word counts once more than half of it was played, as a listener has recognised most words by then.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..audio import RATE_HZ, Samples, silent_ends

LETTERS_PER_SECOND = 14.0
"""Characters a second of English read at a normal rate (about 170 words a minute), spaces included."""

_WIDE = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u3001-\u303f\uff00-\uffef\U00020000-\U0003ffff"
_TOKEN = re.compile(rf"[{_WIDE}][^\w\s{_WIDE}]*|[^\s{_WIDE}]+")
"""A word, or one wide character, with the punctuation that hangs on it."""
_SYLLABLE = re.compile("[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœаеёиоуыэюяіїєαεηιουωάέήίόύώ]+|\\d", re.IGNORECASE)
_LETTER = re.compile(r"[^\W_]")
_WORD_BEATS, _LETTER_BEATS = 0.5, 0.2
_STOP = (re.compile(r"[.!?;:…。！？；：]\W*$"), 2.0)
_COMMA = (re.compile(r"[,،、，]\W*$"), 3.0)
"""Punctuation behind a word, and the pause there in beats; within a clause commas are what voices stop at."""
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
    lead_in: int = 0
    """Samples of silence at its head; `length` while nothing of it is audible."""
    tail: int = 0
    """Samples of silence at the end of what was made."""

    def extended(self, samples: Samples, rate_hz: int) -> "SpokenClause":
        """So much more of its sound was made."""
        head, tail = silent_ends(samples, rate_hz)
        return replace(
            self,
            length=self.length + len(samples),
            lead_in=self.lead_in + (head if self.lead_in == self.length else 0),
            tail=tail + (self.tail if tail == len(samples) else 0),
        )


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
    """Of a clause, each with its share of the sound; `pace` as `_samples_per_letter`. The pause behind the
    last one is the silence at the end, once all is made."""
    total = clause.length if is_whole else max(clause.length, round(pace * len(clause.text)))
    is_audible = clause.lead_in < clause.length
    head, tail = (clause.lead_in, clause.tail if is_whole else 0) if is_audible else (0, 0)
    tokens = list(_TOKEN.finditer(clause.text))
    weights = [(_weight(token[0]), _pause(token[0])) for token in tokens]
    if weights and is_whole:
        weights[-1] = (weights[-1][0], 0.0)
    unit = (total - head - tail) / max(1.0, sum(map(sum, weights)))
    placed, before = [], 0.0
    for token, (weight, pause) in zip(tokens, weights, strict=True):
        start, middle = head + before * unit, head + (before + weight / 2) * unit
        placed.append(_PlacedWord(token.end(), round(start), middle))
        before += weight + pause
    return placed


def _heard_of(clause: SpokenClause, is_whole: bool, played: int, pace: float) -> tuple[str, bool]:
    """The heard part of a clause, and whether that is all of it; `played` counts from its start."""
    if is_whole and played >= clause.length:
        return clause.text, True
    played = min(played, clause.length)
    ends = [word.end for word in _words(clause, is_whole, pace) if played > word.middle]
    return clause.text[: ends[-1] if ends else 0], False


def _weight(word: str) -> float:
    """How long a word is, in beats; what has no letters or digits takes no time."""
    letters = len(_LETTER.findall(word))
    syllables = len(_SYLLABLE.findall(word)) or letters
    return _WORD_BEATS + syllables + _LETTER_BEATS * letters if letters else 0.0


def _pause(word: str) -> float:
    """How long the pause is behind it, in beats."""
    if not _LETTER.search(word):
        return 0.0
    return next((beats for mark, beats in (_STOP, _COMMA) if mark.search(word)), 0.0)


def _samples_per_letter(clauses: Sequence[SpokenClause], rate_hz: int) -> float:
    whole = [clause for clause in clauses if clause.is_whole and clause.length]
    letters = sum(len(clause.text) for clause in whole)
    return sum(clause.length for clause in whole) / letters if letters else rate_hz / LETTERS_PER_SECOND


def _joined(left: str, right: str) -> str:
    """With one space between, except where characters meet that are written without and were."""
    is_tight = bool(left and right and _TIGHT.match(left[-1]) and _TIGHT.match(right[0]))
    left, right = " ".join(left.split()), " ".join(right.split())
    return (left + right) if is_tight else f"{left} {right}".strip()
