"""How many connections one address may have, on a real port: 127.0.0.1 is one, 127.0.0.2 another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.certificates import Authority
from tests.serving import WITHIN
from voice_grpc.net.forwarded import read_network
from voice_grpc.net.http.places import ConnectionBounds
from voice_grpc.net.http.tls import ServerContext

from .serving import GET, HANDSHAKE, HEAD, EdgeServed, answer, edge_serving, ending

OTHER = "127.0.0.2"
SILENT = b"GET /silent HTTP/1.1\r\n" + HEAD + b"\r\n"


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as entered:
        yield entered


async def is_ended(reader: asyncio.StreamReader) -> bool:
    with suppress(ConnectionError):
        return await ending(reader) == b""
    return True


async def answered(here: EdgeServed, address: str = "127.0.0.1") -> bytes:
    async with here.caller(address) as (reader, writer):
        writer.write(GET)
        return await answer(reader)


async def until_answered(here: EdgeServed) -> None:
    async with asyncio.timeout(WITHIN):
        while b" 200 " not in await answered(here):
            pass


async def working(here: EdgeServed, stack: AsyncExitStack, said: bytes) -> asyncio.StreamReader:
    """One more, of which the server waits for nothing."""
    reader, writer = await stack.enter_async_context(here.caller())
    writer.write(said)
    async with asyncio.timeout(WITHIN):
        if said == HANDSHAKE:
            await reader.readuntil(b"\r\n\r\n")
        while said == SILENT and not here.state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
    return reader


async def test_one_more_of_an_address_closes_its_own_that_waited_longest(stack: AsyncExitStack) -> None:
    async with edge_serving(connections=ConnectionBounds(10, 2)) as here:
        other, asks = await stack.enter_async_context(here.caller(OTHER))
        first, _ = await stack.enter_async_context(here.caller())
        await stack.enter_async_context(here.caller())
        assert b" 200 " in await answered(here)
        assert await is_ended(first)
        asks.write(GET)
        assert b" 200 " in await answer(other)


async def test_a_flood_of_one_address_costs_another_nothing(stack: AsyncExitStack) -> None:
    """All places of its address are taken by whoever says nothing, again and again."""
    async with edge_serving(connections=ConnectionBounds(100, 25)) as here:
        other, asks = await stack.enter_async_context(here.caller(OTHER))
        for _ in range(200):
            await stack.enter_async_context(here.caller())
        assert b" 200 " in await answered(here, OTHER)
        await here.until_left(26)
        asks.write(GET)
        assert b" 200 " in await answer(other)


@pytest.mark.parametrize("said", [SILENT, HANDSHAKE], ids=["request", "WebSocket"])
async def test_where_all_of_an_address_are_at_work_one_more_is_told_so(
    said: bytes, stack: AsyncExitStack
) -> None:
    async with edge_serving(connections=ConnectionBounds(10, 1)) as here:
        await working(here, stack, said)
        told = await here.told(b"")
        assert b" 503 " in told
        assert b"1 connections are open from this address: close one" in told
        assert b" 200 " in await answered(here, OTHER)
        await stack.aclose()
        await until_answered(here)


async def test_places_come_back_however_a_connection_ends(stack: AsyncExitStack) -> None:
    async with edge_serving(
        connections=ConnectionBounds(10, 1), head_seconds=0.05, linger_seconds=0.05
    ) as here:
        for said in (b"", b"GET / HT", SILENT, HANDSHAKE, b"\x16\x03\x01\r\n\r\n", HANDSHAKE + b"\x83\0"):
            await working(here, stack, said)
            await stack.aclose()
            await until_answered(here)


async def test_a_proxy_that_is_named_has_as_many_as_there_are(stack: AsyncExitStack) -> None:
    async with edge_serving(connections=ConnectionBounds(4, 1, [read_network(OTHER)])) as here:
        opened = [await stack.enter_async_context(here.caller(OTHER)) for _ in range(4)]
        for reader, writer in opened:
            writer.write(GET)
            assert b" 200 " in await answer(reader)
        assert b" 200 " in await answered(here, OTHER)
        assert await is_ended(opened[0][0]), "in all it counts"


async def test_handshakes_of_tls_are_of_an_address_too(tmp_path: Path, stack: AsyncExitStack) -> None:
    """As many as one may have say nothing; another address still gets its own, and those are no more."""
    context = await asyncio.to_thread(ServerContext, Authority(tmp_path).issue("server").files())
    async with edge_serving(tls=context, connections=ConnectionBounds(100, 2)) as here:
        other, _ = await stack.enter_async_context(here.caller(OTHER))
        opened = [await stack.enter_async_context(here.caller()) for _ in range(5)]
        for reader, _ in opened[:3]:
            assert await is_ended(reader)
        for reader in (other, *(reader for reader, _ in opened[3:])):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(), 0.05)


class Peer(asyncio.BaseTransport):
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._extra[name]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("peer", "whose"),
    [
        (("198.51.100.1", 4711), "198.51.100.1"),
        (("::ffff:198.51.100.1", 4711, 0, 0), "198.51.100.1"),
        (("2001:db8::1:0:0:1", 4711, 0, 0), "2001:db8::/64"),
        (("fe80::1%eth0", 4711, 0, 2), "fe80::/64"),
        (("10.1.2.3", 4711), ""),
        ("", ""),
        (None, ""),
    ],
)
def test_whose_a_connection_is(peer: Any, whose: str) -> None:
    bounds = ConnectionBounds(10, proxies=[read_network("10.0.0.0/8")])
    assert bounds.address_of(Peer({"peername": peer})) == whose


@pytest.mark.parametrize(("in_all", "given", "of_one"), [(480, 0, 120), (480, 7, 7), (2, 0, 1)])
def test_an_address_has_a_quarter_unless_it_is_said(in_all: int, given: int, of_one: int) -> None:
    assert ConnectionBounds(in_all, given).of_one_address == of_one
