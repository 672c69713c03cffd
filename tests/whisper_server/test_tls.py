"""The Whisper server over https, and what it says of certificates that cannot be used."""

import asyncio
import re
import ssl
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.certificates import Authority, serial, shown
from tests.serving import WITHIN
from voice_grpc.core.errors import BadField
from voice_grpc.net.listener import listen
from voice_grpc.process.reloaded import kept_fresh
from voice_grpc.whisper_server.options import WhisperServerSettings
from voice_grpc.whisper_server.server import WhisperServer


def settings(**given: Any) -> WhisperServerSettings:
    return WhisperServerSettings(_env_file=None, **given)  # type: ignore[call-arg]


async def test_its_health_over_https(tmp_path: Path) -> None:
    """Its model is never loaded: it answers from the first moment."""
    authority = Authority(tmp_path)
    server = await asyncio.to_thread(WhisperServer, settings(**authority.issue("server").flags))
    listener = listen("127.0.0.1", 0)
    await server.start(listener)
    tls = ssl.create_default_context(cafile=str(authority.ca))
    try:
        async with httpx2.AsyncClient(verify=tls, trust_env=False) as client:
            answer = await client.get(f"https://127.0.0.1:{listener.getsockname()[1]}/health")
            assert answer.json()["status"] == "loading"
    finally:
        await server.drain(0)
        await server.close()
        listener.close()


async def test_a_new_certificate_is_for_new_connections_and_an_open_one_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voice_grpc.process.reloaded.LOOK_SECONDS", 0.01)
    authority = Authority(tmp_path)
    issued = authority.issue("server")
    server = await asyncio.to_thread(WhisperServer, settings(**issued.flags))
    listener = listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    assert server.tls is not None
    async with asyncio.timeout(WITHIN), kept_fresh(server.tls.reloaded):
        await server.start(listener)
        try:
            tls = ssl.create_default_context(cafile=str(authority.ca))
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
            first = await shown(port)
            assert b'"loading"' in await health(reader, writer)
            authority.issue("server")
            while await shown(port) == first:
                pass
            assert await shown(port) == serial(issued.cert.read_bytes())
            assert b'"loading"' in await health(reader, writer)
            writer.close()
        finally:
            await server.drain(0)
            await server.close()
            listener.close()


async def health(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    """Asked on a connection that stays."""
    writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    (length,) = re.findall(rb"(?i)content-length: (\d+)", head)
    return await reader.readexactly(int(length))


def test_a_key_without_its_certificate_is_told(tmp_path: Path) -> None:
    key = Authority(tmp_path).issue("server").key
    with pytest.raises(BadField, match=r"^--tls-cert \(VOICE_WHISPER_TLS_CERT\): got ''.*since TLS is asked"):
        WhisperServer(settings(tls_key=str(key)))
