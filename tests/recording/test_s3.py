"""Recordings in a bucket: there by the same names, erased, kept no longer than they may, and never lost on
the way. The store is moto's server."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from voice_grpc.core.errors import StoreError
from voice_grpc.recording.directory import RecordingDirectory
from voice_grpc.recording.names import RecordingName
from voice_grpc.recording.recorder import FileRecorder
from voice_grpc.recording.s3 import S3Archive, s3_client
from voice_grpc.store.retention import Retention

from .made import made, talk
from .reading import events, played, spans

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")
pytest.importorskip("boto3", reason="boto3 is not installed (the extra `s3`)")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed (the extra `dev`)")

BUCKET, PREFIX = "records", "voice/prod/"
STARTED = datetime(2026, 11, 29, 10, 0, 0, 0, UTC)
NAME = RecordingName("talk", STARTED)
SECRET = "a-secret-that-nobody-sees"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """By the SDK's own variables, as an operator sets them."""
    given = {
        "AWS_ENDPOINT_URL_S3": endpoint,
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    client = s3_client()
    client.create_bucket(Bucket=BUCKET)
    yield client
    for key in keys(client):
        client.delete_object(Bucket=BUCKET, Key=key)
    client.delete_bucket(Bucket=BUCKET)
    client.close()


def keys(client: Any) -> list[str]:
    return [each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", ())]


def recorded_keys(client: Any) -> list[str]:
    return [key for key in keys(client) if "/erased/" not in key]


def recorder(client: Any, spool: Path, **given: Any) -> FileRecorder:
    return FileRecorder(RecordingDirectory(spool), S3Archive(client, BUCKET, PREFIX), **given)


def left(spool: Path) -> list[Path]:
    return [path for path in spool.rglob("*") if path.is_file()]


def test_what_was_recorded_is_there_by_the_same_names(client: Any, tmp_path: Path) -> None:
    own = recorder(client, tmp_path / "spool", now=lambda: STARTED)
    made(own, seconds=3.0)
    own.close()
    assert keys(client) == [f"{PREFIX}{NAME.events}", f"{PREFIX}{NAME.sound}"]
    assert left(tmp_path / "spool") == []
    for name in (NAME.sound, NAME.events):
        client.download_file(BUCKET, f"{PREFIX}{name}", str(tmp_path / name.name))
    assert spans(played(tmp_path / NAME.sound.name)[:, 1]) == [pytest.approx((1.0, 3.0), abs=0.02)]
    assert events(tmp_path / NAME.events.name)[-1]["event"] == "recording_ended"
    kinds = [client.head_object(Bucket=BUCKET, Key=key)["ContentType"] for key in keys(client)]
    assert kinds == ["application/x-ndjson", "audio/ogg"]


async def test_erased_is_what_is_of_this_session_and_owner(client: Any, tmp_path: Path) -> None:
    times = iter(STARTED + timedelta(days=n) for n in range(9))
    own = recorder(client, tmp_path, now=lambda: next(times))
    for session_id, owner in (("a", "anna"), ("a", "anna"), ("a", "ben"), ("a.b", "anna"), ("../x", "anna")):
        made(own, session_id, owner)
    await asyncio.to_thread(own.close)
    assert len(keys(client)) == 10
    assert await own.delete("a", "anna")
    found = [RecordingName.read(key.rpartition("/")[2]) for key in recorded_keys(client)]
    assert sorted({name.session_id for name in found if name}) == ["../x", "a", "a.b"]
    assert len(found) == 6
    assert not await own.delete("a", "anna")
    assert await own.delete("../x", "anna")


async def test_the_parts_of_two_servers_are_erased_by_either(client: Any, tmp_path: Path) -> None:
    """Of a conversation that was begun on one and gone on with on the other, which is still at it."""
    here, there = recorder(client, tmp_path / "here"), recorder(client, tmp_path / "there")
    made(here, "a", "anna")
    rest = there.open("a", "anna", print)
    talk(rest, 1.0)
    rest.close(1.0)
    later = there.open("a", "anna", print)
    talk(later, 1.0)
    assert await asyncio.to_thread(rest.ended.wait, 10)
    await asyncio.to_thread(here.close)
    assert await there.delete("a", "anna")
    await asyncio.to_thread(there.close)
    assert recorded_keys(client) == []
    assert left(tmp_path / "here") + left(tmp_path / "there") == []


async def test_what_another_server_still_records_is_not_put_there(client: Any, tmp_path: Path) -> None:
    here, there = recorder(client, tmp_path / "here"), recorder(client, tmp_path / "there")
    recording, others = there.open("a", "anna", print), there.open("a", "ben", print)
    talk(recording, 1.0)
    await here.delete("a", "anna")
    recording.close(1.0)
    others.close(1.0)
    await asyncio.to_thread(there.close)
    assert len(recorded_keys(client)) == 2
    assert left(tmp_path / "there") == []


async def test_a_conversation_that_begins_after_is_recorded_again(client: Any, tmp_path: Path) -> None:
    own = recorder(client, tmp_path, now=lambda: datetime.now(UTC) + timedelta(seconds=2))
    await own.delete("a", "")
    made(own, "a")
    await asyncio.to_thread(own.close)
    assert len(recorded_keys(client)) == 2


def test_what_was_left_behind_is_put_there_by_the_next_server(client: Any, tmp_path: Path) -> None:
    killed = FileRecorder(RecordingDirectory(tmp_path))
    made(killed, "left", seconds=2.0)
    killed.close()
    own = recorder(client, tmp_path)
    live = own.open("live", "", print)
    talk(live, 1.0)
    own.tidy()
    assert {RecordingName.read(key.rpartition("/")[2]) is not None for key in keys(client)} == {True}
    assert all("/left." in key for key in keys(client))
    assert len(keys(client)) == 2
    live.close(1.0)
    own.close()
    assert len(keys(client)) == 4
    assert left(tmp_path) == []


def test_a_store_that_is_away_loses_nothing(
    client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    client.delete_bucket(Bucket=BUCKET)
    own = recorder(client, tmp_path)
    troubles = made(own)
    own.close()
    assert troubles == []
    assert len(left(tmp_path)) == 2
    assert "not put away yet" in caplog.text
    client.create_bucket(Bucket=BUCKET)
    own.tidy()
    assert len(keys(client)) == 2
    assert left(tmp_path) == []


async def test_a_store_that_is_away_is_said_by_who_erases(client: Any, tmp_path: Path) -> None:
    client.delete_bucket(Bucket=BUCKET)
    own = recorder(client, tmp_path)
    with pytest.raises(StoreError, match="could not be erased"):
        await own.delete("a", "")
    await asyncio.to_thread(own.close)
    client.create_bucket(Bucket=BUCKET)


def test_retention(client: Any, tmp_path: Path) -> None:
    now = [datetime.now(UTC).timestamp()]
    own = recorder(client, tmp_path, retention=Retention(7, lambda: now[0]))
    made(own)
    own.close()
    own.tidy()
    assert len(keys(client)) == 2
    now[0] += 8 * 86_400
    own.tidy()
    assert keys(client) == []


def test_it_is_checked_without_a_trace(client: Any) -> None:
    S3Archive(client, BUCKET, PREFIX).check()
    assert keys(client) == []
    with pytest.raises(OSError, match="NoSuchBucket"):
        S3Archive(client, "another-bucket", PREFIX).check()


def test_no_secret_is_logged(client: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    own = recorder(s3_client(), tmp_path)
    made(own)
    own.close()
    assert len(keys(client)) == 2
    assert SECRET not in caplog.text
    assert "Authorization" not in caplog.text
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == SECRET
