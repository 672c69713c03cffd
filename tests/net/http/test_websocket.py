"""What a WebSocket can cost below its messages, and handshakes that are none."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.frames import Frame, Opcode

from tests.serving import WITHIN
from voice_grpc.net.http.websocket import MAX_FRAGMENTS

from .serving import HANDSHAKE, UPGRADE, EdgeServed, edge_serving, ending


def frame(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


@asynccontextmanager
async def opened(here: EdgeServed) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with here.caller() as (reader, writer):
        writer.write(HANDSHAKE)
        assert b" 101 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), WITHIN)
        yield reader, writer


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"POST /socket HTTP/1.1\r\n" + UPGRADE + b"\r\n", 405),
        (b"GET /socket HTTP/1.1\r\n" + UPGRADE + b"Content-Length: 3\r\n\r\nabc", 400),
        (b"GET /socket HTTP/1.1\r\n" + UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /socket HTTP/1.1\r\n" + UPGRADE + b"X: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"GET /socket HTTP/1.1\r\n" + UPGRADE + b"X: a\r\n" * 200 + b"\r\n", 431),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + UPGRADE + b"\r\n", 414),
        (b"GET /nowhere HTTP/1.1\r\n" + UPGRADE + b"\r\n", 403),
    ],
    ids=["method", "body", "chunks", "header", "headers", "path", "nowhere"],
)
async def test_what_is_no_handshake_is_answered_and_closed(
    said: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with edge_serving() as here:
        assert b" %d " % status in (await here.told(said)).split(b"\r\n")[0]
        await here.until_alone()
    assert not any(record.exc_info for record in caplog.records)


async def test_a_message_in_pieces_is_one_and_one_in_too_many_ends_the_socket() -> None:
    async with edge_serving() as here:
        async with opened(here) as (reader, writer):
            for number in range(MAX_FRAGMENTS):
                opcode = Opcode.CONT if number else Opcode.TEXT
                writer.write(frame(opcode, b"a", fin=number == MAX_FRAGMENTS - 1))
            assert (await reader.readexactly(4 + MAX_FRAGMENTS))[4:] == b"a" * MAX_FRAGMENTS
            writer.write(frame(Opcode.TEXT, b"", fin=False))
            writer.write(frame(Opcode.CONT, b"", fin=False) * MAX_FRAGMENTS)
            closing = await ending(reader)
        assert (closing[0], int.from_bytes(closing[2:4], "big")) == (0x88, 1009)
        await here.until_alone()


async def test_pongs_that_nobody_reads_end_the_socket() -> None:
    async with edge_serving() as here, opened(here) as (_, writer):
        pings = frame(Opcode.PING, b"a" * 125) * 500
        with pytest.raises(ConnectionError):
            await here.flood(writer, pings)
        await here.until_alone()


async def test_who_reads_nothing_is_gone_some_time_after_the_end(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio keeps a transport that is closed and not empty for ever."""
    async with edge_serving(write_seconds=0.05) as here, opened(here) as (_, writer):
        writer.write(frame(Opcode.TEXT, b"flood"))
        (connection,) = here.connections
        async with asyncio.timeout(WITHIN):
            while not connection.transport.get_write_buffer_size():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        connection.transport.close()
        await here.until_alone()
    assert not any(record.exc_info for record in caplog.records)


async def test_a_frame_too_large_in_the_middle_of_an_answer_is_no_bug(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice_grpc.net.http.websocket.LINGER_SECONDS", 0.05)
    with caplog.at_level(logging.WARNING):
        async with edge_serving() as here, opened(here) as (reader, writer):
            writer.write(frame(Opcode.TEXT, b"flood"))
            await reader.readexactly(1_000_000)
            writer.write(b"\xff\xff")  # reserved bits and no opcode
            await here.until_alone()
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize(
    "said",
    [
        frame(Opcode.TEXT, b"a\xff"),
        frame(Opcode.TEXT, "é".encode()[:1]),
        frame(Opcode.TEXT, b"a", fin=False) + frame(Opcode.CONT, b"\xed\xa0\x80"),
    ],
    ids=["no character", "half of one", "half of a surrogate pair"],
)
async def test_a_text_that_is_none_ends_the_socket_and_is_no_bug(
    said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with edge_serving() as here:
        async with opened(here) as (reader, writer):
            writer.write(said)
            closing = await ending(reader)
        assert (closing[0], int.from_bytes(closing[2:4], "big")) == (0x88, 1007)
        await here.until_alone()
    assert not any(record.exc_info for record in caplog.records)


async def test_a_character_may_be_cut_by_fragments() -> None:
    async with edge_serving() as here, opened(here) as (reader, writer):
        first, second = "é".encode()[:1], "é".encode()[1:]
        writer.write(frame(Opcode.TEXT, first, fin=False) + frame(Opcode.CONT, second))
        assert (await reader.readexactly(4))[2:] == "é".encode()


async def test_a_handshake_that_is_refused_is_no_bug(caplog: pytest.LogCaptureFixture) -> None:
    async with edge_serving() as here:
        said = await here.told(HANDSHAKE.replace(b"/socket", b"/denied"))
        assert said.startswith(b"HTTP/1.1 403 ")
        assert said.endswith(b"not you")
        await here.until_alone()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Frame(Opcode.BINARY, bytes(20_000_000)).serialize(mask=True), 1009),
        (frame(Opcode.TEXT, b"\xff") + frame(Opcode.BINARY, bytes(60_000)) * 300, 1007),
        (b"\xff\xff" + bytes(20_000_000), 1002),
    ],
    ids=["too large", "no text", "no frame"],
)
async def test_why_a_socket_was_ended_is_read_also_by_who_is_still_sending(said: bytes, code: int) -> None:
    """A reset would take it away, as the kernel sends one for bytes that nobody read."""
    async with edge_serving() as here, opened(here) as (reader, writer):
        for at in range(0, len(said), 1 << 20):
            writer.write(said[at : at + (1 << 20)])
            await writer.drain()
        closing = await ending(reader)
        assert (closing[0], int.from_bytes(closing[2:4], "big")) == (0x88, code)
        writer.write(frame(Opcode.CLOSE, code.to_bytes(2, "big")))
        writer.write_eof()
        await here.until_alone()


async def test_who_stays_after_the_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice_grpc.net.http.websocket.LINGER_SECONDS", 0.05)
    async with edge_serving() as here, opened(here) as (_, writer):
        writer.write(b"\xff\xff")
        await here.until_alone()


async def test_who_sends_on_after_the_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voice_grpc.net.http.websocket.LINGER_SECONDS", 0.05)
    async with edge_serving() as here, opened(here) as (_, writer):
        writer.write(b"\xff\xff")
        with pytest.raises(ConnectionError):
            await here.flood(writer, bytes(65_536))
        await here.until_alone()
