"""Connections cost nobody else the open files: those on which nobody calls end by themselves, and there are
so many at once."""

import asyncio
from contextlib import AsyncExitStack, suppress

import pytest

from voice_grpc.server import server

from ..serving import WITHIN, Served, serving

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
"""An empty frame of them (RFC 9113, 3.4 and 6.5)."""

AT_MOST = {"grpc.server_handshake_timeout_ms": 10_000, "grpc.max_connection_idle_ms": 300_000}
SHORT_MS = 300
MOST = 5


@pytest.mark.parametrize(
    "said", [b"", PREFACE[:8], PREFACE + SETTINGS], ids=["silent", "half a greeting", "without a call"]
)
async def test_a_connection_on_which_nobody_calls_is_closed(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the time that the server sets, here a short one."""
    assert {name: limit for name, limit in server.OPTIONS if name in AT_MOST} == AT_MOST
    short = [(name, SHORT_MS if name in AT_MOST else value) for name, value in server.OPTIONS]
    monkeypatch.setattr(server, "OPTIONS", short)
    async with serving() as served:
        reader, writer = await asyncio.open_connection(*served.target.split(":"))
        writer.write(said)
        async with asyncio.timeout(WITHIN):
            while await reader.read(65_536):
                pass
        writer.close()
        await served.assert_serves()


async def test_a_channel_that_was_idle_for_long_calls_again(monkeypatch: pytest.MonkeyPatch) -> None:
    short = [(name, SHORT_MS if name in AT_MOST else value) for name, value in server.OPTIONS]
    monkeypatch.setattr(server, "OPTIONS", short)
    async with serving() as served:
        await served.assert_serves()
        async with asyncio.timeout(WITHIN):
            while (state := served.channel.get_state()).name == "READY":
                await served.channel.wait_for_state_change(state)
        await served.assert_serves()


async def test_connections_are_so_many_at_once_and_a_place_comes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Silent ones: they count from before their handshake. One more is closed at once."""
    monkeypatch.setattr(server, "connections", lambda settings: MOST)
    async with serving() as served:
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks, asyncio.timeout(WITHIN):
            opened = []
            for _ in range(MOST + 3):
                reader, writer = await asyncio.open_connection(*served.target.split(":"))
                stack.callback(gone, writer)
                opened.append(tasks.create_task(ending(reader), name="ending"))
            while sum(task.done() for task in opened) < 3:  # noqa: ASYNC110 - they end one by one
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            assert [task.done() for task in opened] == [False] * MOST + [True] * 3
            await stack.aclose()
        async with asyncio.timeout(WITHIN):
            await serves_at_last(served)


async def serves_at_last(served: Served) -> None:
    """The server learns that connections ended one by one; till then it has no place."""
    is_served = False
    while not is_served:
        with suppress(AssertionError, ExceptionGroup):
            await served.assert_serves()
            is_served = True


def gone(writer: asyncio.StreamWriter) -> None:
    """One that nobody has any more would warn."""
    writer.transport.abort()


async def ending(reader: asyncio.StreamReader) -> bytes:
    with suppress(ConnectionError):
        return await reader.read()
    return b""
