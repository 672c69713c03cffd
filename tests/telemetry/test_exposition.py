"""What strangers cost at the metrics port: threads and time, and who asks rightly is answered."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress

import pytest

from tests.crowd import WAYS, crowd
from tests.serving import WITHIN

from .collector import fetched

pytest.importorskip("prometheus_client", reason="the extra otel is not installed")

from prometheus_client import CollectorRegistry, Gauge

from voice_grpc.telemetry import exposition
from voice_grpc.telemetry.exposition import HEAD_BYTES, MAX_CONNECTIONS, Exposition


@pytest.fixture
def port() -> Iterator[int]:
    registry = CollectorRegistry()
    Gauge("it_is_here", "Whether.", registry=registry).set(1)
    served = Exposition(registry, "127.0.0.1", 0)
    yield served.port
    served.close()


@pytest.fixture(autouse=True)
def _says_nothing(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """What strangers do is no bug."""
    yield
    assert capfd.readouterr().err == ""


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


async def opened(
    port: int, stack: AsyncExitStack, said: bytes = b""
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stack.callback(gone, writer)
    writer.write(said)
    return reader, writer


def gone(writer: asyncio.StreamWriter) -> None:
    """One that nobody has any more would warn."""
    writer.transport.abort()


async def ending(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(WITHIN):
        with suppress(ConnectionError):
            return await reader.read()
        return b""


async def assert_answers(port: int) -> None:
    async with asyncio.timeout(WITHIN):
        assert "it_is_here 1.0" in (await fetched(port))[1]


def at_work() -> int:
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


@pytest.mark.parametrize("way", WAYS)
async def test_who_asks_is_answered_beside_a_crowd_that_asks_nothing(port: int, way: str) -> None:
    async with crowd(port, WAYS[way]) as strangers:
        await assert_answers(port)
        strangers.drip()
        await strangers.until_left(MAX_CONNECTIONS - 1, WITHIN)
        async with asyncio.timeout(WITHIN):
            while at_work() >= MAX_CONNECTIONS:  # noqa: ASYNC110 - threads that wake, one after the other
                await asyncio.sleep(0.01)
        await assert_answers(port)


@pytest.mark.parametrize("is_dripping", [False, True])
async def test_a_question_that_does_not_come_is_not_waited_for(
    port: int, is_dripping: bool, stack: AsyncExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However lately a byte of it came."""
    monkeypatch.setattr(exposition, "SECONDS", 0.3)
    reader, writer = await opened(port, stack)
    async with asyncio.TaskGroup() as tasks:
        told = tasks.create_task(ending(reader))
        while not told.done():
            writer.write(b"a" * is_dripping)
            await asyncio.sleep(0.02)
    assert told.result() == b""
    await assert_answers(port)


@pytest.mark.parametrize("said", [b"a" * 4_000_000, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * HEAD_BYTES])
async def test_a_question_without_an_end_is_closed(port: int, said: bytes, stack: AsyncExitStack) -> None:
    reader, _ = await opened(port, stack, said)
    assert await ending(reader) == b""
    await assert_answers(port)


@pytest.mark.parametrize("said", [b"\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"\0\r\n\r\n"])
async def test_what_is_no_question_ends(port: int, said: bytes, stack: AsyncExitStack) -> None:
    reader, _ = await opened(port, stack, said)
    assert b" 200 " not in await ending(reader)
    await assert_answers(port)


async def test_those_who_vanish_leave_nothing(port: int) -> None:
    for said in (b"", b"GET /", b"GET / HTTP/1.1\r\n\r\n") * 40:
        async with AsyncExitStack() as stack:
            await opened(port, stack, said)
    await assert_answers(port)
    async with asyncio.timeout(WITHIN):
        while at_work():  # noqa: ASYNC110 - threads that wake, one after the other
            await asyncio.sleep(0.01)
