"""Servers as processes that share a Valkey: one is killed, one hangs, the conversation goes on elsewhere."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.free_port import free_port
from tests.serving import LOCAL, ConverseCall, assert_told, stub_of
from tests.valkey import Valkey, needs_valkey, valkey

from .test_command import SCRIPTED, address, outcome, started

PASSWORD = "sesame-street"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path, "--requirepass", PASSWORD) as server:
        yield server


@asynccontextmanager
async def server(store: Valkey, home: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """And where it listens."""
    variables = {"VOICE_STORE": f"redis://:{PASSWORD}@127.0.0.1:{store.port}"}
    options = ("--port", "0", "--log-level", "debug")
    async with started(*SCRIPTED, *options, home=home, variables=variables) as process:
        yield process, await address(process)


@asynccontextmanager
async def talk(target: str) -> AsyncIterator[ConverseCall]:
    async with grpc.aio.insecure_channel(target, LOCAL) as channel, asyncio.TaskGroup() as tasks:
        call = ConverseCall(stub_of(channel))
        reading = tasks.create_task(call.read_all())
        try:
            yield call
        finally:
            call.cancel()
            reading.cancel()


@needs_valkey
async def test_killed_or_frozen_the_conversation_goes_on_elsewhere(store: Valkey, tmp_path: Path) -> None:
    async with (
        server(store, tmp_path) as (first, one),
        server(store, tmp_path) as (second, two),
        server(store, tmp_path) as (third, three),
    ):
        async with talk(one) as a, talk(two) as b, talk(three) as c:
            await a.config(session_id="mine")
            await a.next("resume_update")
            told = len(a.said)
            await a.text("I am Ada.", text_only=True)
            await a.over(1)
            await a.next("resume_update", told)  # told once the turn was saved
            first.kill()
            started = await b.config(session_id="mine")
            assert (started.resumed, started.last_turn) == (True, 1)
            await b.text("Tell me a lot.")
            await b.until(lambda: len(b.chunks(2)) > 20, "some sound")
            second.send_signal(signal.SIGSTOP)
            started = await c.config(session_id="mine")
            assert (started.resumed, started.last_turn) == (True, 2)
            await c.text("And now?", text_only=True)
            await c.over(3)
            second.send_signal(signal.SIGCONT)
            assert_told(await b.ended(), grpc.StatusCode.ABORTED, "SUPERSEDED")
            await c.text("Still here?", text_only=True)
            await c.over(4)
        for process in (second, third):
            process.send_signal(signal.SIGTERM)
            out, error = await process.communicate()
            assert process.returncode == 0
            assert PASSWORD not in out.decode() + error.decode()


@needs_valkey
async def test_a_store_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://:{PASSWORD}@127.0.0.1:{port}"
    code, _, error = await outcome(*SCRIPTED, "--port", "0", "--store", url, home=tmp_path)
    assert code == 2
    assert error.startswith(
        f"voice-grpc serve: The session store redis://127.0.0.1:{port} cannot be reached "
    )
    assert error.count("\n") == 1
    assert PASSWORD not in error
