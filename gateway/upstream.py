"""The server behind: for whom it is asked, and one Converse stream as bytes; what need not be understood is
not parsed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import grpc.aio

from voice_grpc.client import Access, Responses, silent_when_ended

from .close_codes import CloseReason, Refused

METHOD = "/voice.v1.VoiceService/Converse"


@dataclass(frozen=True, slots=True)
class Caller:
    """The browser, as the server behind is told of it."""

    address: str = ""
    """Sent as `x-forwarded-for`, since the server sees the gateway's alone; empty: not known."""
    token: str = ""
    """Sent as `authorization: Bearer …`; empty: none was given."""

    def or_with(self, token: str) -> "Caller":
        """A `token` that comes later counts where none came before."""
        return replace(self, token=self.token or token)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Raises `Refused` for a token that is none: gRPC takes no other characters (gRPC over HTTP/2,
        ASCII-Value), and RFC 6750 §2.1 fewer."""
        if not all("!" <= character <= "~" for character in self.token):
            said = "token: got characters that no token has, accepted: printable ASCII without spaces"
            raise Refused(CloseReason(4401, said, "UNAUTHENTICATED", "token"))
        address = (("x-forwarded-for", self.address),) if self.address else ()
        return (*Access(self.token).metadata, *address)


class Upstream:
    """Made by `open`. Send from any task; one receives."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._responses: Responses[bytes] = Responses(call)
        self._writing = asyncio.Lock()
        """Two concurrent writes break a grpc.aio call."""

    @classmethod
    @asynccontextmanager
    async def open(cls, channel: grpc.aio.Channel, caller: Caller) -> AsyncIterator["Upstream"]:
        """Always cancelled on the way out: grpc.aio never ends an abandoned call. Raises `Refused`."""
        call: Any = channel.stream_stream(METHOD)(metadata=caller.metadata)
        upstream = cls(call)
        try:
            yield upstream
        finally:
            await upstream._responses.close()

    async def send(self, request: bytes) -> None:
        """Waits while the way to the server is full. After the end of the call nothing is sent: whoever
        receives learns why it ended."""
        async with self._writing:
            with silent_when_ended():
                await self._call.write(request)

    async def receive(self) -> bytes | None:
        """The next ConverseResponse; None once the server ended with OK. Raises `CallFailed`."""
        return await self._responses.next()
