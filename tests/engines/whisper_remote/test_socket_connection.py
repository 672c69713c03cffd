"""What all Whisper servers with a WebSocket have in common: when a connection is opened, what becomes of one
that breaks, and what of a secret is told."""

import asyncio
import logging
import shutil
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_live import FakeWhisperLive
from voice_grpc.core.errors import EngineDenied, EngineError, EngineTimeout, EngineUnreachable
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.whisper_live import WhisperLiveStt
from voice_grpc.ports import SttOptions

from .asking import QUICK, TEXT, heard, hum, whisper_live

# ---------------------------------------------------------------- what is no such server


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", EngineError),
        (b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n", EngineError),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", EngineDenied),
        (b"SSH-2.0-OpenSSH_9.2\r\n", EngineError),
        (b"", EngineUnreachable),
    ],
)
async def test_what_is_no_whisper_live(answer: bytes, kind: type[EngineError]) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        stt = WhisperLiveStt(parse_address(f"ws://127.0.0.1:{port}"), timeouts=QUICK)
        with pytest.raises(kind) as caught:
            await heard(stt, hum(2))
        assert caught.value.advice or caught.value.retryable
        await stt.close()


@pytest.mark.parametrize(
    "nonsense",
    ["[]", "no json", '{"segments": 7}', '{"segments": [{}]}', '{"status": "WAIT", "message": "soon"}'],
)
async def test_nonsense_is_an_error_and_nothing_worse(nonsense: str) -> None:
    from websockets.asyncio.server import ServerConnection, serve

    async def talk(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            await socket.recv()
            await socket.send('{"message": "SERVER_READY"}')
            await socket.send(nonsense)
            await socket.wait_closed()

    async with serve(talk, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        stt = WhisperLiveStt(parse_address(f"ws://127.0.0.1:{port}"), timeouts=QUICK)
        with pytest.raises(EngineError) as caught:
            await heard(stt, hum(2))
        assert not isinstance(caught.value, EngineTimeout)
        await stt.close()


async def test_a_certificate_counts_once_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("without openssl")
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    make = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", "-subj", "/CN=localhost", "-days", "1"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await make.wait() == 0
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    async with FakeWhisperLive(tls=tls) as fake:
        untrusted = WhisperLiveStt(parse_address(fake.url), timeouts=QUICK)
        with pytest.raises(EngineUnreachable, match="certificate") as caught:
            await untrusted.warm()
        assert "SSL_CERT_FILE" in caught.value.advice
        await untrusted.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        trusted = WhisperLiveStt(parse_address(fake.url), timeouts=QUICK)
        assert (await heard(trusted, hum(2))).text == TEXT
        await trusted.close()


# ---------------------------------------------------------------- connections


async def test_nobody_there() -> None:
    async with whisper_live() as (fake, stt):
        pass
    stt = WhisperLiveStt(parse_address(fake.url), timeouts=QUICK)
    with pytest.raises(EngineUnreachable, match=f"127.0.0.1:{fake.port}"):
        await heard(stt, hum(2))
    with pytest.raises(EngineUnreachable):
        await stt.warm()
    await stt.close()


async def test_the_connection_is_there_before_the_answer_is_asked_for() -> None:
    async with whisper_live() as (fake, stt):
        stream = stt.open(SttOptions())
        await fake.script.until_open(1)
        await stream.close()
        await fake.script.until_open(0)


async def test_a_server_that_comes_back_gets_the_whole_utterance() -> None:
    async with FakeWhisperLive() as fake:
        stt = WhisperLiveStt(parse_address(fake.url), timeouts=QUICK)
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        await fake.script.until_open(1)
    async with FakeWhisperLive(port=fake.port):
        stream.feed(hum(1))
        assert (await stream.final()).text == TEXT
        await stream.close()
        await stt.close()


async def test_a_closed_engine_lets_go_of_all_and_opens_nothing() -> None:
    async with whisper_live() as (fake, stt):
        streams = [stt.open(SttOptions()) for _ in range(3)]
        await fake.script.until_open(3)
        async with asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(failing(streams[0].final()))
            await stt.close()
            await fake.script.until_open(0)
        assert asked.done()
        with pytest.raises(EngineError, match="closed"):
            stt.open(SttOptions())


async def failing(final: "Any") -> None:
    with pytest.raises(EngineError):
        await final


async def test_a_final_that_is_running_when_its_stream_is_closed_fails() -> None:
    async with whisper_live(Script(always=Trouble.STALL_FIRST)) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(2))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(failing(stream.final()))
            await fake.script.until_open(1)
            await stream.close()
        await fake.script.until_open(0)
        assert len(fake.script.calls) == 1


async def test_who_was_refused_does_not_knock_again() -> None:
    """The connection was made when the utterance began; its final is told what came of it."""
    async with whisper_live(Script(always=Trouble.DENIED)) as (fake, stt):
        stream = stt.open(SttOptions())
        stream.feed(hum(1))
        assert await stream.interim() is None
        for _ in range(2):
            with pytest.raises(EngineDenied):
                await stream.final()
        await stream.close()
        assert [call.end for call in fake.script.calls] == ["refused"]


async def test_no_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeWhisperLive(token="s3cret-of-the-server") as fake:
        for url, key in (
            (fake.url.replace("//", "//user:hunter2hunter2@") + "/?token=t0ken-in-query", ""),
            (fake.url, "k3y-that-is-wrong"),
        ):
            stt = WhisperLiveStt(parse_address(url, key), timeouts=QUICK)
            with pytest.raises(EngineDenied) as caught:
                await stt.warm()
            logged = [each.getMessage() for each in caplog.records if each.name != "websockets.server"]
            told = f"{caught.value!r} {caught.value.advice} {stt.location} {stt.name} {logged}"
            await stt.close()
            for secret in ("hunter2", "t0ken", "k3y", "dXNlc"):
                assert secret not in told
        assert "WHISPER_API_KEY" in caught.value.advice


async def test_what_a_server_repeats_of_a_secret_is_left_out() -> None:
    async with whisper_live(token="s3cret-of-the-server") as (fake, stt):
        stt.model = "no model but s3cret-of-the-server"
        fake.script.always = Trouble.ERROR_FIRST
        with pytest.raises(EngineError, match=r"no model but \*\*\*"):
            await stt.warm()
