"""A process that is killed in mid-answer, with a SQLite file: the one after it says the next word."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc.aio
import pytest

from tests.free_port import free_port
from voice_grpc.pb import voice_pb2 as pb

from ..serve_scripted import ANSWER
from ..serving import LOCAL, ConverseCall, stub_of

BEGINNING = 20
"""Characters of the rest: they were written before the kill; the model that goes on knows one answer."""

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def process(port: int, store: Path) -> Iterator["subprocess.Popen[str]"]:
    """Serving; killed at the end of the block if it is there still."""
    command = [sys.executable, "-m", "tests.serve_scripted", "--port", str(port), "--store", str(store)]
    given = {**os.environ, "PYTHONPATH": str(ROOT), "VOICE_ADMISSION": "count"}
    with subprocess.Popen(command, cwd=ROOT, env=given, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            assert any("listening" in line for line in server.stdout)
            yield server
        finally:
            server.kill()


@pytest.mark.parametrize("chunks", [3, 30, 90])
async def test_killed_in_mid_answer_the_next_one_says_the_next_word(tmp_path: Path, chunks: int) -> None:
    """After 0.1 s, 1 s and 3.5 s of sound; the secret and the conversation are in files.

    Killed so early that nothing of the turn was written yet, the request comes again, and is answered once.
    """
    port, store = free_port(), tmp_path / "sessions.db"
    with process(port, store) as server:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", LOCAL) as channel:
            before = ConverseCall(stub_of(channel))
            await before.send(pb.ConverseRequest(seq=1, config=pb.SessionConfig()))
            await before.send(pb.ConverseRequest(seq=2, text=pb.TextInput(text="Tell me a lot.")))
            while len(before.chunks(1)) < chunks:
                response = await before.call.read()
                assert isinstance(response, pb.ConverseResponse)
                before.said.append(response)
            server.send_signal(signal.SIGKILL)
            server.wait()
            before.cancel()
    tokens = [r.resume_update.resume_token for r in before.said if r.HasField("resume_update")]
    last = before.chunks(1)[-1]
    played = last.offset_samples + last.duration_samples - 2_400
    with process(port, store):
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", LOCAL) as channel:
            after = ConverseCall(stub_of(channel))
            config = pb.SessionConfig(
                resume_token=tokens[-1], resume_turn=1, resume_played_samples=played,
                last_received_seq=before.said[-1].seq,
            )  # fmt: skip
            await after.send(pb.ConverseRequest(seq=3, config=config))
            await after.send(pb.ConverseRequest(seq=2, text=pb.TextInput(text="Tell me a lot.")))
            while len(after.words(2)) < BEGINNING:
                response = await after.call.read()
                assert isinstance(response, pb.ConverseResponse)
                after.said.append(response)
            after.cancel()
    started = after.said[0].session_started
    assert (started.resumed, started.last_turn) == (True, 1)
    assert started.last_consumed_seq == 2 or (chunks == 3 and started.last_consumed_seq < 2)
    (cut,) = [r.interrupted for r in after.said if r.HasField("interrupted")]
    assert (cut.reason, cut.played_samples) == (pb.Interrupted.REASON_SERVER_LOST, played)
    assert ANSWER.startswith(f"{cut.heard_text} {after.words(2)[:BEGINNING]}".strip())
    assert {r.turn for r in after.said} == {0, 1, 2}
