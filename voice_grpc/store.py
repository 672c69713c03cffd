"""Where conversations are kept: in memory, or in one SQLite file that survives a kill.

What lives here: the two stores behind `ports.Store`. What must not: who may read a session
(`service.py`), and when one is saved (`session/`).

All SQL runs in one thread that the store owns, so a slow disk never holds up the event loop.
That thread's queue is bounded by its callers: a session awaits its save before it asks for another.
"""

import asyncio
import hashlib
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar

from .core.conversation import Heard, Message, Role
from .core.errors import ServerError
from .ports import SavedSession

_P = ParamSpec("_P")
_T = TypeVar("_T")

_VERSION = 1
"""Of the schema, in the file's `user_version`. A file of a later one is refused, never changed."""

_SCHEMA = (
    "CREATE TABLE session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at REAL NOT NULL,"
    " updated_at REAL NOT NULL, last_turn INTEGER NOT NULL, persona TEXT NOT NULL, language TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE INDEX session_newest ON session (owner, updated_at DESC)",
    "CREATE TABLE message (session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,"
    " ordinal INTEGER NOT NULL, turn INTEGER NOT NULL, role TEXT NOT NULL, heard TEXT NOT NULL,"
    " text TEXT NOT NULL, chain BLOB NOT NULL, PRIMARY KEY (session_id, ordinal)) WITHOUT ROWID",
    f"PRAGMA user_version = {_VERSION}",
)

_SESSION = "id, owner, created_at, updated_at, last_turn, persona, language"
_UPSERT = (
    f"INSERT INTO session ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " owner = excluded.owner, created_at = excluded.created_at, updated_at = excluded.updated_at,"
    " last_turn = excluded.last_turn, persona = excluded.persona, language = excluded.language"
)

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StoreError(ServerError):
    """The sessions' file cannot be used; the message names it and says what to do."""


class MemoryStore:
    """Forgets everything at the end of the process, and the longest unsaved session when it is full."""

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
        found = (s for s in self._sessions.values() if s.owner == owner and s.updated_at < end)
        newest = sorted(found, key=lambda session: (-session.updated_at, session.id))
        return [replace(session, messages=()) for session in islice(newest, max(0, limit))]

    async def delete(self, session_id: str) -> bool:
        return self._sessions.pop(session_id, None) is not None

    async def close(self) -> None:
        self._sessions.clear()


def default_path() -> Path:
    """In the user's state directory (XDG base directory specification: a relative one is ignored)."""
    state = Path(os.environ.get("XDG_STATE_HOME") or "")
    state = state if state.is_absolute() else Path.home() / ".local" / "state"
    return state / "voice-grpc" / "sessions.db"


class SqliteStore:
    """One file; several processes may share it, and of two that save one session the later save stays.

    WAL with synchronous=NORMAL: a commit is in the operating system's hands before it is
    acknowledged, so a killed process loses nothing. Only a power cut can lose the last commits,
    never the file's integrity; FULL would put a disk flush into every turn to prevent that.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._database: sqlite3.Connection | None = None
        """Used in that thread alone."""

    @classmethod
    async def open(cls, path: Path | None = None, patience: float = 2.0) -> "SqliteStore":
        """Make the file where there is none. `patience`: seconds to wait for another program's lock.

        Raises `StoreError`; a file that cannot be read is left as it is.
        """
        store = cls(path or default_path())
        try:
            await store._run(store._connect, patience)
        except BaseException:
            store._thread.shutdown(wait=False)
            raise
        return store

    async def load(self, session_id: str) -> SavedSession | None:
        return await self._run(self._load, session_id)

    async def save(self, session: SavedSession) -> None:
        """Writes only what changed: a turn more costs its own messages, however long the talk is."""
        await self._run(self._save, session)

    async def sessions(self, owner: str, limit: int, before: float | None) -> Sequence[SavedSession]:
        return await self._run(self._newest, owner, limit, float("inf") if before is None else before)

    async def delete(self, session_id: str) -> bool:
        return await self._run(self._delete, session_id)

    async def close(self) -> None:
        if self._database is not None:
            await self._run(self._database.close)
            self._database = None
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        def translated() -> _T:
            with _translating(self._path):
                return work(*args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, translated)
