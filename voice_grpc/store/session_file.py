"""Conversations in one SQLite file that survives a kill: all of the SQL, blocking, and what is said when the
file cannot be used. In what thread it is called is `sqlite.py`'s to say, and what becomes of a damaged one
`damaged_file.py`'s.

From the inside out: a session and its messages as rows, and back; and `SessionFile`.
"""

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path

from ..core.conversation import Heard, Message, Role
from ..core.errors import StoreError, Superseded
from ..core.tools import ToolUse
from ..ports import Lease, SavedSession
from .epochs import first_epoch
from .retention import UNUSED_LEASE_SECONDS, Retention
from .unfinished_format import unfinished_json, unfinished_of

# ---------------------------------------------------------------- rows


def session_row(session: SavedSession) -> tuple[str | float, ...]:
    times = (session.created_at, session.updated_at)
    kinds = (session.last_turn, session.persona, session.language)
    return (session.id, session.owner, *times, *kinds, unfinished_json(session.unfinished))


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

_VERSION = 6
"""The schema's version, in the file's `user_version`. A file of a later one is refused, never changed."""

_LEASES = (
    "CREATE TABLE lease (session_id TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT,"
    " changed_at REAL NOT NULL) WITHOUT ROWID"
)
"""A conversation has one from before it is saved for the first time, and as long as it is kept. One that was
deleted has none of its owner's for a while, by which whoever holds it knows."""

_SCHEMA = (
    "CREATE TABLE session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at REAL NOT NULL,"
    " updated_at REAL NOT NULL, last_turn INTEGER NOT NULL, persona TEXT NOT NULL, language TEXT NOT NULL,"
    " unfinished TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
    "CREATE INDEX session_newest ON session (owner, updated_at DESC)",
    "CREATE TABLE message (session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE,"
    " ordinal INTEGER NOT NULL, turn INTEGER NOT NULL, role TEXT NOT NULL, heard TEXT NOT NULL,"
    " text TEXT NOT NULL, chain BLOB NOT NULL, uses TEXT NOT NULL DEFAULT '',"
    " is_prompted INTEGER NOT NULL DEFAULT 1,"
    " PRIMARY KEY (session_id, ordinal)) WITHOUT ROWID",
    _LEASES,
)

_UPGRADES: dict[int, tuple[str, ...]] = {
    1: ("ALTER TABLE message ADD COLUMN uses TEXT NOT NULL DEFAULT ''",),
    2: (),
    3: ("ALTER TABLE message ADD COLUMN is_prompted INTEGER NOT NULL DEFAULT 1",),
    4: (_LEASES,),
    5: ("ALTER TABLE session ADD COLUMN unfinished TEXT NOT NULL DEFAULT ''",),
}
"""The statements that take a file from a version to the next one. One is there for each but the last.
Version 3 has the role `server`, which an earlier reader does not know."""

_COLUMNS = "id, owner, created_at, updated_at, last_turn, persona, language"
_UPSERT = (
    f"INSERT INTO session ({_COLUMNS}, unfinished) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, created_at = excluded.created_at,"
    " updated_at = excluded.updated_at,"
    " last_turn = excluded.last_turn, persona = excluded.persona, language = excluded.language,"
    " unfinished = excluded.unfinished"
)
"""`unfinished` is JSON as of `unfinished_format.py`."""

_LEND = "INSERT OR REPLACE INTO lease VALUES (?, ?, ?, ?)"

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNREADABLE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

LOCK_STEP = 0.01
"""Seconds between two tries where SQLite does not wait itself."""


class DamagedFile(StoreError):
    """What is in the file cannot be read, or not all of it."""


