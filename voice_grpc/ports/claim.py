"""For whom an engine is to work, and how urgent it is: every call of an engine says so.

An engine that computes on this machine takes its work by it (`engines/fair_queue.py`); one that computes
elsewhere has no use for it. It changes no answer, only when one comes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum


class Urgency(IntEnum):
    """Who waits for the work; the most urgent first."""

    COMMITTED = 0
    """A user who has finished, for the answer."""
    FINAL = 1
    """A user who falls silent, for the transcript, and for whether the turn is over."""
    PREPARED = 2
    """Nobody yet: an interim, an answer that was not let out, or one that is far ahead of the ear."""
    PART = 3
    """A program: Transcribe and Synthesize."""


@dataclass(frozen=True, slots=True, eq=False)
class Claim:
    """Of one piece of work on an engine. How urgent it is may change while it waits or runs, and is asked in
    whichever thread needs to know."""

    caller: str
    """The owner of the token, or the address; empty: nobody in particular."""
    ask: Callable[[], Urgency]

    @classmethod
    def of(cls, caller: str, urgency: Urgency) -> "Claim":
        """One that stays as urgent as it is."""
        return cls(caller, lambda: urgency)

    @property
    def urgency(self) -> Urgency:
        return self.ask()


NOBODY = Claim.of("", Urgency.COMMITTED)
"""Of work at start, and of tools that have the engines to themselves."""
