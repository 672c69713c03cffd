"""One Converse stream of the server behind, as bytes: what need not be understood is not parsed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc.aio

from voice_grpc.client import Access, Ending, failures, silent_when_ended

METHOD = "/voice.v1.VoiceService/Converse"


class Upstream:
    """Made by `open`. Send from any task; one receives."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._ending = Ending(call)
        self._writing = asyncio.Lock()
        """Two concurrent writes break a grpc.aio call."""

    @classmethod
    @asynccontextmanager
    async def open(cls, channel: grpc.aio.Channel, token: str) -> AsyncIterator["Upstream"]:
        """Always cancelled on the way out: grpc.aio never ends an abandoned call."""
        call: Any = channel.stream_stream(METHOD)(metadata=Access(token).metadata)
        try:
            yield cls(call)
        finally:
            call.cancel()

    async def send(self, request: bytes) -> None:
        """Waits while the way to the server is full. After the end of the call nothing is sent: whoever
        receives learns why it ended."""
        async with self._writing:
            with silent_when_ended():
                await self._call.write(request)

    async def receive(self) -> bytes | None:
        """The next ConverseResponse; None once the server ended with OK. Raises `CallFailed`."""
        with failures(self._ending):
            response = await self._call.read()
        return response if isinstance(response, bytes) else None
