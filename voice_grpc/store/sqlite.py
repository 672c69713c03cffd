"""The store of a server that outlives its process: conversations in one SQLite file that survives a kill.

From the inside out: a session and its messages as rows, and back; `SessionFile`, which is all of the SQL,
blocking, and what is said when the file cannot be used; `SqliteStore`, which calls it in a thread of its own.
Who may read a session is `rpc/sessions.py`'s to say, and when one is saved `session/memory.py`'s.
"""

import asyncio
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from ..core.conversation import Heard, Message, Role
from ..core.errors import StoreError
from ..core.tools import ToolUse
from ..ports import SavedSession

T = TypeVar("T")

# ---------------------------------------------------------------- rows


def session_row(session: SavedSession) -> tuple[str | float, ...]:
    times = (session.created_at, session.updated_at)
    return (session.id, session.owner, *times, session.last_turn, session.persona, session.language)


def message_of(role: str, text: str, turn: int, heard: str, uses: str, is_prompted: int) -> Message:
    used = tuple(ToolUse(**use) for use in json.loads(uses)) if uses else ()
    return Message(Role(role), text, turn, Heard(heard), used, bool(is_prompted))


def _uses(message: Message) -> str:
    return json.dumps([asdict(use) for use in message.uses]) if message.uses else ""


def links_of(messages: Sequence[Message]) -> list[bytes]:
    """A hash for each message and all before it: equal links mean equal messages up to there."""
    links, link = [], b""
    for message in messages:
        kind = f"{message.turn} {message.role.value} {message.heard.value} {message.is_prompted} ".encode()
        content = _utf8(message.text) + _uses(message).encode()
        link = hashlib.blake2b(link + kind + content, digest_size=16).digest()
        links.append(link)
    return links


def message_row(
    session_id: str, ordinal: int, message: Message, link: bytes
) -> tuple[str | int | bytes, ...]:
    kind = (message.role.value, message.heard.value)
    text, is_prompted = _utf8(message.text).decode(), int(message.is_prompted)
    return (session_id, ordinal, message.turn, *kind, text, link, _uses(message), is_prompted)


def _utf8(text: str) -> bytes:
    """A lone surrogate, half of a character, cannot be stored and becomes a question mark."""
    return text.encode("utf-8", "replace")


# ---------------------------------------------------------------- the file

_VERSION = 4
"""The schema's version, in the file's `user_version`. A file of a later one is refused, never changed."""

_SCHEMA = (
    "CREATE TABLE session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at REAL NOT NULL,"
    " updated_at REAL NOT NULL, last_turn INTEGER NOT NULL, persona TEXT NOT NULL, language TEXT NOT NULL)"
    " WITHOUT ROWID",
    "CREATE INDEX session_newest ON session (owner, updated_at DESC)",
    "CREATE TABLE message (session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,"
    " ordinal INTEGER NOT NULL, turn INTEGER NOT NULL, role TEXT NOT NULL, heard TEXT NOT NULL,"
    " text TEXT NOT NULL, chain BLOB NOT NULL, uses TEXT NOT NULL DEFAULT '',"
    " is_prompted INTEGER NOT NULL DEFAULT 1,"
    " PRIMARY KEY (session_id, ordinal)) WITHOUT ROWID",
)

_UPGRADES: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE message ADD COLUMN uses TEXT NOT NULL DEFAULT ''",),
    2: (),
    3: ("ALTER TABLE message ADD COLUMN is_prompted INTEGER NOT NULL DEFAULT 1",),
}
"""The statements that take a file from a version to the next one. One is there for each but the last.
Version 3 has the role `server`, which an earlier reader does not know."""

