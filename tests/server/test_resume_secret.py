"""The secret of the tokens: given, or made once and kept where nobody else reads it."""

import asyncio
import logging
import os
import stat
from pathlib import Path

import pytest

from voice_grpc.core.errors import StoreError
from voice_grpc.server.resume_secret import SECRET_BYTES, resume_secret
from voice_grpc.settings import Settings


def settings(store: object, secret: str = "") -> Settings:
    return Settings(_env_file=None, store=str(store), secret=secret)  # type: ignore[call-arg, arg-type]


def test_the_given_one_counts_wherever_conversations_are(tmp_path: Path) -> None:
    for store in ("memory", tmp_path / "sessions.db", "redis://localhost"):
        assert resume_secret(settings(store, "the same everywhere")) == b"the same everywhere"
    assert not list(tmp_path.iterdir())


def test_one_is_made_beside_the_file_and_found_again(tmp_path: Path) -> None:
    store = tmp_path / "state" / "sessions.db"
    secret = resume_secret(settings(store))
    assert len(secret) == SECRET_BYTES
    assert resume_secret(settings(store)) == secret
    (kept,) = store.parent.iterdir()
    assert kept.name == "sessions.db.secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert resume_secret(settings(tmp_path / "other.db")) != secret


async def test_servers_that_start_at_once_have_the_same(tmp_path: Path) -> None:
    given = settings(tmp_path / "sessions.db")
    async with asyncio.TaskGroup() as tasks:
        asked = [tasks.create_task(asyncio.to_thread(resume_secret, given)) for _ in range(8)]
    assert len({task.result() for task in asked}) == 1
    assert os.listdir(tmp_path) == ["sessions.db.secret"]


def test_in_memory_each_server_has_its_own() -> None:
    assert resume_secret(settings("memory")) != resume_secret(settings("memory"))


def test_a_shared_store_without_one_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        resume_secret(settings("redis://localhost:6379/0"))
        resume_secret(settings("redis://localhost:6379/0", "the same everywhere"))
    (record,) = caplog.records
    assert "VOICE_SECRET" in record.getMessage()


def test_one_that_cannot_be_kept_or_read_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="VOICE_SECRET"):
        resume_secret(settings(tmp_path / "file" / "sessions.db"))
    (tmp_path / "sessions.db.secret").write_bytes(b"short")
    with pytest.raises(StoreError, match="too short"):
        resume_secret(settings(tmp_path / "sessions.db"))


def test_a_secret_that_can_be_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="16 characters at least"):
        settings("memory", "guess me")