class SessionFile:
    """WAL with synchronous=NORMAL: a commit is in the operating system's hands before it is
    acknowledged, so a killed process loses nothing. Only a power cut can take the last commits,
    and never the file's integrity; FULL would put a disk flush into every turn to prevent that.
    """

    def __init__(self, path: Path, lock_timeout: float, retention: Retention) -> None:
        """Make the file where there is none; `lock_timeout` is how many seconds to wait for others' locks.

        Raises `StoreError`; `DamagedFile` for one that cannot be read, which is left as it is.
        """
        self.path, self._retention = path, retention
        with self._translating():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._database = sqlite3.connect(path, timeout=lock_timeout, isolation_level=None)
        try:
            with self._translating():
                self._prepare(lock_timeout)
        except StoreError:
            self._database.close()
            raise

    def load(self, session_id: str) -> SavedSession | None:
        with self._transaction("DEFERRED"):
            return self._read(session_id)

    def take(self, session_id: str, owner: str) -> Lease | None:
        """See `ports.Store.take`."""
        with self._transaction("IMMEDIATE"):
            lease, saved = self._lease(session_id), self._read(session_id)
            before, whose = lease or (first_epoch(), saved and saved.owner)
            if whose not in (None, owner):
                return None
            self._database.execute(_LEND, (session_id, before + 1, owner, self._retention.now()))
            return Lease(before + 1, saved)

    def epoch(self, session_id: str) -> int:
        with self._translating():
            lease = self._lease(session_id)
        return lease[0] if lease is not None else 0

    def save(self, session: SavedSession, epoch: int) -> None:
        """Writes what changed: one turn more costs its own messages, however long the talk is.

        Raises `Superseded`.
        """
        messages, chain = session.messages, links_of(session.messages)
        with self._transaction("IMMEDIATE"):
            lease = self._lease(session.id)
            if lease is not None and lease[0] != epoch:
                raise Superseded("superseded")
            if lease is None:
                self._database.execute(_LEND, (session.id, epoch, session.owner, self._retention.now()))
            self._database.execute(_UPSERT, session_row(session))
            kept = self._unchanged(session.id, chain)
            self._database.execute(
                "DELETE FROM message WHERE session_id = ? AND ordinal >= ?", (session.id, kept)
            )
            rows = (message_row(session.id, at, messages[at], chain[at]) for at in range(kept, len(chain)))
            self._database.executemany("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def newest(self, owner: str | None, limit: int, after: tuple[float, str]) -> Sequence[SavedSession]:
        """See `ports.Store.sessions`."""
        whose, named = ("", ()) if owner is None else ("owner = ? AND ", (owner,))
        sql = (
            f"SELECT {_COLUMNS} FROM session WHERE {whose}updated_at <= ?"
            " AND (updated_at < ? OR id > ?) ORDER BY updated_at DESC, id LIMIT ?"
        )
        updated_at, id = after
        with self._translating():
            given = (*named, updated_at, updated_at, id, max(0, limit))
            rows = self._database.execute(sql, given).fetchall()
        return [SavedSession(*(*row, ())) for row in rows]

    def delete(self, session_id: str) -> bool:
        with self._transaction("IMMEDIATE"):
            sql = "UPDATE lease SET epoch = epoch + 1, owner = NULL, changed_at = ? WHERE session_id = ?"
            self._database.execute(sql, (self._retention.now(), session_id))
            return self._database.execute("DELETE FROM session WHERE id = ?", (session_id,)).rowcount > 0

    def forget_old(self) -> None:
        """What nobody went on with for as long as conversations are kept, and leases that were never used."""
        unused = self._retention.now() - UNUSED_LEASE_SECONDS
        with self._transaction("IMMEDIATE"):
            self._database.execute("DELETE FROM session WHERE updated_at < ?", (self._retention.oldest(),))
            self._database.execute(
                "DELETE FROM lease WHERE changed_at < ? AND session_id NOT IN (SELECT id FROM session)",
                (unused,),
            )

    def close(self) -> None:
        self._database.close()

    def _prepare(self, lock_timeout: float) -> None:
        (found,) = self._database.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise DamagedFile(" ".join(found.split()))
        with self._transaction("DEFERRED"):
            _version_of(self._database, self.path)  # before anything is changed
        _write_ahead(self._database, lock_timeout)
        self._database.execute("PRAGMA synchronous = NORMAL").close()
        self._database.execute("PRAGMA foreign_keys = ON").close()
        with self._transaction("IMMEDIATE"):
            version = _version_of(self._database, self.path)
            steps = [_UPGRADES[step] for step in range(version, _VERSION)] if version else [_SCHEMA]
            for statement in (statement for step in steps for statement in step):
                self._database.execute(statement)
            self._database.execute(f"PRAGMA user_version = {_VERSION}")

    def _read(self, session_id: str) -> SavedSession | None:
        sql = f"SELECT {_COLUMNS}, unfinished FROM session WHERE id = ?"
        row = self._database.execute(sql, (session_id,)).fetchone()
        sql = (
            "SELECT role, text, turn, heard, uses, is_prompted FROM message"
            " WHERE session_id = ? ORDER BY ordinal"
        )
        rows = self._database.execute(sql, (session_id,)).fetchall()
        if row is None:
            return None
        *columns, unfinished = row
        said = tuple(message_of(*values) for values in rows)
        return SavedSession(*(*columns, said, unfinished_of(unfinished)))

    def _lease(self, session_id: str) -> tuple[int, str | None] | None:
        """Epoch and owner; None for the owner: it was deleted, and is anybody's."""
        sql = "SELECT epoch, owner FROM lease WHERE session_id = ?"
        found: tuple[int, str | None] | None = self._database.execute(sql, (session_id,)).fetchone()
        return found

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
                f"The session store {self.path} cannot be opened ({error.strerror}):"
                " check the permissions of its directory, or set VOICE_STORE to another file, or to `memory`."
            ) from error
        except sqlite3.Error as error:
            kind = DamagedFile if _code(error) in _UNREADABLE else StoreError
            raise kind(f"The session store {self.path} {_remedy(error)}") from error


