"""What is under way in a conversation when it is saved, so that another server can go on with it.

Of an answer: its words with their places in its sound, also those that nobody heard yet. How far the ear got
is what the caller says who comes back, else what the server before knew.
"""

from dataclasses import dataclass, field

from .consumption import Consumed
from .events import TextReceived
from .playout.heard_text import SpokenClause
from .playout.spoken_answer import SpokenAnswer
from .requests import ComeBack


@dataclass(frozen=True, slots=True)
class EarPosition:
    """How much of an answer was heard."""

    played: int
    """Samples at the output rate."""
    is_reported: bool
    """The caller says so."""


@dataclass(frozen=True, slots=True)
class UnfinishedAnswer:
    turn: int
    clauses: tuple[SpokenClause, ...]
    """All that were written."""
    shown: int
    """Clauses that were let out."""
    rate_hz: int
    """Of its sound."""
    played: int
    """Samples that were heard."""
    is_reported: bool = False
    """By the caller's report."""
    is_written: bool = False
    """The model had nothing more to say."""
    is_over: bool = False
    """It was heard to its end, as far as the server knows."""
    text_only: bool = False
    interruptible: bool = True

    @property
    def text(self) -> str:
        """All that was written."""
        return self._spoken.unheard("")

    def heard(self, played: int) -> str:
        """The words in `played` samples; of an answer in text alone all that was let out.

        Whoever heard more than was let out when this was kept heard what was made of it by then.
        """
        if self.text_only:
            return self._spoken.text
        made = max((place for place, clause in enumerate(self.clauses, 1) if clause.length), default=0)
        return SpokenAnswer.of(self.clauses, max(self.shown, made), self.rate_hz).heard(played)

    def rest(self, heard: str) -> str:
        """What was written behind the words that were `heard`."""
        return self._spoken.unheard(heard)

    @property
    def _spoken(self) -> SpokenAnswer:
        return SpokenAnswer.of(self.clauses, self.shown, self.rate_hz)


def ear_of(turn: int, known: EarPosition, come_back: ComeBack) -> EarPosition:
    """How much was heard of the answer of `turn`, of which `known` is what the server knows."""
    if come_back.turn == turn and come_back.played is not None:
        return EarPosition(come_back.played, is_reported=True)
    if 0 < come_back.turn < turn or (not come_back.turn and come_back.played is not None):
        return EarPosition(0, is_reported=True)
    return known


@dataclass(frozen=True, slots=True)
class UnderWay:
    turn: int
    """The last turn of the conversation then: of a conversation that has had another since, nothing of this
    counts."""
    consumed: Consumed = field(default_factory=Consumed)
    carried: str = ""
    """Words of the user that wait for the next turn's message."""
    waiting: tuple[TextReceived, ...] = ()
    """Texts that wait for the end of the answer."""
    answer: UnfinishedAnswer | None = None
    """The last one; None: there is none, or it was cut."""
    is_recording_withdrawn: bool = False
    """The caller allowed that it is recorded, and does so no more."""
