"""Words that the assistant said just now, and hears again: an echo that no canceller took out.

Three words or more that are, one after the other, a stretch of what was spoken in the last seconds; two,
where they are the very words of the last moments: an answer that waits for the voice over it stops before its
echo has three. Nobody hears an echo well, so that most of the words must be alike, not all the same.
"""

from collections import deque
from dataclasses import dataclass
from difflib import SequenceMatcher

from ..text.endings import words_of

RECENT_SECONDS = 12.0
"""Since words were spoken: a sentence, its way back, and the time that a transcript takes."""

JUST_NOW_SECONDS = 3.0
"""The same for two words alone, which a person repeats now and then."""

ENOUGH_WORDS, FEW_WORDS = 3, 2

ALIKE_SHARE = 0.75
"""Of the heard words that must be found, in order, in a stretch of spoken ones that is hardly longer."""

ALIKE_LETTERS = 0.7
"""Of two words of four letters or more that are taken for the same (ratio of matching letters)."""

MOST_CLAUSES = 64
"""That are kept, whatever their age: far more than anybody says in twelve seconds."""


@dataclass(slots=True)
class _Clause:
    answer: object
    segment: int
    text: str
    spoken_at: float
    """When the last of its sound left."""


class SpokenWords:
    """What was spoken in the last `RECENT_SECONDS`, clause by clause."""

    def __init__(self) -> None:
        self._clauses: deque[_Clause] = deque(maxlen=MOST_CLAUSES)

    def speak(self, answer: object, segment: int, text: str, now: float) -> None:
        """Sound of a clause leaves; `answer` and `segment` say which."""
        last = self._clauses[-1] if self._clauses else None
        if last is not None and last.answer is answer and last.segment == segment:
            last.spoken_at = now
        else:
            self._clauses.append(_Clause(answer, segment, text, now))

    def is_echo(self, text: str, now: float) -> bool:
        """Whether `text`, heard until `now`, is what was spoken."""
        recent, just_now = self._since(now - RECENT_SECONDS), self._since(now - JUST_NOW_SECONDS)
        return is_echo(text, recent) or is_repeated(text, just_now)

    def _since(self, at: float) -> str:
        return " ".join(clause.text for clause in self._clauses if clause.spoken_at >= at)


def is_echo(text: str, spoken: str) -> bool:
    """Whether three words or more of `text` are a stretch of `spoken`, as far as an echo is understood."""
    heard, said = words_of(text), words_of(spoken)
    if len(heard) < ENOUGH_WORDS:
        return False
    length = len(heard) + max(1, len(heard) // 4)
    stretches = (said[at : at + length] for at in range(max(1, len(said) - len(heard) + 1)))
    return any(_found(heard, stretch) >= ALIKE_SHARE * len(heard) for stretch in stretches)


def is_repeated(text: str, spoken: str) -> bool:
    """Whether `text` is two words, and they stand side by side in `spoken`."""
    heard, said = words_of(text), words_of(spoken)
    return len(heard) == FEW_WORDS and any(said[at : at + FEW_WORDS] == heard for at in range(len(said)))


def _found(heard: list[str], stretch: list[str]) -> int:
    """How many words of `heard` are found in `stretch`, in order: the longest common subsequence."""
    row = [0] * (len(stretch) + 1)
    for word in heard:
        before = row
        row = [0]
        for place, spoken in enumerate(stretch):
            found = before[place] + 1 if _are_alike(word, spoken) else max(before[place + 1], row[place])
            row.append(found)
    return row[-1]


def _are_alike(heard: str, spoken: str) -> bool:
    if heard == spoken:
        return True
    if min(len(heard), len(spoken)) < 4:
        return False
    return SequenceMatcher(None, heard, spoken).ratio() >= ALIKE_LETTERS
