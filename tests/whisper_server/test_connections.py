"""Connections to the Whisper server that ask nothing; its model is never loaded, and it answers meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.crowd import ADDRESS, OTHER, WAYS, answer_to, crowd
from voice_grpc.net.listener import listen
from voice_grpc.whisper_server.server import WhisperServer

from .test_tls import settings


@asynccontextmanager
async def listening(**given: Any) -> AsyncIterator[int]:
    server = WhisperServer(settings(**given))
    listener = listen("127.0.0.1", 0)
    await server.start(listener)
    try:
        yield listener.getsockname()[1]
    finally:
        await server.drain(0)
        await server.close()
        listener.close()


@pytest.mark.parametrize("way", ["silent", "dripping"])
async def test_a_crowd_of_one_address_keeps_its_places_and_nobody_else_s(way: str) -> None:
    async with listening(max_connections=40) as port, crowd(port, WAYS[way]) as strangers:
        assert await answer_to(port, b"/health/live", OTHER) == 200
        strangers.drip()
        await strangers.until_left(10)
        assert await answer_to(port, b"/health/live", OTHER) == 200
        assert await answer_to(port, b"/health/live", ADDRESS) == 200


async def test_a_place_of_ones_own_for_a_proxy_that_is_named() -> None:
    """It has all, as many as there are; what an address has may be said."""
    given = {"max_connections": 40, "max_connections_per_address": 3, "proxies": [f"{ADDRESS}/32"]}
    async with listening(**given) as port, crowd(port, b"", 39) as strangers:
        assert await answer_to(port, b"/health/live", OTHER) == 200
        with pytest.raises(TimeoutError):
            await strangers.until_left(38, 0.1)
    async with listening(**{**given, "proxies": []}) as port, crowd(port, b"", 39) as strangers:
        await strangers.until_left(3)


async def test_a_proxy_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match=r"an address such as 10\.0\.0\.7"):
        await asyncio.to_thread(settings, proxies="10.0.0.0/8,nobody")
