"""What one connection can cost, on a real port: every bound in bytes and in seconds, seen from the caller."""

import asyncio
import importlib.util
import logging
from contextlib import suppress

import pytest

from tests.serving import WITHIN
from voice_grpc.net.http.edge import HEAD_BYTES
from voice_grpc.net.http.places import ConnectionBounds

from .serving import GET, HANDSHAKE, HEAD, LONG, MOST_BYTES, answer, edge_serving, ending

SHORT = 0.05


def status(told: bytes) -> int:
    return int(told.split(b" ", 2)[1])


# ---------------------------------------------------------------- bytes


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * HEAD_BYTES + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: a\r\n" * (HEAD_BYTES // 6) + b"\r\n",
        b"GET /" + b"a" * HEAD_BYTES + b" HTTP/1.1\r\n" + HEAD + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * 4_000_000,
        b"a" * 4_000_000,
        b"GET /socket HTTP/1.1\r\n" + HEAD + b"Upgrade: websocket\r\nX: " + b"a" * HEAD_BYTES + b"\r\n\r\n",
    ],
    ids=["header", "headers", "path", "no end", "no line", "handshake"],
)
async def test_a_head_without_an_end_is_refused(said: bytes) -> None:
    async with edge_serving() as here:
        told = await here.told(said)
        assert status(told) == 431
        assert b"got more than 16384 bytes" in told


async def test_a_head_as_large_as_it_may_be_is_taken() -> None:
    async with edge_serving() as here, here.caller() as (reader, writer):
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"a" * (HEAD_BYTES - 100) + b"\r\n\r\n")
            assert status(await answer(reader)) == 200


def test_the_parser_is_the_one_with_a_bound_where_another_is_installed() -> None:
    """uvicorn would take httptools by itself, which has none."""
    assert importlib.util.find_spec("httptools") is not None, "or the tests above prove little"


@pytest.mark.parametrize(
    "said",
    [
        b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 9999999999\r\n\r\n",
        b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 1001\r\n\r\n" + b"a" * 1001,
        b"POST /upload HTTP/1.1\r\n"
        + HEAD
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"64\r\n%b\r\n" % (b"a" * 100) * 11,
    ],
    ids=["declared", "sent", "chunked"],
)
async def test_a_body_beyond_its_bound_is_refused(said: bytes) -> None:
    async with edge_serving() as here, here.caller() as (reader, writer):
        writer.write(said)
        assert status(await answer(reader)) == 413
        assert b"accepted: up to %d" % MOST_BYTES in await reader.read(100)


