"""A server that says its lines, whatever it hears: for what an honest one would never say."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import grpc
import grpc.aio

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceServicer, add_VoiceServiceServicer_to_server


class Recited(VoiceServiceServicer):
    """Says its lines after the config, whatever it hears, and keeps what it heard."""

    def __init__(
        self, lines: Sequence[pb.ConverseResponse], stays: bool, ends_with: grpc.StatusCode | None
    ) -> None:
        self.heard: list[pb.ConverseRequest] = []
        self.has_ended = asyncio.Event()
        self._lines = lines
        self._stays = stays
        self._ends_with = ends_with

    async def Converse(  # type: ignore[override]
        self, _: object, context: "grpc.aio.ServicerContext[object, object]"
    ) -> None:
        try:
            self.heard.append(await context.read())  # type: ignore[arg-type]
            for line in self._lines:
                await context.write(line)
            while self._stays and isinstance(request := await context.read(), pb.ConverseRequest):
                self.heard.append(request)
            if self._ends_with is not None:
                await context.abort(self._ends_with, "so it ends")
        finally:
            self.has_ended.set()


STARTED = pb.ConverseResponse(session_started=pb.SessionStarted(session_id="one"))


@asynccontextmanager
async def reciting(
    *lines: pb.ConverseResponse, stays: bool = True, ends_with: grpc.StatusCode | None = None
) -> AsyncIterator[tuple[str, Recited]]:
    """`ends_with`: none: well."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    recited = Recited(lines, stays, ends_with)  # type: ignore[abstract]
    add_VoiceServiceServicer_to_server(recited, server)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield target, recited
    finally:
        await server.stop(None)
