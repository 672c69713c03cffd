"""What is answered to a bad request: always OpenAI's error object, which names what is wrong."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from voice_grpc.whisper_server.errors import ApiError
from voice_grpc.whisper_server.upload import bounded, uploaded

from .process import KEY, TRANSCRIPTIONS, Process, multipart, raw_request, tone, upload, wav

SOUND = wav(tone(0.5))


def refused(response: httpx2.Response, status: int) -> dict[str, Any]:
    """The inside of the error object."""
    assert response.status_code == status, response.text
    body = response.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == ("server_error" if status >= 500 else "invalid_request_error")
    assert error["message"]
    return error


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"language": "klingon"}, "language", ("klingon", "ISO 639-1")),
        ({"language": "x" * 5000}, "language", ("xxx",)),
        ({"response_format": "xml"}, "response_format", ("xml", "json, text, srt, verbose_json, vtt")),
        ({"temperature": "hot"}, "temperature", ("hot", "0 to 1")),
        ({"temperature": "nan"}, "temperature", ("nan",)),
        ({"temperature": "1.5"}, "temperature", ("1.5",)),
        ({"stream": "maybe"}, "stream", ("maybe", "true, false")),
        ({"stream": "true", "response_format": "srt"}, "stream", ("srt",)),
        ({"timestamp_granularities[]": "phoneme"}, "timestamp_granularities[]", ("phoneme", "segment, word")),
    ],
)
async def test_a_wrong_field_is_named(
    client: httpx2.AsyncClient, fields: dict[str, str], param: str, said: tuple[str, ...]
) -> None:
    error = refused(await client.post(TRANSCRIPTIONS, files=upload(SOUND), data=fields), 400)
    assert error["param"] == param
    assert all(part in error["message"] for part in said), error["message"]
    assert len(error["message"]) < 300


async def test_a_model_that_is_not_here(client: httpx2.AsyncClient) -> None:
    asked = {"model": "gpt-4o-transcribe"}
    error = refused(await client.post(TRANSCRIPTIONS, files=upload(SOUND), data=asked), 404)
    assert (error["param"], error["code"]) == ("model", "model_not_found")
    assert "whisper-1" in error["message"]
    error = refused(await client.get("/v1/models/gpt-4o"), 404)
    assert error["code"] == "model_not_found"


async def test_a_missing_file(client: httpx2.AsyncClient) -> None:
    other = {"audio": ("a.wav", SOUND)}
    error = refused(await client.post(TRANSCRIPTIONS, files=other), 400)
    assert (error["param"], error["code"]) == ("file", "missing_file")
    text = {"file": (None, b"the words")}
    error = refused(await client.post(TRANSCRIPTIONS, files=text), 400)
    assert "filename" in error["message"]


async def test_an_empty_file_and_one_without_sound(client: httpx2.AsyncClient) -> None:
    error = refused(await client.post(TRANSCRIPTIONS, files=upload(b"")), 400)
    assert (error["param"], error["code"]) == ("file", "empty_file")
    error = refused(await client.post(TRANSCRIPTIONS, files=upload(wav(tone(0.0)))), 400)
    assert "no sound" in error["message"]


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b'{"file": "a.wav"}', 415),
        ("audio/wav", SOUND, 415),
        ("application/x-www-form-urlencoded", b"file=x", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=edge", b"no multipart at all", 400),
        ("multipart/form-data; boundary=edge", b"", 400),
        ("multipart/form-data; boundary=edge", b"--edge\r\nX: y\r\n\r\nz\r\n--edge--\r\n", 400),
    ],
)
async def test_a_body_of_another_kind(
    client: httpx2.AsyncClient, kind: str, body: bytes, status: int
) -> None:
    response = await client.post(TRANSCRIPTIONS, content=body, headers={"content-type": kind})
    refused(response, status)


@pytest.mark.parametrize("size", [0.0, 0.1, 0.5, 0.9, 0.999])
async def test_a_multipart_body_that_ends_too_soon(client: httpx2.AsyncClient, size: float) -> None:
    kind, body = multipart(SOUND, [("language", "en")])
    cut = body[: int(len(body) * size)]
    response = await client.post(TRANSCRIPTIONS, content=cut, headers={"content-type": kind.decode()})
    refused(response, 400)


async def test_too_large_by_its_own_account_is_refused_unread(server: Process) -> None:
    head = raw_request(b"").partition(b"\r\n\r\n")[0]
    head = head.replace(b"Content-Length: ", b"Content-Length: 99999999999\r\nX-Was: ")
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head + b"\r\n\r\n")
    assert b" 413 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_a_head_without_an_end_is_refused(server: Process) -> None:
    """It stands behind the edge of `net/http`, where the other bounds are tested."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n")
    assert b" 431 " in await reader.readline()
    writer.close()
    await writer.wait_closed()


