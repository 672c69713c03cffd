"""The clauses of one answer: where in its sound each lies, which of them were let out, and what was heard
of them.

Pure bookkeeping, in the order in which an answer is made: a clause is written, its sound is made, it is let
out.
"""

from collections.abc import Sequence
from dataclasses import replace

from ..audio import Samples
from .heard_text import SpokenClause, heard_text, word_start


class SpokenAnswer:
    def __init__(self, rate_hz: int) -> None:
        """`rate_hz`: of its sound, in which all samples are counted."""
        self._rate_hz = rate_hz
        self._clauses: list[SpokenClause] = []
        self.shown = 0
        """Clauses that were let out."""
        self._made = 0
        """Samples of all clauses."""
        self._answer_clauses: int | None = None
        """Those before the server's apology; None: there is none."""

    @classmethod
    def of(cls, clauses: Sequence[SpokenClause], shown: int, rate_hz: int) -> "SpokenAnswer":
        """One that was made elsewhere, as far as it was."""
        answer = cls(rate_hz)
        answer._clauses, answer.shown = list(clauses), shown
        answer._made = sum(clause.length for clause in clauses)
        return answer

    # ------------------------------------------------------------ made

    def add(self, text: str) -> int:
        """Returns the index of the clause."""
        self._clauses.append(SpokenClause(len(self._clauses), text, self._made, 0))
        return len(self._clauses) - 1

    @property
    def count(self) -> int:
        return len(self._clauses)

    def extend(self, index: int, samples: Samples) -> None:
        """So much more sound of a clause was made; those before it have all of theirs."""
        for before, clause in enumerate(self._clauses[:index]):
            if not clause.is_whole:
                self._clauses[before] = replace(clause, is_whole=True)
        clause = self._clauses[index]
        start = clause.start if clause.length else self._made
        extended = clause.extended(samples, self._rate_hz)
        self._clauses[index] = replace(extended, start=start, is_whole=False)
        self._made += len(samples)

    def end(self) -> None:
        """All the sound was made."""
        if self._clauses:
            self._clauses[-1] = replace(self._clauses[-1], is_whole=True)

    def begin_apology(self) -> None:
        """The next clause, and what follows it, is said by the server itself. What the voice did not get to
        is no part of the answer."""
        while len(self._clauses) > self.shown and not self._clauses[-1].length:
            self._clauses.pop()
        self._answer_clauses = len(self._clauses)

    @property
    def clauses(self) -> tuple[SpokenClause, ...]:
        """Those of the answer itself, without an apology."""
        return tuple(self._clauses[: self._answer_clauses])

    # ------------------------------------------------------------ let out

    def text_of(self, index: int) -> str:
        return self._clauses[index].text

    @property
    def text(self) -> str:
        """All that was let out."""
        return "".join(clause.text for clause in self._clauses[: self.shown]).strip()

    # ------------------------------------------------------------ heard

    def heard(self, played: int) -> str:
        """The words that were heard of what was let out, once `played` samples were played."""
        return heard_text(self._clauses[: self.shown], played, self._rate_hz)

    def word_start(self, played: int) -> int:
        """The sample at which the word begins that is heard after `played`."""
        return word_start(self._clauses[: self.shown], played, self._rate_hz)

    def by_speaker(self, heard: str) -> tuple[str, str]:
        """What was heard, as the model's words and the server's apology."""
        if self._answer_clauses is None:
            return heard, ""
        answer = "".join(clause.text for clause in self._clauses[: self._answer_clauses])
        apology = " ".join(heard.split()[len(answer.split()) :])
        return heard.removesuffix(apology).rstrip(), apology

    def unheard(self, heard: str) -> str:
        """What was written of the answer behind the words that were `heard`; let out or not."""
        answer = "".join(clause.text for clause in self._clauses[: self._answer_clauses])
        whole = " ".join(answer.split())
        return whole.removeprefix(heard).strip() if whole.startswith(heard) else ""
