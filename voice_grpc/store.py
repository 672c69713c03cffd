"""Where conversations are kept: in memory, or in one SQLite file that survives a kill.

What lives here: the two stores behind `ports.Store`. What must not: SQL (`session_file.py`), who
may read a session (`service.py`), when one is saved (`session/`).
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TypeVar

from .ports import SavedSession
from .session_file import SessionFile, StoreError

__all__ = ["MemoryStore", "SqliteStore", "StoreError", "default_path"]

_T = TypeVar("_T")


def default_path() -> Path:
    """In the user's state directory (XDG base directory specification: a relative one is ignored)."""
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    state = state if state.is_absolute() else Path.home() / ".local" / "state"
    return state / "voice-grpc" / "sessions.db"


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

    async def sessions(self, owner: str, limit: int, before: float | None) -> Sequence[SavedSession]:
        end = float("inf") if before is None else before
        found = (
            saved for saved in self._sessions.values() if saved.owner == owner and saved.updated_at < end
        )
        newest = sorted(found, key=lambda saved: (-saved.updated_at, saved.id))
        return [replace(saved, messages=()) for saved in islice(newest, max(0, limit))]

    async def delete(self, session_id: str) -> bool:
        return self._sessions.pop(session_id, None) is not None

    async def close(self) -> None:
        self._sessions.clear()


class SqliteStore:
    """One file; several processes may share it, and of two that save one session the later save stays.

    All SQL runs in one thread that the store owns, so a slow disk holds up nobody's sound. Its
    queue is bounded by the callers: a session awaits its save before it asks for another.
    Every call raises `StoreError` where the file cannot be used. A cancelled save is made or not,
    never by half.
    """

    def __init__(self, file: SessionFile, thread: ThreadPoolExecutor) -> None:
        """`file` was opened in `thread`; see `open`."""
        self._file = file
        self._thread = thread
        self._is_open = True

    @classmethod
    async def open(cls, path: Path | None = None, patience: float = 2.0) -> "SqliteStore":
        """Make the file where there is none. `patience`: seconds to wait for another program's lock.

        Raises `StoreError`; a file that cannot be read is left as it is.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            loop = asyncio.get_running_loop()
            file = await loop.run_in_executor(thread, SessionFile, path or default_path(), patience)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(file, thread)

    async def load(self, session_id: str) -> SavedSession | None:
        return await self._run(lambda: self._file.load(session_id))

    async def save(self, session: SavedSession) -> None:
        await self._run(lambda: self._file.save(session))

    async def sessions(self, owner: str, limit: int, before: float | None) -> Sequence[SavedSession]:
        end = float("inf") if before is None else before
        return await self._run(lambda: self._file.newest(owner, limit, end))

    async def delete(self, session_id: str) -> bool:
        return await self._run(lambda: self._file.delete(session_id))

    async def close(self) -> None:
        """What was asked before is finished first. Twice is once."""
        if self._is_open:
            closing = self._run(self._file.close)
            self._is_open = False
            await closing
            self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[], _T]) -> "asyncio.Future[_T]":
        if not self._is_open:
            raise StoreError("The session store is closed: open it again to use it.")
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
