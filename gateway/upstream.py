"""The server behind: for whom it is asked, and one conversation with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import grpc.aio

from voice_grpc.client import LEAVING, Access, ListeningEar, ReconnectSettings, ResumableStream, Resumption
from voice_grpc.net.trace_headers import trace_of
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub

from .close_codes import CloseReason, Refused, bad_message

RECONNECT_WITHIN = 5.0
"""Seconds in which a lost line to the server comes back unnoticed; then the browser is told, says so, and
tries by itself for longer."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The browser, as the server behind is told of it."""

    address: str = ""
    """Sent as `x-forwarded-for`, since the server sees the gateway's alone; empty: not known."""
    token: str = ""
    """Sent as `authorization: Bearer …`; empty: none was given."""
    trace: tuple[tuple[str, str], ...] = ()
    """Its `traceparent` and `tracestate`, sent on as they came; empty: it has no trace."""

    @property
    def trace_id(self) -> str:
        """Empty: it has no trace."""
        trace = trace_of(self.trace)
        return "" if trace is None else trace.trace_id

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
        return (*Access(self.token).metadata, *address, *self.trace)


class Upstream:
    """One conversation with the server. Made by `open`; send from any task, one receives. A line that is lost
    comes back by itself, and the browser does not notice."""

    def __init__(self, stream: ResumableStream) -> None:
        self._stream = stream
        self._first: pb.ConverseResponse | None = None
        """Until it is received."""

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        channel: grpc.aio.Channel,
        caller: Caller,
        opening: pb.ConverseRequest,
        reconnect_within: float = RECONNECT_WITHIN,
    ) -> AsyncIterator["Upstream"]:
        """`opening`: the config. Always cancelled on the way out: grpc.aio never ends an abandoned call.
        Raises `Refused`, and `CallFailed` where the server refuses."""
        if not opening.HasField("config"):
            arm = opening.WhichOneof("payload") or "request"
            raise bad_message(f"{arm}: got 'as the first request', accepted: config", arm)
        stub, metadata = VoiceServiceStub(channel), caller.metadata
        resumption = Resumption(opening.config, ReconnectSettings(reconnect_within))
        stream = ResumableStream(lambda: stub.Converse(metadata=metadata), resumption, restarts=False)
        upstream = cls(stream)
        try:
            upstream._first = await stream.open(opening.seq)
            yield upstream
        finally:
            await stream.close()

    def played_by(self, ear: ListeningEar) -> None:
        """Answers are, here: it is asked where it is as another line to the server begins."""
        self._stream.ear = ear

    async def send(self, request: pb.ConverseRequest) -> None:
        """Waits while the way to the server is full; kept while it is away. After the end of the call nothing
        is sent: whoever receives learns why it ended."""
        await self._stream.send(request)

    async def receive(self) -> pb.ConverseResponse | None:
        """The next response; None once the server ended with OK. Raises `CallFailed`.

        That a server will go is not told where the conversation goes elsewhere by itself.
        """
        if (first := self._first) is not None:
            self._first = None
            return first
        while (response := await self._stream.next()) is not None:
            leaves = response.HasField("go_away") and response.go_away.reason in LEAVING
            if not (leaves and self._stream.is_resumable):
                break
        return response
