"""What is said of a store that is a file, which is looked at and left as it is."""

import sqlite3
from pathlib import Path

import pytest

from tests.store.conversations import put, session
from voice_grpc.server.checks.result import CheckResult
from voice_grpc.server.checks.store import check_store
from voice_grpc.settings import Settings
from voice_grpc.store import SqliteStore


async def checked(path: Path | str) -> CheckResult:
    (result,) = await check_store(Settings(_env_file=None, store=str(path)))  # type: ignore[call-arg, arg-type]
    return result


async def test_memory_is_nothing_to_look_at() -> None:
    assert await check_store(Settings(_env_file=None, store="memory")) == []  # type: ignore[call-arg, arg-type]


async def test_one_that_is_there_and_in_use_and_one_that_could_be_made(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "sessions.db"
    assert (await checked(path)).works
    assert not path.parent.exists()
    store = await SqliteStore.open(path)
    await put(store, session(3))
    before = {each: each.read_bytes() for each in path.parent.iterdir()}
    assert (await checked(path)).works
    assert {each: each.read_bytes() for each in path.parent.iterdir()} == before
    await store.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"words " * 500, "is damaged or not an SQLite database"), (b"", ""), (None, "made by another program")],
)
async def test_one_that_is_no_store(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    if content is None:
        with sqlite3.connect(path) as database:
            database.execute("CREATE TABLE theirs (x)")
        database.close()
    else:
        path.write_bytes(content)
    result = await checked(path)
    assert (result.works, said in result.error) == (not said, True)
    assert bool(result.fix) is bool(said)


async def test_its_secret_is_looked_at_too(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    (tmp_path / "sessions.db.secret").write_bytes(b"short")
    result = await checked(path)
    assert (result.works, "is too short" in result.error) == (False, True)
    given = Settings(_env_file=None, store=str(path), secret="the same everywhere")  # type: ignore[call-arg, arg-type]
    (result,) = await check_store(given)
    assert result.works


async def test_one_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = await checked(tmp_path / "file" / "sessions.db")
    assert (result.works, "cannot be opened" in result.error) == (False, True)
