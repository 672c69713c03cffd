"""`voice-grpc serve --recordings` as a process: what a kill leaves, and what a wrong place is told."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.recording.reading import events, played, spans, tone
from voice_grpc.client import Call
from voice_grpc.pb import voice_pb2 as pb

from .test_command import SCRIPTED, address, outcome, refused, started

pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")

SECONDS = 3.0
"""Of the answer that are heard before the kill."""


async def converse_until_heard(call: Call) -> None:
    """Until `SECONDS` of the answer came."""
    assert call.started.recording
    heard, said = 0, tone(1.0, 440, 16_000)
    for start in range(0, len(said), 320):
        await call.send(pb.AudioInput(data=said[start : start + 320].tobytes()))
    await call.send(pb.UserActivity(kind=pb.UserActivity.KIND_END))
    async for response in call:
        heard += response.audio.duration_samples
        if heard >= SECONDS * 24_000:
            return


async def test_a_kill_leaves_a_file_that_plays(tmp_path: Path) -> None:
    root = tmp_path / "records"
    command = (*SCRIPTED, "--port", "0", "--recordings", str(root), "--store", "memory")
    async with started(*command, home=tmp_path) as process:
        config = pb.SessionConfig(session_id="talk", recording=True)
        async with Call.open(await address(process), config) as call:
            await converse_until_heard(call)
            process.send_signal(signal.SIGKILL)
            await process.wait()
    sound, lines = (next(root.rglob(f"talk.*.{kind}")) for kind in ("opus", "jsonl"))
    both = played(sound)
    ((begin, end),) = spans(both[:, 0])
    assert end - begin == pytest.approx(1.0, abs=0.02)
    assert sum(end - begin for begin, end in spans(both[:, 1], gap=0.5)) >= SECONDS - 1.5
    told = events(lines)
    assert told[0]["session_id"] == "talk"
    assert "response_text" in [each["event"] for each in told]
    assert told[-1]["event"] != "recording_ended"


@pytest.mark.parametrize("place", ["s3://", "s3://B", "s3://a/../b\n", "s3://bucket//x"])
async def test_a_wrong_bucket_is_one_line(place: str, tmp_path: Path) -> None:
    said = await refused("--recordings", place, home=tmp_path)
    assert "--recordings (VOICE_RECORDINGS)" in said
    assert "s3://BUCKET[/PREFIX]" in said


async def test_without_the_sdk_of_a_bucket_one_line_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "boto3.py").write_text("raise ImportError")
    command = (*SCRIPTED, "--port", "0", "--store", "memory", "--recordings", "s3://records/a")
    paths = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[2]}"}
    code, _, said = await outcome(*command, home=tmp_path, variables=paths)
    assert code == 2
    assert "pip install 'voice-grpc[s3]'" in said


async def test_a_place_that_cannot_be_written_is_said_at_the_start_and_nothing_ends(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file")
    command = (*SCRIPTED, "--port", "0", "--store", "memory", "--recordings", str(tmp_path / "records"))
    async with started(*command, home=tmp_path) as process:
        await address(process)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            _, said = await process.communicate()
        assert process.returncode == 0
    assert b"nothing can be written to" in said
