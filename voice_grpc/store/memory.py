"""The store of a process: bounded, and gone with it.

A file of its own: it is what a server without a disk runs on, and the store that tests take for any.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from ..ports import SavedSession


class MemoryStore:
    """Forgets everything with the process, and the session saved longest ago when it is full."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._sessions: dict[str, SavedSession] = {}
        """The most recently saved last."""
        self._capacity = capacity

    async def load(self, session_id: str) -> SavedSession | None:
        return self._sessions.get(session_id)

    async def save(self, session: SavedSession) -> None:
        self._sessions.pop(session.id, None)
        self._sessions[session.id] = session
        if len(self._sessions) > self._capacity:
            del self._sessions[next(iter(self._sessions))]

    async def sessions(
        self, owner: str, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        updated_at, id = after or (float("inf"), "")
        found = (
            saved
            for saved in self._sessions.values()
            if saved.owner == owner and (-saved.updated_at, saved.id) > (-updated_at, id)
        )
        newest = sorted(found, key=lambda saved: (-saved.updated_at, saved.id))
        return [replace(saved, messages=()) for saved in islice(newest, max(0, limit))]

    async def delete(self, session_id: str) -> bool:
        return self._sessions.pop(session_id, None) is not None

    async def close(self) -> None:
        self._sessions.clear()
