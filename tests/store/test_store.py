"""Where conversations are kept: what both stores promise, and what a file on a disk has to survive."""

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import voice_grpc
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.errors import ServerError, StoreError
from voice_grpc.core.tools import ToolUse
from voice_grpc.ports import SavedSession, Store
from voice_grpc.store import MemoryStore, SqliteStore, default_path, sqlite

ROOT = Path(voice_grpc.__file__).parent.parent


def talk(turns: int) -> tuple[Message, ...]:
    """`turns` questions and answers, the last answer interrupted; the next turn knows better."""
    messages = []
    for turn in range(1, turns + 1):
        heard = Heard.ESTIMATED if turn == turns else Heard.REPORTED
        messages.append(Message(Role.USER, f"question {turn}", turn))
        messages.append(Message(Role.ASSISTANT, f"answer {turn} {heard.value}", turn, heard))
    return tuple(messages)


def session(turns: int, session_id: str = "s", owner: str = "", updated_at: float = 2.0) -> SavedSession:
    return SavedSession(session_id, owner, 1.0, updated_at, turns, "default", "en-GB", talk(turns))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sessions.db"


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else await SqliteStore.open(path)
    yield opened
    await opened.close()


async def test_unknown_is_none(store: Store) -> None:
    assert await store.load("nobody") is None
    assert await store.delete("nobody") is False
    assert list(await store.sessions("", 10, None)) == []


async def test_what_is_saved_is_loaded(store: Store) -> None:
    for turns in range(4):
        await store.save(session(turns))
        assert await store.load("s") == session(turns)


@pytest.mark.parametrize("text", ["", "naïve 你好 😀", "a\x00b", "line\nline", "'; DROP TABLE session; --"])
async def test_any_text(store: Store, text: str) -> None:
    saved = replace(session(1), persona=text, messages=(Message(Role.USER, text, 1),))
    await store.save(saved)
    assert await store.load("s") == saved


def using(result: str) -> SavedSession:
    uses = (
        ToolUse("call-1-1", "weather", '{"city": "Köln"}', result, "v", "c2ln"),
        ToolUse("b", "x", "{}", "{}"),
    )
    question, answer = talk(1)
    return replace(session(1), messages=(question, Message(Role.TOOLS, "", 1, uses=uses), answer))


async def test_what_tools_did_is_kept_and_corrected_when_more_is_known(store: Store) -> None:
    for result in ('{"error": "interrupted"}', '{"sky": "sunny"}'):
        await store.save(using(result))
        assert await store.load("s") == using(result)


async def test_what_the_server_said_itself_stays_its_own(store: Store) -> None:
    saved = replace(session(1), messages=(Message(Role.SERVER, "Sorry.", 1, Heard.REPORTED),))
    await store.save(saved)
    assert await store.load("s") == saved


async def test_half_a_character_costs_only_itself(store: Store) -> None:
    await store.save(replace(session(1), messages=(Message(Role.USER, "a\ud83db", 1),)))
    loaded = await store.load("s")
    assert loaded is not None
    assert loaded.messages[0].text in ("a\ud83db", "a?b")


async def test_the_last_messages_may_be_corrected_or_retracted(store: Store) -> None:
    await store.save(session(5))
    corrected = replace(talk(5)[-1], text="answer", heard=Heard.REPORTED)
    for messages in ((*talk(5)[:-1], corrected), talk(5)[:-2], talk(3), (), talk(6), talk(6)[1:]):
        changed = replace(session(5), messages=messages)
        await store.save(changed)
        assert await store.load("s") == changed


async def test_sessions_do_not_mix(store: Store) -> None:
    await store.save(session(2, "a"))
    await store.save(session(3, "b"))
    assert await store.delete("a") is True
    assert await store.load("a") is None
    assert await store.load("b") == session(3, "b")
    await store.save(replace(session(0, "a"), messages=()))
    assert await store.load("a") == session(0, "a")


