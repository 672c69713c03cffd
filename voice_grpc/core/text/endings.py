"""How the words of a turn end: what a listener can tell from them alone, and what a question asks for.

By lists of words that leave a sentence open, and of sounds with which people keep their turn: `open_words`.
Languages without a list
say nothing, rather than something wrong. A final full stop is no evidence: a recogniser writes one behind
half a sentence too. A question mark is some: it is written where the words ask ("where are you from?").
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import Enum

from ..languages import listed_as
from .formulas import is_formula
from .open_words.germanic import GERMANIC
from .open_words.lists import WordLists, spelled
from .open_words.lists import words as words_in
from .open_words.romance import ROMANCE
from .open_words.slavic import SLAVIC
from .open_words.suffixing import SUFFIXING
from .open_words.unspaced import UNSPACED


class TextEnding(Enum):
    UNKNOWN = "unknown"
    """No words yet, or of a language without a list."""
    WHOLE = "whole"
    """They are what people say as a whole: "good morning", "what time is it"."""
    CLOSED = "closed"
    """Nothing about the last words asks for more."""
    LOOSE = "loose"
    """The last word seldom ends a sentence: "on", "is"."""
    OPEN = "open"
    """The last word wants another one: "the", "of", "because"."""
    FILLER = "filler"
    """A sound that keeps the turn: "um", "let me see"."""
    SPELLED = "spelled"
    """Digits, letters or parts of an address, said one by one."""


class Expectation(Enum):
    """What the assistant's last words lead one to expect of the user."""

    NOTHING = "nothing"
    SHORT = "short"
    """A question that a word or two may answer."""
    LONG = "long"
    """One that asks for a story, or for something to be spelled."""


_LISTS = {**GERMANIC, **ROMANCE, **SLAVIC, **SUFFIXING, **UNSPACED}

_ELIDING = {"fr", "it"}
"""Languages in which what stands behind an apostrophe is a word: "qu'il", "cos'è"."""

