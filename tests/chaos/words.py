"""Words that are sounds, both ways, so that every one that was said or heard can be told from the samples.

The user's words are real speech whose six lowest bits say which word it is: a detector hears a voice, and
a recogniser reads what was said. The answer's words are levels of a constant, a quarter of a second each. All
have one vowel and three letters, and the pause behind a full stop is as long as the server takes one to be
that it cannot measure yet (`core/playout/heard_text.py`): the server shares the sound of a clause among its
words by these, and is right then.
"""

import random
import re
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np

from tests.saying import said
from voice_grpc.core.audio import RATE_HZ, Samples, silence

WORDS = tuple(
    re.findall(
        r"\S+",
        "bat bed big bog bug can cap cot cub cut dad den dig dog dot fan fed rim fog fun gap get gig got gum"
        " hat hen hid hop hut jam jet jig jog jug kit lad leg lid log mad men mix mob mud nap net nod nut pad"
        " pen pin pot pup rag red rib rod rug sad",
    )
)
"""None of them is an abbreviation before a full stop."""

VOICE_HZ = 24_000
USER_WORD_S, VOICE_WORD_S = 0.3, 0.25
STOP_S = 0.24
"""Silence behind a full stop: two beats, where a word has 2.1, in whole steps of 10 ms, in which the server
measures it."""
HEARD_S = 0.02
"""A word that sounds for less was not heard: it is what is left of one at a cut."""

_BITS = 64
_LEVEL, _STEP = 4_000, 100

QUESTION_WORDS, ANSWER_WORDS, SENTENCE_WORDS = 3, 16, 8


def question(number: int) -> tuple[str, ...]:
    """The words of the question of that number, which no other has in this order."""
    return tuple(random.Random(number).sample(WORDS, QUESTION_WORDS))


def answer(asked: Sequence[str]) -> tuple[str, ...]:
    """The words of the answer to those words, whoever is asked."""
    return tuple(random.Random(" ".join(asked)).sample(WORDS, ANSWER_WORDS))


def written(words: Sequence[str]) -> str:
    """As a model writes them: in sentences."""
    sentences = [words[at : at + SENTENCE_WORDS] for at in range(0, len(words), SENTENCE_WORDS)]
    return " ".join(f"{' '.join(each).capitalize()}." for each in sentences)


def read(text: str) -> tuple[str, ...]:
    """The words of a text; what is none of them is left out."""
    spelt = "".join(c if c.isalpha() else " " for c in text.lower()).split()
    return tuple(word for word in spelt if word in WORDS)


# ---------------------------------------------------------------- the user's


@cache
def _speech() -> Samples:
    """Some seconds of a voice without a pause."""
    samples = said("we were away a year ago and you were near the river all along")
    loud = np.flatnonzero(np.abs(samples) > 500)
    return samples[loud[0] : loud[-1]]


def spoken(words: Iterable[str]) -> Samples:
    """What the user says, at `RATE_HZ`."""
    length, speech, at = round(USER_WORD_S * RATE_HZ), _speech(), 0
    pieces = []
    for word in words:
        piece = np.resize(np.roll(speech, -at), length).astype(np.int16)
        pieces.append((piece & ~np.int16(_BITS - 1)) | np.int16(WORDS.index(word) + 1))
        at += length
    return np.concatenate(pieces)


def recognised(samples: Samples) -> tuple[str, ...]:
    """What the user said in these samples, at `RATE_HZ`."""
    return _runs((samples & (_BITS - 1)).astype(int), round(HEARD_S * RATE_HZ))


# ---------------------------------------------------------------- the answer's


def voiced(text: str) -> Samples:
    """What the voice says, at `VOICE_HZ`."""
    pieces = [silence(0)]
    for token in text.split():
        for word in read(token):
            level = _LEVEL + _STEP * (WORDS.index(word) + 1)
            pieces.append(np.full(round(VOICE_WORD_S * VOICE_HZ), level, np.int16))
        if token.endswith("."):
            pieces.append(silence(STOP_S, VOICE_HZ))
    return np.concatenate(pieces)


def heard(samples: Samples) -> tuple[str, ...]:
    """What was heard of these samples, at `VOICE_HZ`. A word that was cut and said again is one."""
    ids = np.where(samples > _LEVEL, np.round((samples.astype(int) - _LEVEL) / _STEP), 0).astype(int)
    return _runs(ids, round(HEARD_S * VOICE_HZ))


def as_heard(said: Sequence[str]) -> tuple[str, ...]:
    """What `heard` makes of these words: of equal neighbours one."""
    return tuple(word for before, word in zip(("", *said), said, strict=False) if word != before)


def fault(heard: Sequence[str], expected: Sequence[str], again: int) -> int | None:
    """The place in `heard` of a word that is wrong: one of `expected` is missing before it, or it comes again
    and is none of the last `again` before something was killed. None: all is well."""
    place = 0
    for at, word in enumerate(heard):
        before = list(expected[max(0, place - again) : place])
        if place < len(expected) and word == expected[place]:
            place += 1
        elif word in before:
            place += before.index(word) + 1 - len(before)
        else:
            return at
    return None if place == len(expected) else len(heard)


def is_whole(heard: Sequence[str], expected: Sequence[str], again: int) -> bool:
    """No word of `expected` is missing in `heard`, and none comes again that must not."""
    return fault(heard, expected, again) is None


def _runs(ids: np.ndarray, least: int) -> tuple[str, ...]:
    """The words of the stretches of equal ids that are long enough; of equal neighbours one."""
    if not len(ids):
        return ()
    starts = np.flatnonzero(np.diff(ids, prepend=ids[0] - 1))
    lengths = np.diff(np.append(starts, len(ids)))
    found: list[str] = []
    last = 0
    for start, length in zip(starts, lengths, strict=True):
        if 0 < ids[start] <= len(WORDS) and length >= least:
            if ids[start] != last:
                found.append(WORDS[ids[start] - 1])
            last = ids[start]
    return tuple(found)
