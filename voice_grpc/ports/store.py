"""The port of the store: conversations that outlive their streams.

A file of its own: each port is one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..core.conversation import Message


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


class Store(Protocol):
    """Keeps conversations. Survives a kill at any moment with the last saved state whole."""

    async def load(self, session_id: str) -> SavedSession | None:
        """None when there is none. Raises `StoreError`, as all of these do."""
        ...

    async def save(self, session: SavedSession) -> None:
        """Replaces what was kept under the same id."""
        ...

    async def sessions(
        self, owner: str, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        """At most `limit`, without their messages: the last updated first, of one time by id.

        `after` is (`updated_at`, `id`) of the one that the list before ended with; None: from the start.
        """
        ...

    async def delete(self, session_id: str) -> bool:
        """True when there was one."""
        ...

    async def close(self) -> None: ...
