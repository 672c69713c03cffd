"""The Whisper server over https, and what it says of certificates that cannot be used."""

import asyncio
import ssl
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.certificates import Authority
from voice_grpc.core.errors import BadField
from voice_grpc.net.listener import listen
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


def test_a_key_without_its_certificate_is_told(tmp_path: Path) -> None:
    key = Authority(tmp_path).issue("server").key
    with pytest.raises(BadField, match=r"^--tls-cert \(VOICE_WHISPER_TLS_CERT\): got ''.*since TLS is asked"):
        WhisperServer(settings(tls_key=str(key)))