async def test_sessions_newest_first_without_messages(store: Store) -> None:
    for number, updated_at in enumerate([3.0, 1.0, 2.0, 2.0]):
        await store.save(session(1, f"s{number}", "ann", updated_at))
    await store.save(session(1, "other", "bob", 9.0))

    async def listed(limit: int, after: tuple[float, str] | None) -> list[str]:
        return [found.id for found in await store.sessions("ann", limit, after)]

    assert await listed(10, None) == ["s0", "s2", "s3", "s1"]
    assert await listed(2, None) == ["s0", "s2"]
    assert await listed(10, (3.0, "s0")) == ["s2", "s3", "s1"]
    assert await listed(0, None) == []
    assert await listed(-1, None) == []
    assert list(await store.sessions("bob", 10, None)) == [
        replace(session(1, "other", "bob", 9.0), messages=())
    ]


async def test_of_sessions_saved_at_one_time_none_is_left_out_of_the_pages(store: Store) -> None:
    """A page may end between two that have the same time."""
    for number in range(5):
        await store.save(session(1, f"s{number}", "ann", 2.0))
    pages, after = [], None
    while page := await store.sessions("ann", 2, after):
        pages.append([found.id for found in page])
        after = page[-1].updated_at, page[-1].id
    assert pages == [["s0", "s1"], ["s2", "s3"], ["s4"]]


async def test_memory_is_bounded() -> None:
    store = MemoryStore(capacity=2)
    for name in "aba":
        await store.save(session(1, name))
    await store.save(session(1, "c"))
    assert [await store.load(name) is not None for name in "abc"] == [True, False, True]


async def test_file_outlives_the_store_and_is_private(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.save(session(3))
    modes = [stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()]
    assert set(modes) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="closed"):
        await store.load("s")

    again = await SqliteStore.open(path)
    assert await again.load("s") == session(3)
    await again.close()


async def test_a_turn_more_writes_only_its_own_messages(path: Path) -> None:
    store = await SqliteStore.open(path)
    await store.save(session(1_000))
    watcher = sqlite3.connect(path)
    before = watcher.execute("SELECT chain FROM message ORDER BY ordinal").fetchall()
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size
    await store.save(session(1_001))
    after = watcher.execute("SELECT chain FROM message ORDER BY ordinal").fetchall()
    watcher.close()
    assert before[:-1] == after[: len(before) - 1]
    # A WAL holds whole pages of 4 KiB: a rewrite of 2,000 messages would be more than thirty.
    assert wal.stat().st_size - size <= 12 * 4_200
    assert await store.load("s") == session(1_001)
    await store.close()


FIRST_VERSION = """
CREATE TABLE session (id TEXT PRIMARY KEY, owner TEXT NOT NULL, created_at REAL NOT NULL,
  updated_at REAL NOT NULL, last_turn INTEGER NOT NULL, persona TEXT NOT NULL,
  language TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE message (session_id TEXT NOT NULL REFERENCES session ON DELETE CASCADE, ordinal INTEGER NOT NULL,
  turn INTEGER NOT NULL, role TEXT NOT NULL, heard TEXT NOT NULL, text TEXT NOT NULL, chain BLOB NOT NULL,
  PRIMARY KEY (session_id, ordinal)) WITHOUT ROWID;
INSERT INTO session VALUES ('s', '', 1.0, 2.0, 1, 'default', 'en-GB');
INSERT INTO message VALUES ('s', 0, 1, 'user', 'whole', 'question 1', x'00');
INSERT INTO message VALUES ('s', 1, 1, 'assistant', 'estimated', 'answer 1 estimated', x'01');
PRAGMA user_version = 1;
"""


async def test_a_file_of_an_earlier_version_goes_on(path: Path) -> None:
    path.parent.mkdir()
    first = sqlite3.connect(path)
    first.executescript(FIRST_VERSION)
    first.close()
    for _ in range(2):
        store = await SqliteStore.open(path)
        assert await store.load("s") in (session(1), using("{}"))
        await store.save(using("{}"))
        assert await store.load("s") == using("{}")
        await store.close()