async def test_a_body_that_does_not_come_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with uploaded(Request(scope, receive), 100):
            raise AssertionError("there is no body")

    async def nothing() -> Message:
        await asyncio.Event().wait()
        return {}

    monkeypatch.setattr("voice_grpc.whisper_server.upload._UPLOAD_SECONDS", 0.05)
    headers = [(b"content-type", multipart(b"")[0])]
    with pytest.raises(ApiError, match="did not come within 0.05 s") as told:
        await bounded(app, 100)({"type": "http", "method": "POST", "headers": headers}, nothing, unheard)
    assert (told.value.status, told.value.code) == (408, "upload_timeout")


async def unheard(message: Message) -> None:
    """Where an answer goes that nobody waits for."""


async def test_too_large_is_refused_while_it_comes_in(client: httpx2.AsyncClient, server: Process) -> None:
    """Without a length, 40 MB; the caller gets its answer although it still sends."""
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield multipart(b"")[1].partition(b"\r\n--edge--")[0]
        while sent < 40 << 20:
            sent += 1 << 16
            yield bytes(1 << 16)

    before = server.metric("whisper_requests_total", outcome="too_large")
    headers = {"content-type": multipart(b"")[0].decode()}
    error = refused(await client.post(TRANSCRIPTIONS, content=endless(), headers=headers), 413)
    assert (error["param"], error["code"]) == ("file", "content_too_large")
    assert "2097152" in error["message"]
    assert server.metric("whisper_requests_total", outcome="too_large") == before + 1


async def test_a_file_a_little_too_large(client: httpx2.AsyncClient) -> None:
    data = wav(tone(0.5))
    error = refused(await client.post(TRANSCRIPTIONS, files=upload(data.ljust((2 << 20) + 1, b"\0"))), 413)
    assert error["code"] == "content_too_large"
    response = await client.post(TRANSCRIPTIONS, files=upload(data.ljust(2 << 20, b"\0")))
    assert response.status_code == 200, response.text


async def test_too_long_for_its_size(client: httpx2.AsyncClient) -> None:
    minutes = wav(tone(200), 8_000, "FLAC", "PCM_16")
    error = refused(await client.post(TRANSCRIPTIONS, files=upload(minutes, "a.flac")), 400)
    assert "longer than the 120 s" in error["message"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_wrong_method(client: httpx2.AsyncClient, method: str) -> None:
    response = await client.request(method, TRANSCRIPTIONS)
    assert "POST" in refused(response, 405)["message"]
    assert response.headers["allow"] == "POST"


async def test_an_unknown_path(client: httpx2.AsyncClient) -> None:
    error = refused(await client.post("/v1/audio/speech"), 404)
    assert error["code"] == "unknown_url"
    assert "POST /v1/audio/speech" in error["message"]


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x", "Bearer ключ"],
)
async def test_a_wrong_key(server: Process, given: str | None) -> None:
    headers = [] if given is None else [(b"authorization", given.encode())]
    async with httpx2.AsyncClient(base_url=server.url, headers=headers) as stranger:
        for response in (
            await stranger.get("/v1/models"),
            await stranger.get("/v1/models/whisper-1"),
            await stranger.post(TRANSCRIPTIONS, files=upload(SOUND)),
        ):
            assert refused(response, 401)["code"] == "invalid_api_key"
            assert response.headers["www-authenticate"] == "Bearer"
            assert KEY not in response.text


async def test_one_too_many_is_told_to_come_back(client: httpx2.AsyncClient, server: Process) -> None:
    """All 40 places are held by callers that send slowly; when they go, there is room again."""
    half = raw_request(SOUND)[:-2000]
    abandoned = server.metric("whisper_requests_total", outcome="abandoned")
    async with AsyncExitStack() as callers:
        for _ in range(40):
            caller = callers.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            caller.sendall(half)
        async with asyncio.timeout(60):
            while server.metric("whisper_requests_open") < 40:
                await client.get("/health")
        response = await client.post(TRANSCRIPTIONS, files=upload(SOUND))
        assert refused(response, 503)["code"] == "overloaded"
        assert int(response.headers["retry-after"]) >= 1
    async with asyncio.timeout(60):
        while server.metric("whisper_requests_open") > 0:
            await client.get("/health")
    assert server.metric("whisper_requests_total", outcome="abandoned") == abandoned + 40
    assert (await client.post(TRANSCRIPTIONS, files=upload(SOUND))).status_code == 200
