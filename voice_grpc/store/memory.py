"""The store of a process: bounded, and gone with it.

It is what a server without a disk runs on, and the store that tests take for any.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count, islice

from ..core.errors import Superseded
from ..ports import Lease, SavedSession
from .bounded import put_last
from .retention import FOR_EVER, Retention


class MemoryStore:
    """Forgets everything with the process, and the session saved longest ago when it is full."""

    is_shared = False

    def __init__(self, capacity: int = 10_000, retention: Retention = FOR_EVER) -> None:
        self._sessions: dict[str, SavedSession] = {}
        """The most recently saved last."""
        self._leases: dict[str, tuple[int, str | None]] = {}
        """Epoch and owner, the most recently used last; of one that was deleted the owner is None."""
        self._epochs = count(1)
        self._capacity, self._retention = capacity, retention

    async def load(self, session_id: str) -> SavedSession | None:
        self._forget_old()
        return self._sessions.get(session_id)

    async def take(self, session_id: str, owner: str) -> Lease | None:
        self._forget_old()
        saved = self._sessions.get(session_id)
        before, whose = self._leases.get(session_id, (0, saved and saved.owner))
        if whose not in (None, owner):
            return None
        epoch = max(next(self._epochs), before + 1)
        self._lend(session_id, epoch, owner)
        return Lease(epoch, saved)

    async def epoch(self, session_id: str) -> int:
        return self._leases.get(session_id, (0, ""))[0]

    async def save(self, session: SavedSession, epoch: int) -> None:
        self._forget_old()
        counts, _ = self._leases.get(session.id, (epoch, None))
        if counts != epoch:
            raise Superseded("superseded")
        self._lend(session.id, epoch, session.owner)
        put_last(self._sessions, session.id, session, self._capacity)

    async def sessions(
        self, owner: str | None, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        self._forget_old()
        updated_at, id = after or (float("inf"), "")
        found = (
            saved
            for saved in self._sessions.values()
            if owner in (None, saved.owner) and (-saved.updated_at, saved.id) > (-updated_at, id)
        )
        newest = sorted(found, key=lambda saved: (-saved.updated_at, saved.id))
        return [replace(saved, messages=(), unfinished=None) for saved in islice(newest, max(0, limit))]

    async def delete(self, session_id: str) -> bool:
        if session_id in self._leases:
            self._lend(session_id, self._leases[session_id][0] + 1, None)
        return self._sessions.pop(session_id, None) is not None

    async def close(self) -> None:
        self._sessions.clear()

    def _lend(self, session_id: str, epoch: int, owner: str | None) -> None:
        """Twice as many are kept as sessions: those of deleted ones, and of new ones, are among them."""
        put_last(self._leases, session_id, (epoch, owner), 2 * self._capacity)

    def _forget_old(self) -> None:
        """They were saved in the order of their times."""
        oldest = self._retention.oldest()
        while self._sessions:
            saved = next(iter(self._sessions.values()))
            if saved.updated_at >= oldest:
                return
            del self._sessions[saved.id]
            self._leases.pop(saved.id, None)
