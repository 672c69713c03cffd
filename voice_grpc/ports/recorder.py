"""The port of the recorder: conversations kept as sound and events, for as long as the operator says.

A session tells it what was heard and said, with the time; nothing of that waits, and nothing comes back but
that a recording went wrong. Times are seconds since the recording began, in the time of the world: also what
is silent, and what is paused, is part of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from ..core.audio import Samples
from ..core.requests import ConverseRequest
from ..core.responses import ConverseResponse

RecordedMessage: TypeAlias = ConverseRequest | ConverseResponse


@dataclass(frozen=True, slots=True)
class SoundPiece:
    at: float
    """Seconds since the recording began, of the first sample."""
    samples: Samples
    rate_hz: int


@dataclass(frozen=True, slots=True)
class SpokenAt:
    """Where the words of a transcript lie, in seconds since the recording began."""

    start: float
    end: float


CONVERSATION_ENDED = "the conversation ended"
"""Why a recording ends, as a rule."""

OnTrouble: TypeAlias = Callable[[str], None]
"""Told once, in any thread, that a recording ends before its conversation does, and why."""


class Recording(Protocol):
    """Of one conversation. No call blocks or raises; what is too much is left out, and the recording says
    that it is not complete."""

    def hear(self, piece: SoundPiece) -> None:
        """The user's sound. Pieces come by their times, and so they do in `say`."""
        ...

    def say(self, piece: SoundPiece) -> None:
        """The assistant's sound, as it was heard."""
        ...

    def tell(self, at: float, message: RecordedMessage, spoken: SpokenAt | None = None) -> None:
        """Something happened `at`."""
        ...

    def settle(self, until: float) -> None:
        """No sound of before comes any more: it can be written."""
        ...

    def close(self, at: float, reason: str = CONVERSATION_ENDED) -> None:
        """Nothing more is told, for this `reason`. What was told is written all the same; a second time
        counts for nothing."""
        ...


class Recorder(Protocol):
    def open(self, session_id: str, owner: str, on_trouble: OnTrouble) -> Recording:
        """Begins now. `owner`: as in `SavedSession`. Does not raise: what goes wrong is told."""
        ...

    async def delete(self, session_id: str, owner: str) -> bool:
        """Erases what there is of this owner's conversation, also what is being recorded. True where there
        was something. Raises `StoreError` where it could not be erased."""
        ...
