"""What strangers send at the gateway's edge: each gets a clear end, and none of it is a bug in the log."""

import asyncio
import json
import logging
from collections.abc import Iterator
from functools import reduce
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from gateway.app import MAX_OFFER
from tests.crowd import OTHER, WAYS, answer_to, crowd
from tests.serving import WITHIN

from .harness import Deployment, deployed

OFFER = b"POST /v1/webrtc HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n"
GET = b"GET %b HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n"
HANDSHAKE = (
    b"GET /v1/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
HALF = "\\ud800"


@pytest.fixture(autouse=True)
def _no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING):
        yield
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


async def told(here: Deployment, said: bytes) -> tuple[int, str]:
    """Status and body of what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    writer.write(said)
    async with asyncio.timeout(WITHIN):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        body = await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()
    return int(head.split(b" ")[1]), body.decode()


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("first", "field"),
    [
        (f'{{"type": "start", "persona": "{HALF}"}}', "persona"),
        (f'{{"type": "start", "token": "{HALF}"}}', "token"),
        (f'{{"type": "start", "language": ["en", "{HALF}"]}}', "language.1"),
        (f'{{"type": "start", "{HALF}": 1}}', ""),
        (f'{{"type": "text", "text": "a{HALF}"}}', "text"),
        (f'{{"type": "{HALF}"}}', "type"),
    ],
)
async def test_half_a_surrogate_pair_is_told(first: str, field: str) -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send(first)
        code, _ = await browser.closed()
        error = browser.texts[-1]
        assert (code, error["code"], error.get("field", "")) == (4400, 4400, field)
        assert "half of a surrogate pair" in error["message"]


@pytest.mark.parametrize(
    ("first", "field"),
    [
        (f'{{"config": {{"instructions": "{HALF}"}}}}', "config.instructions"),
        (f'{{"config": {{"{HALF}": "a"}}}}', "config"),
        (f'{{"{HALF}": {{}}}}', ""),
        (f'{{"config": {{}}, "authorization": "Bearer {HALF}"}}', "authorization"),
    ],
)
async def test_half_a_surrogate_pair_is_told_in_json(first: str, field: str) -> None:
    async with deployed() as here, here.browser("voice.v1.json") as browser:
        await browser.send(first)
        assert (await browser.closed())[0] == 4400
        assert browser.texts[-1]["error"].get("field", "") == field


async def test_a_whole_surrogate_pair_is_a_character() -> None:
    async with deployed() as here, here.browser() as browser:
        await browser.send('{"type": "start", "instructions": "\\ud83d\\ude00"}')
        await browser.said(type="ready")


@pytest.mark.parametrize(("levels", "code"), [(20, 1000), (60, 4400), (900, 4400)])
async def test_objects_deeper_than_the_server_reads_are_told(levels: int, code: int) -> None:
    nested: dict[str, Any] = reduce(lambda inner, _: {"a": inner}, range(levels), {})
    tool = {"name": "deep", "description": "Deep.", "parameters": {"type": "object", "properties": nested}}
    async with deployed() as here, here.browser("voice.v1.json") as browser:
        await browser.send({"config": {"tools": [tool]}})
        if code == 1000:
            await browser.until(lambda: bool(browser.texts), "a start")
            assert "sessionStarted" in browser.texts[0]
        else:
            assert (await browser.closed())[0] == code


# ---------------------------------------------------------------- tokens


@pytest.mark.parametrize("token", ["a\nb", "\0", "é", "a b", "\x7f", "😀"])
async def test_a_token_that_can_be_none_is_told(token: str) -> None:
    async with deployed() as here:
        async with here.browser() as browser:
            await browser.send({"type": "start", "token": token})
            code, said = await browser.closed()
            assert (code, (said or "").partition(":")[0]) == (4401, "token")
        async with here.browser("voice.v1.json") as browser:
            await browser.send({"config": {}, "authorization": f"Bearer {token}"})
            assert (await browser.closed())[0] == 4401


@pytest.mark.parametrize("path", [b"/v1/info", b"/v1/sessions/mine"])
async def test_a_token_that_can_be_none_is_told_in_http(path: bytes) -> None:
    async with deployed() as here:
        status, body = await told(here, GET % (path, "Authorization: Bearer é".encode()))
        assert (status, json.loads(body)["error"]["field"]) == (401, "token")


# ---------------------------------------------------------------- those who go


async def test_an_offer_that_breaks_off_is_no_bug() -> None:
    async with deployed() as here:
        for end in (b"v=0", b"", b"v=0\r\n" * 100):
            _, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(OFFER + b"Content-Length: 5000\r\n\r\n" + end)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        assert (await told(here, GET % (b"/health", b"A: b")))[0] == 200


async def test_browsers_that_vanish_in_the_middle_of_an_answer_are_no_bug() -> None:
    async with deployed() as here:
        for number in range(10):
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(HANDSHAKE)
            await reader.readuntil(b"\r\n\r\n")
            for text in ('{"type": "start"}', '{"type": "text", "text": "Hello?"}'):
                writer.write(Frame(Opcode.TEXT, text.encode()).serialize(mask=True))
            async with asyncio.timeout(WITHIN):
                await reader.readexactly(2_000)  # it speaks
            if number % 2:
                writer.write(Frame(Opcode.BINARY, bytes(300_000)).serialize(mask=True))
            writer.transport.abort()
        async with asyncio.timeout(WITHIN):
            while '"conversations":0' not in (await told(here, GET % (b"/health", b"A: b")))[1]:
                pass


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("size", [MAX_OFFER + 1, 99_999_999_999])
async def test_an_offer_too_large_is_told(size: int) -> None:
    async with deployed() as here:
        status, body = await told(here, OFFER + b"Content-Length: %d\r\n\r\n" % size)
        assert (status, body) == (413, f"body: got {size} bytes, accepted: up to {MAX_OFFER}")


async def test_an_offer_that_does_not_come_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.app.OFFER_SECONDS", 0.05)
    async with deployed() as here:
        status, body = await told(here, OFFER + b"Content-Length: 100\r\n\r\nv=0")
        assert (status, body) == (408, "body: it did not come within 0.05 s")


@pytest.mark.parametrize("way", ["silent", "dripping"])
async def test_a_crowd_of_one_address_costs_another_nothing(way: str) -> None:
    """Neither a conversation that is open, nor the page."""
    async with deployed(gateway={"max_connections": 40}) as here, here.browser() as browser:
        await browser.send({"type": "start"})
        await browser.said(type="ready")
        async with crowd(here.port, WAYS[way]) as strangers:
            assert await answer_to(here.port, b"/health", OTHER) == 200
            strangers.drip()
            await strangers.until_left(9)
            assert await answer_to(here.port, b"/", OTHER) == 200
            await browser.send({"type": "text", "text": "Hello?"})
            await browser.until(lambda: bool(browser.sound), "an answer")


async def test_heads_have_a_bound_and_connections_too() -> None:
    """As `net/http` has them; that the gateway stands behind it is what is shown."""
    async with deployed(gateway={"max_connections": 2, "max_connections_per_address": 3}) as here:
        assert (await told(here, GET % (b"/health", b"A: " + b"b" * 20_000)))[0] == 431
        async with here.browser(), here.browser():
            assert await told(here, b"") == (
                503,
                "2 connections are open, which is all there is room for\n",
            )
