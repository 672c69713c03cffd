"""The ways to a conversation: gRPC, the gateway's WebSocket (proto and JSON), WebRTC. All take and give the
messages of Converse, and all can be left without a word."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeAlias

import grpc.aio
import numpy as np
from google.protobuf.json_format import MessageToJson, Parse, ParseDict
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.dialects.proto_json import HEADER, VERSION
from gateway.dialects.proto_json import NAME as JSON
from tests.gateway.webrtc.peer import Peer, calling
from voice_grpc.client import Access, CallFailed, Responses, silent_when_ended
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub

from .attacked import LOCAL, Attacked

OWN_CONNECTION = (*LOCAL, ("grpc.use_local_subchannel_pool", 1))


class LineEnded(Exception):
    """Not by us; its text says how."""


class Line(Protocol):
    """One Converse stream. Its block ends it without a word."""

    async def send(self, request: pb.ConverseRequest) -> None:
        """Nothing, once it is over: `receive` tells."""
        ...

    async def receive(self) -> pb.ConverseResponse | None:
        """None at a good end. Raises `LineEnded` at any other."""
        ...


class GrpcLine:
    """A connection of its own."""

    def __init__(self, call: Any) -> None:
        self._call = call
        self._responses: Responses[pb.ConverseResponse] = Responses(call)
        self._writing = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(cls, where: Attacked, access: Access) -> AsyncIterator["GrpcLine"]:
        channel = grpc.aio.insecure_channel(where.server, OWN_CONNECTION)
        call = VoiceServiceStub(channel).Converse(metadata=access.metadata)
        line = cls(call)
        try:
            yield line
        finally:
            await line._responses.close()
            await channel.close()

    async def send(self, request: pb.ConverseRequest) -> None:
        async with self._writing:
            with silent_when_ended():
                await self._call.write(request)

    async def receive(self) -> pb.ConverseResponse | None:
        try:
            return await self._responses.next()
        except CallFailed as failure:
            raise LineEnded(f"{failure.code.name}: {failure}") from None


class SocketLine:
    """`voice.v1.proto`: the messages as they are."""

    subprotocol: Any = "voice.v1.proto"

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @classmethod
    @asynccontextmanager
    async def open(cls, where: Attacked, access: Access) -> AsyncIterator["SocketLine"]:
        async with connect(
            f"ws://127.0.0.1:{where.gateway}/v1/ws",
            subprotocols=[cls.subprotocol],
            additional_headers={"Authorization": f"Bearer {access.token}"},
            compression=None,
            proxy=None,
        ) as socket:
            try:
                yield cls(socket)
            finally:
                socket.transport.abort()

    async def send(self, request: pb.ConverseRequest) -> None:
        try:
            await self._socket.send(self._frame(request))
        except ConnectionClosed:
            return  # `receive` tells

    async def receive(self) -> pb.ConverseResponse | None:
        try:
            return self._response(await self._socket.recv())
        except ConnectionClosed:
            if self._socket.close_code == 1000:
                return None
            raise LineEnded(f"{self._socket.close_code}: {self._socket.close_reason}") from None

    def _frame(self, request: pb.ConverseRequest) -> str | bytes:
        return request.SerializeToString()

    def _response(self, frame: str | bytes) -> pb.ConverseResponse:
        assert isinstance(frame, bytes)
        return pb.ConverseResponse.FromString(frame)


class JsonLine(SocketLine):
    """`voice.v1.json`: text, and sound behind a header."""

    subprotocol: Any = JSON

    def _frame(self, request: pb.ConverseRequest) -> str | bytes:
        if request.WhichOneof("payload") == "audio":
            return HEADER.pack(VERSION, 0, 0, 0, 0, 0, 0) + request.audio.data
        return MessageToJson(request, indent=None)

    def _response(self, frame: str | bytes) -> pb.ConverseResponse:
        if isinstance(frame, bytes):
            turn = HEADER.unpack_from(frame)[3]
            return pb.ConverseResponse(turn=turn, audio=pb.AudioOutput(data=frame[HEADER.size :]))
        return Parse(frame, pb.ConverseResponse(), ignore_unknown_fields=True)  # `error`: the close tells it


class RtcLine:
    """Sound on tracks, of which none is silent: what is heard is told frame by frame, while it is loud."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._turn = 0
        """Whose sound is on the track."""
        self._read = 0
        """Texts that were given out."""

    @classmethod
    @asynccontextmanager
    async def open(cls, where: Attacked, access: Access) -> AsyncIterator["RtcLine"]:
        async with calling(where.url, access.token) as peer:
            yield cls(peer)

    async def send(self, request: pb.ConverseRequest) -> None:
        if request.WhichOneof("payload") != "audio":
            self._peer.channel.send(MessageToJson(request, indent=None))
            return
        samples = np.frombuffer(request.audio.data, "<i2")
        if samples.any():  # the microphone is silent by itself
            self._peer.microphone.say(np.repeat(samples, 3))

    async def receive(self) -> pb.ConverseResponse | None:
        peer = self._peer
        try:
            await peer.until(lambda: len(peer.texts) > self._read or bool(peer.heard), "anything")
        except AssertionError:
            raise LineEnded("nothing came any more") from None
        if len(peer.texts) > self._read:
            self._read += 1
            return self._told(peer.texts[self._read - 1])
        sound = peer.heard.pop(0)
        return pb.ConverseResponse(turn=self._turn, audio=pb.AudioOutput(data=sound.tobytes()))

    def _told(self, text: dict[str, Any]) -> pb.ConverseResponse | None:
        if "error" in text:
            raise LineEnded(str(text["error"]))
        if "playback" in text:  # what the gateway reports for us
            return pb.ConverseResponse()
        response = ParseDict(text, pb.ConverseResponse())
        if response.WhichOneof("payload") == "audio":
            self._turn = response.turn
        return response


Opens: TypeAlias = Callable[[Attacked, Access], AbstractAsyncContextManager[Line]]

LINES: Mapping[str, Opens] = {
    "grpc": GrpcLine.open,
    "proto": SocketLine.open,
    "json": JsonLine.open,
    "webrtc": RtcLine.open,
}
