"""Where an answer is cut for the voice, while it is still being written.

What lives here: which places may end a clause, how long one may be, and the splitter. What must
not: what a clause sounds like (`normalization.py`), how much of it was heard (`core/playout/heard_text.py`).

The first clause decides when the user hears something, so it ends at the first comma, or before a word that
begins another phrase; later ones are whole sentences, because a voice that knows the sentence has the better
melody.
A place is judged by what came before and the next character or two, and waits for those:
the clauses are the same however the text was chopped up on its way here.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

# ---------------------------------------------------------------- where a clause may end

_STRONG = ".!?。！？．｡؟۔।॥։።՞‼⁇⁈⁉"
_SOFT = ",;:—–-…，、；：､،؛፣፤\u037e"
_NEEDS_SPACE = frozenset(".!?,;:-–")
"""Also parts of numbers, names, addresses and compounds: they end a clause only before a space."""
_CLOSERS = "\"'”’»›)]}」』）】》〉*_`~"
WIDE = "\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Han: written without spaces, and spoken about as long as three Latin letters."""

PLACES = re.compile(rf"\s|[{re.escape(_STRONG + _SOFT)}]{{1,8}}[{re.escape(_CLOSERS)}]{{0,8}}")
WORDS = re.compile(rf"[{WIDE}]|[^\W_{WIDE}]+")
_IS_WIDE = re.compile(rf"[{WIDE}]")
BETWEEN_WIDE = re.compile(rf"(?<=[{WIDE}])(?=[{WIDE}])")
_INITIALS = re.compile(rf"(?:[^\W\d_{WIDE}]\.)*[^\W\d_{WIDE}]")
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
    """Judges a match of `PLACES` in `text`, which begins where the clause begins."""
    return _judge_space(text, start) if text[start].isspace() else _judge_marks(text, start, end)


@dataclass(frozen=True, slots=True)
class _Limits:
    words: int
    """At so many the clause ends at the next space."""
    length: int
    """In Latin letters, a wide character being three."""


_FIRST = _Limits(words=6, length=60)
_LATER = _Limits(words=1_000, length=200)
_FIRST_WORDS, _FIRST_LENGTH = 2, 6
"""A shorter first clause ("Sure,") is over before the next one is made."""
_PHRASE_WORDS = 3
"""Before the word that begins another phrase; a shorter piece has no melody."""
_PHRASE_OPENERS = frozenset(
    re.findall(
        r"\S+",
        "aber about after als although and as at até auf avec because before bei bis but by car che chez"
        " com comme con cuando dal dalla damit dans dass denn depuis desde donde dove durante durch"
        " during enquanto for from für gegen hasta if im in into mais mas mientras mit nach nas near nel"
        " nella nos ob oder ohne on onde or ou où para parce pela pelo pendant perché pero por porque"
        " pour quand quando que qui sans según seit sem senza sin since sobre sous sul sulla sur than"
        " through to toward tra und under unter until vers vom von vor weil wenn when where which while"
        " who with without während zu zum zur",
    )
)
"""Prepositions, conjunctions and relatives: between them and the word before, people take breath."""
_ARTICLES = frozenset(
    re.findall(
        r"\S+",
        "a an the my your his her its our their der die das dem den ein eine einen el la los las un una"
        " le les une il lo gli uno o os as um uma",
    )
)
"""Nobody pauses behind them."""
_LONGEST = 600
"""What has no place to be cut (an endless word) is cut here all the same: memory stays bounded."""
_BITE = 1_000
"""A long text is taken in bites of this, so that the time for it grows as its length does."""


