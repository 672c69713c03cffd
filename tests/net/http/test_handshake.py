"""What a TLS handshake costs: a place among the connections, and no longer than a head may take."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from tests.certificates import Authority
from tests.serving import WITHIN
from voice_grpc.net.http.places import ConnectionBounds
from voice_grpc.net.http.tls import ServerContext

from .serving import GET, HEAD, EdgeServed, answer, edge_serving, ending

SHORT = 0.05


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def context(authority: Authority) -> ServerContext:
    return await asyncio.to_thread(ServerContext, authority.issue("server").files())


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


def gone(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A reader that nobody has any more would end its connection."""
    writer.transport.abort()


async def asked(here: EdgeServed, authority: Authority, stack: AsyncExitStack, said: bytes = GET) -> bytes:
    """One connection more, and what it is told; it stays open."""
    tls = await asyncio.to_thread(ssl.create_default_context, cafile=str(authority.ca))
    async with asyncio.timeout(WITHIN):
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port, ssl=tls)
        stack.callback(gone, reader, writer)
        writer.write(said)
        return await answer(reader) if said == GET else b""


async def is_ended(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionError):
        return await ending(reader) == b""
    return True


async def test_one_more_closes_the_handshake_that_waited_longest(
    authority: Authority, context: ServerContext, stack: AsyncExitStack
) -> None:
    async with (
        edge_serving(tls=context, connections=ConnectionBounds(2, 2)) as here,
        here.caller() as (first, _),
        here.caller() as (second, says),
    ):
        says.write(b"\x16\x03\x01")  # how one begins
        assert b" 200 " in await asked(here, authority, stack)
        assert await is_ended(first)
        assert b" 200 " in await asked(here, authority, stack)
        assert await is_ended(second)
        await stack.aclose()


async def test_where_all_are_at_work_one_more_gets_no_handshake(
    authority: Authority, context: ServerContext, stack: AsyncExitStack
) -> None:
    async with edge_serving(tls=context, connections=ConnectionBounds(1, 1)) as here:
        await asked(here, authority, stack, b"GET /silent HTTP/1.1\r\n" + HEAD + b"\r\n")
        async with asyncio.timeout(WITHIN):
            while not here.state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        for _ in range(3):
            async with here.caller() as (reader, _writer):
                assert await is_ended(reader)
        await stack.aclose()
        async with asyncio.timeout(WITHIN):
            while here.connections:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
        assert b" 200 " in await asked(here, authority, stack)
        await stack.aclose()


@pytest.mark.parametrize("said", [b"", b"\x16\x03\x01", GET], ids=["nothing", "a part", "plain text"])
async def test_a_handshake_that_comes_to_nothing_ends_and_leaves_its_place(
    said: bytes, authority: Authority, context: ServerContext, stack: AsyncExitStack
) -> None:
    async with edge_serving(tls=context, connections=ConnectionBounds(1, 1), head_seconds=SHORT) as here:
        for _ in range(3):
            async with here.caller() as (reader, writer):
                writer.write(said)
                async with asyncio.timeout(WITHIN):
                    with suppress(ConnectionError):
                        await reader.read()
    async with edge_serving(tls=context, connections=ConnectionBounds(1, 1)) as here:
        for _ in range(3):
            async with here.caller() as (_, writer):
                writer.write(said)
        assert b" 200 " in await asked(here, authority, stack)
        await stack.aclose()
