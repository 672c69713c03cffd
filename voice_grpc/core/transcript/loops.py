"""A phrase again and again, which is a decoder that goes round, and more words than the time holds.

People say things twice, and a short word more often: "no no no", "thank you, thank you". What is said here is
from the text and its length in seconds alone.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from .text import Span, TextWord, words_of

_WIDE_LETTERS = 3
"""Letters that a kana or a Han sign stands for: it is spoken about as long as three of the Latin alphabet."""

_LIMITS = ((6, 8), (9, 5), (1_000_000, 3))
"""How often at most a phrase of up to so many letters is said in a row: "no" eight times, "thank you" five,
"Can you hear me?" three."""
_ANYBODY = min(most for _, most in _LIMITS)
"""Times that anything at all is said in a row."""

_ROUNDS = 5
"""Times after which a phrase that is most of a text means that nothing was understood."""

_LONGEST_PHRASE = 40
"""Words of a phrase that is looked for: a window of Whisper holds it three times."""

_FEW = 3
"""Words beside a loop that are taken for a sentence that led into it."""

_COMPRESSION, _COMPRESSED_FROM = 2.4, 80
"""Whisper's own bound on how far a text may be compressed (openai/whisper `transcribe.py`,
compression_ratio_threshold), from so many bytes on."""

WORDS_A_SECOND, WORDS_AT_ONCE = 6.0, 3
"""The most that is said: readers in haste reach 4.7, competitive debaters 5.8 (350 a minute); the few at once
are for a pause's worth of sound that the detector left out."""
_LETTERS_A_SECOND, _LETTERS_AT_ONCE = 36, 24
"""The same in letters: twice the fifteen of English. Kana at the 12 morae a second of very fast Japanese."""


@dataclass(frozen=True, slots=True)
class Loop:
    first: Span
    """The phrase as it comes first."""
    rest: Span
    """Everything after it that is the phrase again, also a beginning of it at the end."""
    times: int
    words: int
    """Number of all the words in `first` and `rest`."""


def letters(words: Sequence[TextWord]) -> int:
    return sum(
        _WIDE_LETTERS if len(word.text) == 1 and ord(word.text) > 0x3000 else len(word.text) for word in words
    )


def loops(text: str) -> list[Loop]:
    """Those of `text`, in order."""
    words, found, at = words_of(text), list[Loop](), 0
    said = [word.text for word in words]
    while at < len(words):
        size, times = _round(words, said, at)
        if not size:
            at += 1
            continue
        end = at + size * times
        while end < len(words) and said[end] == said[end - size]:
            end += 1
        first = (words[at].start, words[at + size].start)
        found.append(Loop(first, (first[1], _end(text, words, end)), times, end - at))
        at = end
    return found


def _round(words: Sequence[TextWord], said: Sequence[str], at: int) -> tuple[int, int]:
    """How many words from `at` on come again at once, and how often; 0 where anybody may say it so often."""
    for size in range(1, min(_LONGEST_PHRASE, (len(words) - at) // 2) + 1):
        phrase, times = said[at : at + size], 1
        while said[at + size * times : at + size * (times + 1)] == phrase:
            times += 1
        if times <= _ANYBODY:
            continue
        spoken = letters(words[at : at + size])
        if times > next(most for longest, most in _LIMITS if spoken <= longest):
            return size, times
    return 0, 0


def _end(text: str, words: Sequence[TextWord], end: int) -> int:
    return words[end].start if end < len(words) else len(text)


def is_round(text: str) -> bool:
    """Whether most of it is one phrase over and over, so that there is nothing to be had from it."""
    words = words_of(text)
    found = loops(text)
    looped = sum(loop.words for loop in found)
    beside = len(words) - looped
    if beside >= _FEW or not found:
        return not found and _is_compressible(text)
    return any(loop.times > _ROUNDS for loop in found) and looped > beside


def _is_compressible(text: str) -> bool:
    raw = " ".join(text.split()).encode()
    return len(raw) >= _COMPRESSED_FROM and len(raw) > _COMPRESSION * len(zlib.compress(raw))


def is_doubled(text: str) -> bool:
    """Whether all of it is the same twice: said so now and then, and oftener made of it by a decoder."""
    said = [word.text for word in words_of(text)]
    half = len(said) // 2
    return half > 0 and said[:half] == said[half:]


def is_too_much(text: str, seconds: float) -> bool:
    """Whether nobody can say `text` in `seconds`."""
    words = words_of(text)
    spaced = [word for word in words if not _is_wide(word)]
    return (
        len(spaced) > WORDS_AT_ONCE + WORDS_A_SECOND * seconds
        or letters(words) > _LETTERS_AT_ONCE + _LETTERS_A_SECOND * seconds
    )


def _is_wide(word: TextWord) -> bool:
    return letters([word]) != len(word.text)
