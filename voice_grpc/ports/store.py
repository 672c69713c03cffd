"""The port of the store: conversations that outlive their streams, and who holds each of them.

Whoever opens a conversation takes it, which raises its epoch: a number that the store counts, and that every
write is made with. A write with an earlier epoch than the last is refused, so that of two servers that think
they hold a conversation only the later one writes, however slow the other is (a fencing token: Kleppmann,
Designing Data-Intensive Applications, chapter 8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.conversation import Message
from ..core.unfinished import UnderWay


@dataclass(frozen=True, slots=True)
class SavedSession:
    id: str
    owner: str
    """Who may read it; empty where the server asks for no credentials."""
    created_at: float
    """When it began, in Unix seconds."""
    updated_at: float
    """When it was saved last, in Unix seconds."""
    last_turn: int
    persona: str
    language: str
    messages: tuple[Message, ...]
    unfinished: UnderWay | None = None
    """With what another server goes on, as long as there was no other turn; None: with the messages alone, as
    of one that ended, or that an earlier version saved."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Of a conversation, for whoever took it last."""

    epoch: int
    """Positive, and higher than any before it."""
    saved: SavedSession | None
    """As it stood when it was taken; None: it is new."""


class Store(Protocol):
    """Keeps conversations. Survives a kill at any moment with the last saved state whole.

    Every call raises `StoreError` where the store cannot be used, and does so within some 2 s. Conversations
    that nobody saved for as long as the operator says are gone.
    """

    @property
    def is_shared(self) -> bool:
        """Whether another process may take a conversation that this one holds."""
        ...

    async def load(self, session_id: str) -> SavedSession | None:
        """None when there is none."""
        ...

    async def take(self, session_id: str, owner: str) -> Lease | None:
        """From now on nobody writes it but with the epoch of this lease.

        None, and nothing has changed, where it is somebody else's: it belongs to who took it first.
        """
        ...

    async def epoch(self, session_id: str) -> int:
        """Of the lease that counts now; 0: the store knows of none."""
        ...

    async def save(self, session: SavedSession, epoch: int) -> None:
        """Replaces what was kept under the same id. Those of one epoch come with times that rise.

        Raises `Superseded`, and nothing has changed, where another epoch counts. Where none does, for the
        store lost what it had, this one counts from now on.
        """
        ...

    async def sessions(
        self, owner: str | None, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        """At most `limit`, without their messages and what is unfinished: the last updated first, of one time
        by id. `owner`: whose; None: everybody's.

        `after` is (`updated_at`, `id`) of the one that the list before ended with; None: from the start.
        """
        ...

    async def delete(self, session_id: str) -> bool:
        """True when there was one. Whoever held it holds it no more, and the id is anybody's."""
        ...

    async def close(self) -> None: ...