_COLUMNS = "id, owner, created_at, updated_at, last_turn, persona, language"
_UPSERT = (
    f"INSERT INTO session ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
    " owner = excluded.owner, created_at = excluded.created_at, updated_at = excluded.updated_at,"
    " last_turn = excluded.last_turn, persona = excluded.persona, language = excluded.language"
)

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class SessionFile:
    """WAL with synchronous=NORMAL: a commit is in the operating system's hands before it is
    acknowledged, so a killed process loses nothing. Only a power cut can take the last commits,
    and never the file's integrity; FULL would put a disk flush into every turn to prevent that.
    """

    def __init__(self, path: Path, lock_timeout: float) -> None:
        """Make the file where there is none; `lock_timeout` is how many seconds to wait for others' locks."""
        self._path = path
        with self._translating():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(path, timeout=lock_timeout, isolation_level=None)
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
            sql = (
                "SELECT role, text, turn, heard, uses, is_prompted FROM message"
                " WHERE session_id = ? ORDER BY ordinal"
            )
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
            self._database.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def newest(self, owner: str, limit: int, after: tuple[float, str]) -> Sequence[SavedSession]:
        """See `ports.Store.sessions`."""
        sql = (
            f"SELECT {_COLUMNS} FROM session WHERE owner = ? AND updated_at <= ?"
            " AND (updated_at < ? OR id > ?) ORDER BY updated_at DESC, id LIMIT ?"
        )
        updated_at, id = after
        with self._translating():
            rows = self._database.execute(sql, (owner, updated_at, updated_at, id, max(0, limit))).fetchall()
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
                    " move it away, or set VOICE_STORE to another file."
                )
            steps = [_UPGRADES[step] for step in range(version, _VERSION)] if version else [_SCHEMA]
            for statement in (statement for step in steps for statement in step):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")

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
                " check the permissions of its directory, or set VOICE_STORE to another file, or to `memory`."
            ) from error
        except sqlite3.Error as error:
            raise StoreError(f"The session store {self._path} {_remedy(error)}") from error


def _remedy(error: sqlite3.Error) -> str:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _LOCKED:
        return "is locked by another program: stop that program, or set VOICE_STORE to another file."
    if code in _UNREADABLE:
        return (
            f"is damaged or not an SQLite database ({error}) and was left as it is:"
            " move it away to start afresh, or put a backup in its place."
        )
    return (
        f"cannot be used ({error}): check its permissions and the free space on its disk,"
        " or set VOICE_STORE to another file."
    )


# ---------------------------------------------------------------- the store


def default_path() -> Path:
    """In the user's state directory (XDG base directory specification: a relative one is ignored).

    Raises `StoreError` where there is no home directory.
    """
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        state = state if state.is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        text = (
            "There is no home directory to keep conversations in: set VOICE_STORE to a file, or to `memory`."
        )
        raise StoreError(text) from None
    return state / "voice-grpc" / "sessions.db"


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
    async def open(cls, path: Path | None = None, lock_timeout: float = 2.0) -> "SqliteStore":
        """Make the file where there is none. `lock_timeout`: seconds to wait for another program's lock.

        Raises `StoreError`; a file that cannot be read is left as it is.
        """
        thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            loop = asyncio.get_running_loop()
            file = await loop.run_in_executor(thread, SessionFile, path or default_path(), lock_timeout)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(file, thread)

    async def load(self, session_id: str) -> SavedSession | None:
        return await self._run(lambda: self._file.load(session_id))

    async def save(self, session: SavedSession) -> None:
        await self._run(lambda: self._file.save(session))

    async def sessions(
        self, owner: str, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        return await self._run(lambda: self._file.newest(owner, limit, after or (float("inf"), "")))

    async def delete(self, session_id: str) -> bool:
        return await self._run(lambda: self._file.delete(session_id))

    async def close(self) -> None:
        """What was asked before is finished first. Twice is once."""
        if self._is_open:
            closing = self._run(self._file.close)
            self._is_open = False
            await closing
            self._thread.shutdown(wait=False)

    def _run(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        if not self._is_open:
            raise StoreError("The session store is closed: open it again to use it.")
        return asyncio.get_running_loop().run_in_executor(self._thread, work)