async def test_a_file_goes_on_however_many_versions_were_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of version 1, met by a server of version 6."""
    path.parent.mkdir()
    first = sqlite3.connect(path)
    first.executescript(FIRST_VERSION)
    first.close()
    for version in (4, 5):
        step = (f"ALTER TABLE session ADD COLUMN new_{version} TEXT NOT NULL DEFAULT 'x'",)
        monkeypatch.setitem(sqlite._UPGRADES, version, step)  # noqa: SLF001
    monkeypatch.setattr(sqlite, "_VERSION", 6)
    for _ in range(2):
        store = await SqliteStore.open(path)
        assert await store.load("s") in (session(1), using("{}"))
        await store.close()
    upgraded = sqlite3.connect(path)
    assert upgraded.execute("PRAGMA user_version").fetchone() == (6,)
    assert upgraded.execute("SELECT new_4, new_5 FROM session").fetchall() == [("x", "x")]
    upgraded.close()


async def test_two_stores_share_one_file(path: Path) -> None:
    one, two = await SqliteStore.open(path), await SqliteStore.open(path)
    await one.save(session(2))
    await two.save(session(3))
    await one.save(session(4))
    assert await two.load("s") == session(4)
    await one.close()
    await two.save(session(5, "t"))
    assert await two.load("t") == session(5, "t")
    await two.close()


async def test_a_locked_file_is_said_and_given_up_after_a_while(path: Path) -> None:
    store = await SqliteStore.open(path, lock_timeout=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"sessions\.db is locked by another program: stop"):
        await store.save(session(1))
    other.execute("ROLLBACK")
    other.close()
    await store.save(session(1))
    assert await store.load("s") == session(1)
    await store.close()


@pytest.fixture(params=[b"not a database at all " * 300, b"SQLite format 3\0" + b"\xff" * 5_000])
def damaged(request: pytest.FixtureRequest, path: Path) -> Iterator[Path]:
    """A file that must be the same after the test."""
    path.parent.mkdir()
    path.write_bytes(request.param)
    yield path
    assert path.read_bytes() == request.param


async def test_a_damaged_file_is_said_and_left_alone(damaged: Path) -> None:
    with pytest.raises(StoreError, match=r"sessions\.db is damaged or not an SQLite database.*move it away"):
        await SqliteStore.open(damaged)


@pytest.mark.parametrize(
    ("statement", "whose"),
    [("PRAGMA user_version = 99", "a later version"), ("CREATE TABLE theirs (x)", "another program")],
)
async def test_a_file_that_is_not_ours_is_refused(path: Path, statement: str, whose: str) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.execute(statement)
    other.close()
    with pytest.raises(ServerError, match=f"was made by {whose}"):
        await SqliteStore.open(path)


async def test_a_path_that_cannot_be_a_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened \(Is a directory\): check"):
        await SqliteStore.open(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        await SqliteStore.open(tmp_path / "file" / "sessions.db")


def test_default_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_path() == Path("/state/voice-grpc/sessions.db")
    monkeypatch.setenv("HOME", "/home/ann")
    for ignored in ("", "relative"):
        monkeypatch.setenv("XDG_STATE_HOME", ignored)
        assert default_path() == Path("/home/ann/.local/state/voice-grpc/sessions.db")


def test_without_a_home_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(StoreError, match="set VOICE_STORE to a file, or to `memory`"):
        default_path()


WRITER = """
import asyncio, sys
from pathlib import Path
from tests.store.test_store import session
from voice_grpc.store import SqliteStore

async def main(path, turn, session_id):
    store = await SqliteStore.open(Path(path), lock_timeout=20.0)
    while True:
        await store.save(session(turn, session_id))
        print(turn, flush=True)
        turn += 1

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
"""


def writer(path: Path, turn: int, session_id: str) -> subprocess.Popen[str]:
    """A process that saves one turn after the other and prints the number of each that is saved."""
    command = [sys.executable, "-c", WRITER, str(path), str(turn), session_id]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


async def test_a_kill_loses_nothing_that_was_acknowledged(path: Path) -> None:
    """Two processes start on a fresh file at once, write to it together and die at arbitrary places."""
    chance = random.Random(20)
    last = {"a": 0, "b": 0}
    for _ in range(4):
        pair = {name: writer(path, turn + 1, name) for name, turn in last.items()}
        saves = chance.randrange(3, 60)
        for name, process in pair.items():
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(saves)]
            os.kill(process.pid, signal.SIGKILL)
            lines += process.stdout.read().splitlines()
            process.stdout.close()
            assert process.wait() == -signal.SIGKILL
            last[name] = int(lines[-1])
        database = sqlite3.connect(path)
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        database.close()
        store = await SqliteStore.open(path)
        for name, turn in last.items():
            loaded = await store.load(name)
            assert loaded is not None
            assert loaded.last_turn in (turn, turn + 1)
            assert loaded == session(loaded.last_turn, name)
        await store.close()