def _write_ahead(database: sqlite3.Connection, patience: float) -> None:
    """SQLite waits for nobody here: it reads first, and two readers that wait to write wait for ever."""
    until = time.monotonic() + patience
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.Error as error:
            if _code(error) not in _LOCKED or time.monotonic() >= until:
                raise
        else:
            return
        time.sleep(LOCK_STEP)


def _version_of(database: sqlite3.Connection, path: Path) -> int:
    """Of the schema; 0: there is nothing in it yet. Raises `StoreError` for what is not ours to change."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version > _VERSION or (tables and not version):
        whose = "a later version of this server" if version > _VERSION else "another program"
        raise StoreError(
            f"The session store {path} was made by {whose} and was left as it is:"
            " move it away, or set VOICE_STORE to another file."
        )
    return int(version)


def _code(error: sqlite3.Error) -> int:
    """Without what SQLite adds to tell kinds of it."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _remedy(error: sqlite3.Error) -> str:
    code = _code(error)
    if code in _LOCKED:
        return "is locked by another program: stop that program, or set VOICE_STORE to another file."
    if code in _UNREADABLE:
        return (
            f"is damaged or not an SQLite database ({error}): start the server again, which moves it aside"
            " and begins an empty one, or put a backup in its place."
        )
    return (
        f"cannot be used ({error}): check its permissions and the free space on its disk,"
        " or set VOICE_STORE to another file."
    )


def fault_of_file(path: Path) -> StoreError | None:
    """What would keep a server from using it, found without changing or making anything; None: nothing."""
    try:
        if not path.exists():
            folder = next(each for each in path.absolute().parents if each.exists())
            if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
                raise PermissionError(0, f"nothing can be made in {folder}")
        elif not os.access(path, os.R_OK | os.W_OK):
            raise PermissionError(0, "it cannot be written")
        else:
            with closing(
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
            ) as file:
                _version_of(file, path)
    except OSError as error:
        fix = "check permissions, or set VOICE_STORE to another file, or to `memory`."
        return StoreError(f"The session store {path} cannot be opened ({error.strerror}): {fix}")
    except sqlite3.Error as error:
        return StoreError(f"The session store {path} {_remedy(error)}")
    except StoreError as error:
        return error
    return None
