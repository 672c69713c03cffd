"""What a SQLite file on a disk has to survive: kills, other programs, damage, a full disk, other versions."""

import asyncio
import logging
import os
import random
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import voice_grpc
from voice_grpc.core.errors import ServerError, StoreError
from voice_grpc.store import Retention, SqliteStore, default_path, session_file, sqlite

from .conversations import put, session, taken
from .test_stores import using

ROOT = Path(voice_grpc.__file__).parent.parent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sessions.db"


async def test_file_outlives_the_store_and_is_private(path: Path) -> None:
    store = await SqliteStore.open(path)
    await put(store, session(3))
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
    await put(store, session(1_000))
    watcher = sqlite3.connect(path)
    before = watcher.execute("SELECT chain FROM message ORDER BY ordinal").fetchall()
    wal = path.with_name(path.name + "-wal")
    size = wal.stat().st_size
    await put(store, session(1_001))
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
        await put(store, using("{}"))
        assert await store.load("s") == using("{}")
        await store.close()


async def test_a_file_goes_on_however_many_versions_were_left_out(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of version 1, met by a server of version 8."""
    path.parent.mkdir()
    first = sqlite3.connect(path)
    first.executescript(FIRST_VERSION)
    first.close()
    for version in (6, 7):
        step = (f"ALTER TABLE session ADD COLUMN new_{version} TEXT NOT NULL DEFAULT 'x'",)
        monkeypatch.setitem(session_file._UPGRADES, version, step)  # noqa: SLF001
    monkeypatch.setattr(session_file, "_VERSION", 8)
    for _ in range(2):
        store = await SqliteStore.open(path)
        assert await store.load("s") in (session(1), using("{}"))
        await store.close()
    upgraded = sqlite3.connect(path)
    assert upgraded.execute("PRAGMA user_version").fetchone() == (8,)
    assert upgraded.execute("SELECT new_6, new_7 FROM session").fetchall() == [("x", "x")]
    upgraded.close()


async def test_two_stores_share_one_file(path: Path) -> None:
    one, two = await SqliteStore.open(path), await SqliteStore.open(path)
    await put(one, session(2))
    await put(two, session(3))
    await put(one, session(4))
    assert await two.load("s") == session(4)
    await one.close()
    await put(two, session(5, "t"))
    assert await two.load("t") == session(5, "t")
    await two.close()


async def test_a_locked_file_is_said_and_given_up_after_a_while(path: Path) -> None:
    store = await SqliteStore.open(path, lock_timeout=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match=r"sessions\.db is locked by another program: stop"):
        await put(store, session(1))
    other.execute("ROLLBACK")
    other.close()
    await put(store, session(1))
    assert await store.load("s") == session(1)
    await store.close()


# ---------------------------------------------------------------- damage


def begin_with(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)


def overwrite(path: Path, page: int) -> None:
    """Two pages of it."""
    with path.open("r+b") as file:
        file.seek(page * 4_096)
        file.write(b"\xff" * 8_192)


@pytest.mark.parametrize("content", [b"not a database at all " * 300, b"SQLite format 3\0" + b"\xff" * 5_000])
async def test_a_damaged_file_is_moved_aside_and_an_empty_one_begun(
    path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    begin_with(path, content)
    store = await SqliteStore.open(path, retention=Retention(now=lambda: 1.8e9))
    (line,) = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    aside = path.with_name("sessions.db.corrupt-2027-01-15")
    assert aside.read_bytes() == content
    assert f"The session store {path} is damaged: it was moved to {aside}, and an empty one begun" in line
    assert "\n" not in line
    await put(store, session(1))
    assert await store.load("s") == session(1)
    await store.close()


async def test_damage_in_the_middle_is_found_at_the_start(path: Path) -> None:
    """What can be read of it is still in the file, which keeps its name and gets a number the second time."""
    for moved in ("sessions.db.corrupt-2027-01-15", "sessions.db.corrupt-2027-01-15-2"):
        store = await SqliteStore.open(path)
        for number in range(50):
            await put(store, session(20, f"s{number:02}"))
        await store.close()
        overwrite(path, page=20)
        store = await SqliteStore.open(path, retention=Retention(now=lambda: 1.8e9))
        assert list(await store.sessions("", 10, None)) == []
        await store.close()
        kept = sqlite3.connect(path.with_name(moved))
        assert kept.execute("SELECT count(*) FROM session").fetchone() == (50,)
        kept.close()


@pytest.mark.parametrize("content", [b"", b"not a database at all " * 300], ids=["new", "damaged"])
async def test_several_open_at_once_what_is_not_there_or_damaged(content: bytes, tmp_path: Path) -> None:
    """One moves it aside, and the others take what that one began."""
    for attempt in range(5):
        path = tmp_path / f"{attempt}" / "sessions.db"
        begin_with(path, content)
        async with asyncio.TaskGroup() as tasks:
            opening = [tasks.create_task(SqliteStore.open(path, lock_timeout=20.0)) for _ in range(8)]
        stores = [task.result() for task in opening]
        for number, store in enumerate(stores):
            await put(store, session(1, f"s{number}"))
        assert len(await stores[0].sessions("", 10, None)) == 8
        assert len([name for name in names(path.parent) if "corrupt" in name]) == bool(content)
        for store in stores:
            await store.close()


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


async def test_damage_that_comes_later_is_said_and_waits_for_the_next_start(path: Path) -> None:
    store = await SqliteStore.open(path)
    await put(store, session(1))
    for ending in ("-wal", "-shm", ""):
        path.with_name(path.name + ending).write_bytes(b"\xff" * 40_000)
    again = sqlite3.connect(path)
    with pytest.raises(sqlite3.DatabaseError):
        again.execute("SELECT * FROM session")
    again.close()
    await store.close()
    store = await SqliteStore.open(path)
    assert await store.load("s") is None
    await store.close()


# ---------------------------------------------------------------- a disk that takes nothing


async def test_a_disk_that_is_full_is_said_and_costs_nothing_that_was_kept(path: Path) -> None:
    store = await SqliteStore.open(path)
    epoch = await taken(store)
    await store.save(session(1), epoch)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"sessions\.db cannot be used .*free space on its disk"):
            await store.save(session(2_000), epoch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert await store.load("s") == session(1)
    await store.save(session(3), epoch)
    assert await store.load("s") == session(3)
    await store.close()


# ---------------------------------------------------------------- how long it is kept

DAY = 86_400.0


async def test_what_nobody_went_on_with_is_erased_at_the_start(path: Path) -> None:
    store = await SqliteStore.open(path, retention=Retention(now=lambda: 0.0))
    for day in range(5):
        await put(store, session(2, f"s{day}", updated_at=day * DAY))
    await taken(store, "never-saved")
    await store.close()

    async def left(days: int, now: float) -> list[str]:
        again = await SqliteStore.open(path, retention=Retention(days, lambda: now))
        found = [saved.id for saved in await again.sessions("", 10, None)]
        await again.close()
        return found

    assert await left(0, 1e6 * DAY) == ["s4", "s3", "s2", "s1", "s0"]
    assert await left(3, 5 * DAY) == ["s4", "s3", "s2"]
    file = sqlite3.connect(path)
    assert file.execute("SELECT count(*) FROM message WHERE session_id < 's2'").fetchone() == (0,)
    assert [id for (id,) in file.execute("SELECT session_id FROM lease ORDER BY 1")] == ["s2", "s3", "s4"]
    file.close()


async def test_it_is_erased_every_day_of_a_server_that_runs_on(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "DAY_SECONDS", 0.01)
    days = 1.0
    store = await SqliteStore.open(path, retention=Retention(2, lambda: days * DAY))
    await put(store, session(1, updated_at=DAY))
    async with asyncio.timeout(60):
        while await store.load("s"):
            days += 0.1
    assert days > 3.0
    await store.close()


# ---------------------------------------------------------------- files that are not ours


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
from tests.store.conversations import put, session
from voice_grpc.store import SqliteStore

async def main(path, turn, session_id):
    store = await SqliteStore.open(Path(path), lock_timeout=20.0)
    while True:
        await put(store, session(turn, session_id))
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
