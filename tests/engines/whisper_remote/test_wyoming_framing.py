"""Wyoming's framing, against the package of that name and against what is none."""

import asyncio

import numpy as np
import pytest
from wyoming.event import Event as TheirEvent
from wyoming.event import async_read_event, async_write_event

from tests.fakes.wyoming import FORMAT
from voice_grpc.core.audio import RATE_HZ
from voice_grpc.core.errors import EngineError, EngineUnreachable
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.wyoming import EventWire, WyomingEvent, WyomingStt, written
from voice_grpc.ports import SttOptions

QUICK = Timeouts(connect=2.0, first=0.8, between=0.4)

EVENTS = [
    WyomingEvent("describe"),
    WyomingEvent("audio-chunk", FORMAT, bytes(range(256)) * 4),
    WyomingEvent("transcript", {"text": 'Grüße "here"\nand there'}),
]


def reading(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
async def test_theirs_reads_what_ours_writes(event: WyomingEvent) -> None:
    theirs = await async_read_event(reading(written(event)))
    assert theirs is not None
    assert (theirs.type, theirs.data, theirs.payload or b"") == (event.type, event.data, event.payload)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.type)
async def test_ours_reads_what_theirs_writes(event: WyomingEvent) -> None:
    got: list[WyomingEvent] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await async_write_event(TheirEvent(event.type, dict(event.data), event.payload or None), writer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        streams = await asyncio.open_connection(*server.sockets[0].getsockname())
        wire = EventWire(*streams, "there")
        got.append(await wire.receive())
        with pytest.raises(EngineUnreachable):
            await wire.receive()
        await wire.close()
    assert got == [event]


async def test_data_may_be_in_the_header_too() -> None:
    lines = (
        b'{"type": "transcript", "data": {"text": "a", "language": "en"}, "data_length": 13}\n{"text": "b"}'
    )
    received = await EventWire(reading(lines), None, "there").receive()  # type: ignore[arg-type]
    assert received == WyomingEvent("transcript", {"text": "b", "language": "en"})


@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b"[]\n",
        b'{"data": {}}\n',
        b'{"type": "info", "data_length": -1}\n',
        b'{"type": "info", "data_length": 1000000000000}\n',
        b'{"type": "info", "data_length": "7"}\n',
        b'{"type": "info", "data_length": 2}\n[]',
        b"x" * 70_000 + b"\n",
        b"[" * 20_000 + b"]" * 20_000 + b"\n",
    ],
)
async def test_what_is_no_wyoming(line: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(line)
        await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stt = WyomingStt(parse_address(f"tcp://127.0.0.1:{port}"), timeouts=QUICK)
        with pytest.raises(EngineError, match="does not speak Wyoming") as caught:
            await stt.warm()
        assert not caught.value.retryable
        stream = stt.open(SttOptions())
        stream.feed(np.ones(RATE_HZ, np.int16))
        with pytest.raises(EngineError, match="does not speak Wyoming"):
            await stream.final()
        await stream.close()
        await stt.close()