_NO_WORD = re.compile(r"[^\w\s'.@]")
_WORDS = re.compile(r"[^\s.@]+(?:[.@][^\s.@]+)*")
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Kana and Han."""
_ASKING = ("?", "？", "؟")
_BETWEEN_SENTENCES = re.compile(r"(?<=[.!?؟।])\s+|(?<=[。！？])")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_SYLLABLES = "\u0900"
"""From here on one sign is a syllable or a word, and no letter that is spelled."""
_EDGES = ",.;:!?…\"'()«»“”„¿¡-–—"
_APART = re.compile(r"[,;:…–—-]\s*$|\.\.\s*$")
_SPELLED_WORDS = 3
"""Digits or letters in a row that make a spelled one: "the two of us" has one."""
_SPELLED_DIGITS = 11
"""Digits after which a telephone number is taken to be whole (E.164: at most 15; national ones 7 to 11)."""
_ENDED = " .,;:!?…。，、；：？！؟،।"
"""What a recogniser writes behind a part that it takes for a sentence."""
_FIRST_PERSON = re.compile(r"I\b")

_YEAR = re.compile(r"(?:19|20)\d\d")
_DOMAINS = words_in(
    "com org net edu gov io eu uk us de at ch es mx ar fr be it pt br nl se dk no fi pl cz ru ua tr jp kr cn"
)
"""With one of these an address that is said is taken to be whole."""

_PROVIDERS = words_in("gmail googlemail yahoo hotmail outlook icloud gmx proton aol")
"""Of mail: behind "at", which is a preposition otherwise."""


def words_of(text: str) -> list[str]:
    """The words alone, in small letters: what two transcripts of the same sound have in common.

    Signs of currencies and of arithmetic are words: "5 €" and "5 $" are not the same.
    """
    found = (word.strip("'") for word in _WORDS.findall(_NO_WORD.sub(_sign, spelled(text))))
    return [word for word in found if word]


def word_count(text: str) -> int:
    """Of signs that are written without spaces between words two are taken for one (Chinese and Japanese)."""
    return sum(max(1, len(_IDEOGRAPHS.findall(word)) // 2) for word in words_of(text))


def _sign(found: re.Match[str]) -> str:
    """What becomes of a character that is no letter: marks belong to the one before (Indic vowels)."""
    sign = found.group()
    kind = unicodedata.category(sign)
    if kind.startswith("M"):
        return sign
    return f" {sign} " if kind in ("Sc", "Sm") or sign == "%" else " "


def as_one_sentence(parts: Sequence[str]) -> str:
    """What was said with pauses between, as if without: a recogniser ends each part with a full stop and
    begins the next one with a capital."""
    said = [part.strip() for part in parts if part.strip(_ENDED)]
    whole = [*(part.rstrip(_ENDED) for part in said[:-1]), *said[-1:]]
    return " ".join((*whole[:1], *map(_going_on, whole[1:])))


def _going_on(part: str) -> str:
    """In the middle of a sentence: what is written large for itself stays so."""
    first = _WORDS.match(part)
    is_large = first is None or first[0][1:2].isupper() or _FIRST_PERSON.match(part)
    return part if is_large else part[:1].lower() + part[1:]


def ending(text: str, language: str) -> TextEnding:
    """How `text` ends; `language` is a BCP 47 tag, empty where it is not known."""
    code = listed_as(language)
    lists, words = _LISTS.get(code), words_of(text)
    if lists is None or not words:
        return TextEnding.UNKNOWN
    if is_formula(words, code):
        return TextEnding.WHOLE
    if lists.is_unspaced:
        return _unspaced_ending(text, words, lists)
    if _is_spelled(text, lists) or _is_half_address(text, words, lists):
        return TextEnding.SPELLED
    tails = {" ".join(words[-length:]) for length in (1, 2, 3, 4) if length <= len(words)}
    is_question = _is_question(text)
    if tails & lists.fillers or _stands_apart(text, words, lists):
        return TextEnding.CLOSED if is_question else TextEnding.FILLER
    if tails & lists.whole:
        return TextEnding.CLOSED
    last = _last_word(text, words, lists, elides=code in _ELIDING)
    is_open = len(words) > 1 and (last in lists.open or last.endswith(lists.open_suffixes))
    is_loose = last in lists.loose or (len(words) > 1 and last.endswith(lists.loose_suffixes))
    return _held_open(is_question, is_open=is_open, is_loose=is_loose)


def _unspaced_ending(text: str, words: list[str], lists: WordLists) -> TextEnding:
    """By how its last part ends, which stands behind the last mark."""
    last = words[-1]
    is_question, is_whole = _is_question(text), last.endswith(tuple(lists.whole))
    if _is_spelled(_NOT_ASCII.sub(r" \g<0> ", " ".join(words)), lists):
        return TextEnding.SPELLED
    if last in lists.fillers or last in lists.particles:
        return TextEnding.CLOSED if is_question else TextEnding.FILLER
    is_open = not is_whole and last not in lists.open and last.endswith(tuple(lists.open))
    is_loose = not is_whole and last.endswith(tuple(lists.loose))
    return _held_open(is_question, is_open=is_open, is_loose=is_loose)


def _held_open(is_question: bool, *, is_open: bool, is_loose: bool) -> TextEnding:
    if is_open:
        return TextEnding.LOOSE if is_question else TextEnding.OPEN
    return TextEnding.LOOSE if is_loose and not is_question else TextEnding.CLOSED


def _is_question(text: str) -> bool:
    return text.rstrip()[-1:] in _ASKING and bool(text.strip())


def _last_token(text: str) -> str:
    """As it is written, without what stands around it."""
    tokens = text.rstrip(f"{_EDGES} ").split()
    return tokens[-1].strip(_EDGES) if tokens else ""


def _last_word(text: str, words: list[str], lists: WordLists, *, elides: bool) -> str:
    """A word with a hyphen is one: the "in" of "check-in" wants nothing, nor the "il" of "est-il"."""
    whole = _last_token(text)
    if "-" in whole:
        return whole
    if elides and words[-1] not in lists.open:
        return words[-1].rpartition("'")[2]
    return words[-1]


def _stands_apart(text: str, words: list[str], lists: WordLists) -> bool:
    """The last words are a particle, and alone or set off from those before."""
    for length in (1, 2, 3):
        particle, before = " ".join(words[-length:]), " ".join(text.split()[:-length])
        is_apart = not before or _APART.search(before) is not None
        if length <= len(words) and particle in lists.particles and is_apart:
            return True
    return False


def _is_spelled(text: str, lists: WordLists) -> bool:
    """Whether the last words are signs one by one, and too few of them for a whole number.

    Times, amounts and dates are no signs: "10:30", "1,250", "May 5, 2024".
    """
    run: list[str] = []
    for token in reversed(spelled(text).split()):
        signs = [sign.strip(_EDGES) for sign in token.strip(_EDGES).split("-")]
        if not all(_is_sign(sign, lists) for sign in signs):
            break
        run += reversed(signs)
    if len(run) == 2 and _YEAR.fullmatch(run[0]):
        return False
    count = sum(len(sign) if sign.isdigit() else 1 for sign in run)
    is_several = len(run) >= _SPELLED_WORDS or (len(run) > 1 and all(sign.isdigit() for sign in run))
    return is_several and count < _SPELLED_DIGITS


def _is_sign(text: str, lists: WordLists) -> bool:
    return text.isdigit() or text in lists.digits or (len(text) == 1 and text.isalpha() and text < _SYLLABLES)


def _is_half_address(text: str, words: list[str], lists: WordLists) -> bool:
    """Whether an e-mail or web address was begun, said or written, and its domain is missing."""
    _, at, domain = _last_token(text).rpartition("@")
    if at:
        return "." not in domain
    if words[-1] in _PROVIDERS and words[-2:-1] == ["at"]:
        return True
    if len(words) > 1 and words[-1] in lists.joiners:
        return True
    return len(words) > 2 and words[-2] in lists.joiners and words[-1] not in _DOMAINS


def asks(said: str) -> bool:
    """Whether who has just `said` this asked something at its end: "Shall I book it? It costs five euros."
    too, and what Japanese writes without a mark."""
    return any(_is_question(each) or each.endswith("か") for each in _sentences(said)[-2:])


def _sentences(said: str) -> list[str]:
    """Without what is no letter behind their end."""
    shown = re.sub(r"[^\w?？؟]+$", "", said)
    return [each.rstrip("。") for each in _BETWEEN_SENTENCES.split(shown) if each]


def _last_sentence(said: str) -> str:
    """Without what is no letter behind its end."""
    shown = re.sub(r"[^\w?？؟]+$", "", said)
    sentences = [each for each in _BETWEEN_SENTENCES.split(shown) if each]
    return sentences[-1] if sentences else ""


def expectation(said: str, language: str) -> Expectation:
    """What the assistant, who has just `said` this, is to expect; `language` as in `ending`."""
    question, lists = spelled(_last_sentence(said)), _LISTS.get(listed_as(language))
    if not _is_question(question) or lists is None:
        return Expectation.NOTHING
    return Expectation.LONG if lists.long_cues.search(question) else Expectation.SHORT
