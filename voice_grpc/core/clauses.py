"""Where an answer is cut for the voice, while it is still being written.

What lives here: how long a clause may be, and the splitter. What must not: which places may end
one (`clause_ends.py`), what it sounds like (`spoken.py`), how much of it was heard (`heard.py`).

The first clause decides when the user hears something, so it ends at the first comma; later
ones are whole sentences, because a voice that knows the sentence has the better melody.
A place is judged by what came before and the next character or two, and waits for those:
the clauses are the same however the text was chopped up on its way here.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from .clause_ends import BETWEEN_WIDE, PLACES, WORDS, Place, extends, judge, spoken_length


@dataclass(frozen=True, slots=True)
class _Limits:
    words: int
    """At so many the clause ends at the next space."""
    length: int
    """In Latin letters, a wide character being three."""


_FIRST = _Limits(words=10, length=60)
_LATER = _Limits(words=1_000, length=200)
_FIRST_WORDS, _FIRST_LENGTH = 2, 6
"""A shorter first clause ("Sure,") is over before the next one is made."""
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
        self._soft = self._space = 0
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
            if self._ends(place, start if is_space else end):
                return start if is_space else end
        return self._overflow(len(self._text), is_final)

    def _ends(self, place: Place, cut: int) -> bool:
        limits = _FIRST if self._is_first else _LATER
        if not self._words or place is Place.NEVER:
            return False
        if place is Place.SPACE:
            self._space = cut
            return self._words >= limits.words or self._length > limits.length
        if place is Place.SOFT and not self._is_first:
            self._soft = cut if self._length * 3 > limits.length else self._soft
            return False
        is_short = self._words < _FIRST_WORDS or self._length < _FIRST_LENGTH
        return place is Place.LINE or not (self._is_first and is_short)

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