async def test_a_body_as_large_as_it_may_be_is_taken() -> None:
    async with edge_serving() as here, here.caller() as (reader, writer):
        writer.write(b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 1000\r\n\r\n" + b"a" * 1000)
        assert status(await answer(reader)) == 200


async def test_a_body_that_nobody_reads_ends_the_connection() -> None:
    """Its answer arrives all the same; it is thrown away for as long as it takes to be read."""
    async with edge_serving(linger_seconds=0.2) as here, here.caller() as (reader, writer):
        writer.write(b"POST /unread HTTP/1.1\r\n" + HEAD + b"Content-Length: 9999999999\r\n\r\nabc")
        assert status(await ending(reader)) == 415
        with pytest.raises(ConnectionError):
            await here.flood(writer, b"a" * 65_536)
        await here.until_alone()


# ---------------------------------------------------------------- seconds


@pytest.mark.parametrize("said", [b"", b"GET / HT", GET + b"GET / HTTP/1.1\r\nHo"], ids=["0", "1", "2"])
async def test_a_head_that_does_not_come_ends_the_connection(said: bytes) -> None:
    async with edge_serving(head_seconds=SHORT, idle_seconds=SHORT, linger_seconds=SHORT) as here:
        told = await here.told(said)
        assert (b" 408 " in told) == (said == b"GET / HT")
        await here.until_alone()


@pytest.mark.parametrize("before", [b"", GET])
async def test_a_head_that_drips_ends_the_connection(before: bytes) -> None:
    """Each byte is within the time of the one before."""
    async with edge_serving(head_seconds=0.2, linger_seconds=SHORT) as here:
        async with here.caller() as (reader, writer):
            writer.write(before)
            if before:
                await answer(reader)
            async with asyncio.TaskGroup() as tasks:
                told = tasks.create_task(ending(reader))
                while not told.done():
                    writer.write(b"a")
                    await asyncio.sleep(0.01)
            assert status(told.result()) == 408
        await here.until_alone()


async def test_two_hundred_that_say_nothing_are_gone() -> None:
    async with edge_serving(head_seconds=0.3) as here:
        opened = [await asyncio.open_connection("127.0.0.1", here.port) for _ in range(200)]
        assert len(here.connections) > 100
        await here.until_alone()
        for _, writer in opened:
            writer.transport.abort()


async def test_an_idle_connection_is_closed() -> None:
    async with edge_serving(idle_seconds=SHORT) as here:
        assert status(await here.told(GET)) == 200


async def test_a_body_that_drips_is_refused() -> None:
    async with edge_serving(body_seconds=SHORT, linger_seconds=SHORT) as here:
        told = await here.told(b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\na")
        assert status(told) == 408
        await here.until_alone()


async def test_an_answer_that_is_not_taken_ends_the_connection() -> None:
    async with edge_serving(write_seconds=SHORT) as here, here.caller() as (reader, writer):
        writer.write(b"GET /long HTTP/1.1\r\n" + HEAD + b"\r\n")
        await here.until_alone()


async def test_an_answer_that_is_taken_slowly_is_whole() -> None:
    async with edge_serving(write_seconds=5.0, idle_seconds=SHORT) as here, here.caller() as (reader, writer):
        writer.write(b"GET /long HTTP/1.1\r\n" + HEAD + b"\r\n")
        told = await ending(reader)
        assert told.endswith(b"\r\n\r\n" + LONG)


# ---------------------------------------------------------------- connections in all


UPLOADING = b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 100\r\n\r\na"


@pytest.mark.parametrize("said", [b"", b"GET / HT", UPLOADING], ids=["nothing", "head", "body"])
async def test_one_connection_more_closes_the_one_that_waited_longest(said: bytes) -> None:
    async with (
        edge_serving(connections=ConnectionBounds(3, 3)) as here,
        here.caller() as (first, dripping),
        here.caller() as (second, asking),
        here.caller(),
    ):
        dripping.write(said)
        asking.write(GET)
        await answer(second)  # by now what `first` says has been read too
        async with here.caller() as (reader, writer):
            writer.write(GET)
            assert status(await answer(reader)) == 200
            with suppress(ConnectionError):
                assert await ending(first) == b""
            assert len(here.connections) == 3


async def test_where_all_are_at_work_one_more_is_told_so() -> None:
    async with (
        edge_serving(connections=ConnectionBounds(2, 2), linger_seconds=SHORT) as here,
        here.caller() as (reader, writer),
    ):
        writer.write(HANDSHAKE)
        await answer_of_handshake(reader)
        async with here.caller() as (_, working):
            working.write(b"GET /silent HTTP/1.1\r\n" + HEAD + b"\r\n")
            await asyncio.wait_for(until_at_work(here.port), WITHIN)
            assert b" 503 " in (told := await here.told(b""))
            assert b"2 connections are open" in told


async def answer_of_handshake(reader: asyncio.StreamReader) -> None:
    assert status(await reader.readuntil(b"\r\n\r\n")) == 101


async def until_at_work(port: int) -> None:
    """Until one more is told 503: before that it takes the place of one that waits."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        told = await reader.read()
        writer.transport.abort()
        if b" 503 " in told:
            return


# ---------------------------------------------------------------- what is no request


@pytest.mark.parametrize(
    "said",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"POST /upload HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /upload HTTP/1.1\r\n" + HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_answered_and_logs_no_traceback(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with edge_serving(linger_seconds=SHORT, head_seconds=SHORT) as here:
            assert status(await here.told(said)) in (400, 408)
            await here.until_alone()
    assert not any(record.exc_info for record in caplog.records)


async def test_a_broken_body_under_a_long_answer_ends_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with edge_serving() as here, here.caller() as (reader, writer):
        writer.write(b"GET /long HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        await reader.read(1)
        writer.write(b"zz\r\n")
        await here.until_alone()
    assert not any(record.exc_info for record in caplog.records)
