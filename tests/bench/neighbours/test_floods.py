"""Each flood is one: it sends on and on, and comes back when it is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeAlias

import grpc
import grpc.aio
import pytest

from voice_grpc.bench.load import TONE
from voice_grpc.bench.neighbours import floods
from voice_grpc.client import Access, connect
from voice_grpc.pb import voice_pb2 as pb

Context: TypeAlias = "grpc.aio.ServicerContext[bytes, bytes]"


class Drowned:
    """Takes all that comes to the streams of a voice server, and gives up each call after a while."""

    def __init__(self) -> None:
        self.calls = self.requests = 0
        self.changed = asyncio.Event()

    @property
    def service(self) -> grpc.GenericRpcHandler:
        methods: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
            "Converse": grpc.stream_stream_rpc_method_handler(self._converse),
            "Transcribe": grpc.stream_stream_rpc_method_handler(self._take),
            "Synthesize": grpc.unary_stream_rpc_method_handler(self._say),
        }
        return grpc.method_handlers_generic_handler("voice.v1.VoiceService", methods)

    async def _converse(self, requests: AsyncIterator[bytes], context: Context) -> None:
        await context.write(pb.ConverseResponse(session_started=pb.SessionStarted()).SerializeToString())
        await self._take(requests, context)

    async def _take(self, requests: AsyncIterator[bytes], context: Context) -> None:
        self.calls += 1
        async for _ in requests:
            self._count(1)
            if self.requests % 200 == 0:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much")

    async def _say(self, request: bytes, context: Context) -> None:
        """A second; nothing of a text that is too long."""
        if pb.SynthesizeRequest.FromString(request).text == floods.LONG_TEXT:
            self.calls += 1
            self._count(200)
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much")
        sound = pb.AudioOutput(data=TONE * 50)
        await context.write(pb.SynthesizeResponse(audio=sound).SerializeToString())

    def _count(self, requests: int) -> None:
        self.requests += requests
        self.changed.set()


@pytest.mark.parametrize("kind", [*floods.FLOODS, "speech", "voices"])
async def test_a_flood_goes_on_and_comes_back(kind: str) -> None:
    drowned, server = Drowned(), grpc.aio.server()
    server.add_generic_rpc_handlers((drowned.service,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel = connect(f"127.0.0.1:{port}")
    _, flood = {**floods.FLOODS, **floods.WITH_WORDS}[kind]
    try:
        async with asyncio.TaskGroup() as tasks:
            eager = tasks.create_task(floods.eager(flood, channel, Access("a-token")), name="flood")
            while drowned.calls < 3 or (kind != "configs" and drowned.requests < 400):
                drowned.changed.clear()
                async with asyncio.timeout(60):
                    await drowned.changed.wait()
            eager.cancel()
    finally:
        await channel.close()
        await server.stop(None)
