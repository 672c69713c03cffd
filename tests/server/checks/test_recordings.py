"""What the doctor says of recordings: whether they could be written now."""

from pathlib import Path

import pytest

from voice_grpc.server.checks.recordings import check_recordings
from voice_grpc.server.checks.result import CheckResult
from voice_grpc.settings import Settings

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")


async def checked(recordings: str) -> list[CheckResult]:
    return await check_recordings(Settings(_env_file=None, recordings=recordings))  # type: ignore[call-arg]


async def test_where_nothing_is_recorded_there_is_nothing_to_say() -> None:
    assert await checked("") == []


async def test_a_directory_that_can_be_written(tmp_path: Path) -> None:
    (result,) = await checked(str(tmp_path / "records"))
    assert (result.stage, result.works, result.result) == ("record", True, "can be written")
    assert list(tmp_path.rglob("*")) == [tmp_path / "records"]  # noqa: ASYNC240


async def test_one_that_cannot(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file")
    (result,) = await checked(str(tmp_path / "records"))
    assert not result.works
    assert "File exists" in result.error
    assert "let the server's user write" in result.fix


async def test_a_bucket_that_nobody_answers_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("boto3", reason="boto3 is not installed (the extra `s3`)")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    directory, bucket = await checked("s3://records/a")
    assert (directory.engine, directory.works) == ("directory", True)
    assert (bucket.engine, bucket.works, bucket.where) == ("s3", False, "s3://records/a")
    assert "127.0.0.1:9" in bucket.error