class ClauseSplitter:
    """Deltas of an answer in, clauses out.

    A clause keeps one space (or newline) before it where the answer had any, so that
    `"".join(clauses)` reads as the answer does, in scripts with and without spaces.
    """

    def __init__(self) -> None:
        self._text = ""
        """Not yet given out; the next clause starts at 0."""
        self._is_first = True
        self._rewind()

    def feed(self, text: str) -> list[str]:
        """The clauses that `text` completes."""
        clauses: list[str] = []
        for start in range(0, len(text), _BITE):
            self._text += text[start : start + _BITE]
            clauses += self._clauses(is_final=False)
        return clauses

    def flush(self) -> list[str]:
        """The answer is over: the rest of it. What is fed afterwards is a new answer."""
        clauses = list(self._clauses(is_final=True))
        if rest := self._text.rstrip():
            clauses.append(rest)
        self._text, self._is_first = "", True
        self._rewind()
        return clauses

    def _rewind(self) -> None:
        self._at = 0
        """Every place before it is judged; length and words are counted up to it."""
        self._length = self._words = 0
        self._soft = self._space = self._settled = 0
        """The last such place that would do, 0 for none."""

    def _clauses(self, is_final: bool) -> Iterator[str]:
        self._tighten()
        while (cut := self._cut(is_final)) is not None:
            yield self._text[:cut].rstrip()
            self._text, self._is_first = self._text[cut:], False
            self._rewind()
            self._tighten()

    def _tighten(self) -> None:
        """Leave of leading space what means something: nothing at first, one newline or space later."""
        body = self._text.lstrip()
        lead = self._text[: len(self._text) - len(body)]
        if lead and (self._is_first or len(lead) > 1):
            kept = "" if self._is_first else "\n" if "\n" in lead else " "
            self._text = kept + body
            self._rewind()

    def _cut(self, is_final: bool) -> int | None:
        """Where the first pending clause ends; None while that is not known."""
        for match in PLACES.finditer(self._text, self._at):
            start, end = match.span()
            if (forced := self._overflow(start, is_final)) is not None:
                return forced
            is_space = self._text[start].isspace()
            if not is_space and end == len(self._text) and not is_final:
                return None
            place = judge(self._text, start, end)
            if place is Place.UNKNOWN:
                return None
            self._words += len(WORDS.findall(self._text, self._at, start))
            self._length += spoken_length(self._text[self._at : end])
            self._at = end
            if place is Place.SPACE and self._is_first:
                if self._begins_phrase(start):
                    return self._space
                if self._words >= _FIRST.words:
                    return self._settled or start
            if self._ends(place, start if is_space else end):
                return start if is_space else end
        return self._overflow(len(self._text), is_final)

    def _ends(self, place: Place, cut: int) -> bool:
        limits = _FIRST if self._is_first else _LATER
        if not self._words or place is Place.NEVER:
            return False
        if place is Place.SPACE:
            self._space = cut
            return self._length > limits.length
        if place is Place.SOFT and not self._is_first:
            self._soft = cut if self._length * 3 > limits.length else self._soft
            return False
        is_short = self._words < _FIRST_WORDS or self._length < _FIRST_LENGTH
        return place is Place.LINE or not (self._is_first and is_short)

    def _begins_phrase(self, cut: int) -> bool:
        """Whether the word that ends at `cut` begins a phrase, and enough was said before it."""
        word = self._text[self._space : cut].strip().casefold()
        if word in _PHRASE_OPENERS:
            return self._words > _PHRASE_WORDS
        self._settled = cut if self._words >= _PHRASE_WORDS and word not in _ARTICLES else self._settled
        return False

    def _overflow(self, until: int, is_final: bool) -> int | None:
        """Where to cut when the clause, up to `until`, is too long; None when it is not or must be."""
        limit = (_FIRST if self._is_first else _LATER).length
        until = min(until, self._at + _LONGEST + 1)
        length = self._length + spoken_length(self._text[self._at : until])
        if length <= limit:
            return None
        if self._soft or self._space:
            return self._soft or self._space
        if between := BETWEEN_WIDE.search(self._text, self._reaches(limit, until), until):
            cut = between.start()
            if self._length + spoken_length(self._text[self._at : cut]) <= _LONGEST:
                return cut
        if length <= _LONGEST:
            return None
        cut = self._reaches(_LONGEST, until)
        furthest = min(cut + 32, len(self._text))
        while cut < furthest and (extends(self._text[cut]) or self._text[cut - 1] == "\u200d"):
            cut += 1
        return None if cut == len(self._text) and not is_final else cut

    def _reaches(self, length: int, until: int) -> int:
        """The first index from `_at` on, at most `until`, before which the clause is `length` long."""
        so_far, index = self._length, self._at
        while index < until and so_far < length:
            so_far += spoken_length(self._text[index])
            index += 1
        return index
