"""The sessions' SQLite file: its schema, its SQL, and what is said when it cannot be used.

What lives here: blocking calls, all made from one thread (`store.py` sees to that). What must
not: anything asynchronous, and who may read what.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from .core.errors import ServerError
from .ports import SavedSession
from .session_rows import links_of, message_of, message_row, session_row

_VERSION = 2
"""Of the schema, in the file's `user_version`. A file of a later one is refused, never changed."""

_SCHEMA = (
    "CREATE TABLE session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at REAL NOT NULL,"
    " updated_at REAL NOT NULL, last_turn INTEGER NOT NULL, persona TEXT NOT NULL, language TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE INDEX session_newest ON session (owner, updated_at DESC)",
    "CREATE TABLE message (session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,"
    " ordinal INTEGER NOT NULL, turn INTEGER NOT NULL, role TEXT NOT NULL, heard TEXT NOT NULL,"
    " text TEXT NOT NULL, chain BLOB NOT NULL, uses TEXT NOT NULL DEFAULT '',"
    " PRIMARY KEY (session_id, ordinal)) WITHOUT ROWID",
    f"PRAGMA user_version = {_VERSION}",
)

_UPGRADES = {
    1: (
        "ALTER TABLE message ADD COLUMN uses TEXT NOT NULL DEFAULT ''",
        "PRAGMA user_version = 2",
    ),
}
"""From a version to the next."""

_COLUMNS = "id, owner, created_at, updated_at, last_turn, persona, language"
_UPSERT = (
    f"INSERT INTO session ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " owner = excluded.owner, created_at = excluded.created_at, updated_at = excluded.updated_at,"
    " last_turn = excluded.last_turn, persona = excluded.persona, language = excluded.language"
)

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class StoreError(ServerError):
    """The sessions' file cannot be used; the message names it and says what to do."""


class SessionFile:
    """WAL with synchronous=NORMAL: a commit is in the operating system's hands before it is
    acknowledged, so a killed process loses nothing. Only a power cut can take the last commits,
    and never the file's integrity; FULL would put a disk flush into every turn to prevent that.
    """

    def __init__(self, path: Path, patience: float) -> None:
        """Make the file where there is none; `patience` is how many seconds to wait for others' locks."""
        self._path = path
        with self._translating():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(path, timeout=patience, isolation_level=None)
        try:
            with self._translating():
                self._prepare()
        except StoreError:
            self._database.close()
            raise

    def load(self, session_id: str) -> SavedSession | None:
        with self._transaction("DEFERRED"):
            sql = f"SELECT {_COLUMNS} FROM session WHERE id = ?"
            row = self._database.execute(sql, (session_id,)).fetchone()
            sql = "SELECT role, text, turn, heard, uses FROM message WHERE session_id = ? ORDER BY ordinal"
            rows = self._database.execute(sql, (session_id,)).fetchall()
        if row is None:
            return None
        return SavedSession(*(*row, tuple(message_of(*values) for values in rows)))

    def save(self, session: SavedSession) -> None:
        """Writes what changed: one turn more costs its own messages, however long the talk is."""
        messages, chain = session.messages, links_of(session.messages)
        with self._transaction("IMMEDIATE"):
            self._database.execute(_UPSERT, session_row(session))
            kept = self._unchanged(session.id, chain)
            self._database.execute(
                "DELETE FROM message WHERE session_id = ? AND ordinal >= ?", (session.id, kept)
            )
            rows = (message_row(session.id, at, messages[at], chain[at]) for at in range(kept, len(chain)))
            self._database.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def newest(self, owner: str, limit: int, before: float) -> Sequence[SavedSession]:
        sql = (
            f"SELECT {_COLUMNS} FROM session WHERE owner = ? AND updated_at < ?"
            " ORDER BY updated_at DESC, id LIMIT ?"
        )
        with self._translating():
            rows = self._database.execute(sql, (owner, before, max(0, limit))).fetchall()
        return [SavedSession(*(*row, ())) for row in rows]

    def delete(self, session_id: str) -> bool:
        with self._transaction("IMMEDIATE"):
            return self._database.execute("DELETE FROM session WHERE id = ?", (session_id,)).rowcount > 0

    def close(self) -> None:
        self._database.close()

    def _prepare(self) -> None:
        self._database.execute("PRAGMA journal_mode = WAL").close()
        self._database.execute("PRAGMA synchronous = NORMAL").close()
        self._database.execute("PRAGMA foreign_keys = ON").close()
        with self._transaction("IMMEDIATE"):
            (version,) = self._database.execute("PRAGMA user_version").fetchone()
            (tables,) = self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if version > _VERSION or (tables and not version):
                whose = "a later version of this server" if version > _VERSION else "another program"
                raise StoreError(
                    f"The session store {self._path} was made by {whose} and was left as it is:"
                    " move it away or choose another file."
                )
            for statement in _SCHEMA if not version else _UPGRADES.get(version, ()):
                self._database.execute(statement)

    def _unchanged(self, session_id: str, chain: Sequence[bytes]) -> int:
        """How many of the stored messages are the first ones of `chain`, looked for from the end."""
        sql = "SELECT ordinal, chain FROM message WHERE session_id = ? ORDER BY ordinal DESC"
        with closing(self._database.execute(sql, (session_id,))) as stored:
            for ordinal, link in stored:
                if ordinal < len(chain) and chain[ordinal] == link:
                    return int(ordinal) + 1
        return 0

    @contextmanager
    def _transaction(self, kind: str) -> Iterator[None]:
        """All of the block or nothing. IMMEDIATE where it writes: waiting for a lock later can deadlock."""
        with self._translating():
            self._database.execute(f"BEGIN {kind}")
            with self._database:
                yield

    @contextmanager
    def _translating(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"The session store {self._path} cannot be opened ({error.strerror}):"
                " check the permissions of its directory or choose another file."
            ) from error
        except sqlite3.Error as error:
            raise StoreError(f"The session store {self._path} {_remedy(error)}") from error


def _remedy(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _LOCKED:
        return "is locked by another program: stop that program or choose another file."
    if code in _UNREADABLE:
        return (
            f"is damaged or not an SQLite database ({error}) and was left as it is:"
            " move it away to start afresh, or put a backup in its place."
        )
    return f"cannot be used ({error}): check its permissions and the free space on its disk."
