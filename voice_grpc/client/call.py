"""`Call`: one Converse stream from the caller's side, on grpc.aio.

    async with Call.open("127.0.0.1:50051", pb.SessionConfig()) as call:
        await call.send(pb.TextInput(text="Hello"))
        async for response in call: ...

What every caller must get right is here once: one writer (two concurrent writes break a grpc.aio
call), a number on each request, sound and text of a dead turn dropped by its number, the call
always cancelled on the way out (grpc.aio never cancels an abandoned one), and every failure one
exception, `CallFailed`. What to send, play and show is the caller's own business.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

import grpc
import grpc.aio

from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import VoiceServiceStub
from .connection import NO_ACCESS, Access, CallFailed, connect, reach, silent_when_ended
from .responses import Responses

START_WITHIN = 10.0
"""Seconds from the config to `SessionStarted`."""

Payload: TypeAlias = (
    pb.SessionConfig | pb.AudioInput | pb.AudioInputEnd | pb.TextInput | pb.UserActivity | pb.Interrupt
    | pb.Pause | pb.Resume | pb.PlaybackReport | pb.ConfigUpdate | pb.ToolResult | pb.Say | pb.Ping
    | pb.EndSession
)  # fmt: skip
"""What a request can carry. Its type says which arm it is."""

_ARMS = {arm.message_type: arm.name for arm in pb.ConverseRequest.DESCRIPTOR.oneofs_by_name["payload"].fields}


class Call:
    """One conversation, made by `open`; iterate it, in one task, for the responses. Send from any task."""

    def __init__(self, rpc: "grpc.aio.StreamStreamCall[pb.ConverseRequest, pb.ConverseResponse]") -> None:
        self.started = pb.SessionStarted()
        """What the server began with: session id, settings in force."""
        self.turn = 0
        """The last turn that the server mentioned; 0 before the first."""
        self._rpc = rpc
        self._responses: Responses[pb.ConverseResponse] = Responses(rpc)
        self._writing = asyncio.Lock()
        self._seq = 0
        self._answered = 0
        """The last turn of which sound or text came; 0 before the first. `turn` may be beyond it: it rises
        when the user begins to speak."""
        self._dead: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, server: str | grpc.aio.Channel, config: pb.SessionConfig, access: Access = NO_ACCESS
    ) -> AsyncIterator[Self]:
        """Raises `CallFailed` when no server answers, or when it refuses the config."""
        if isinstance(server, str):
            async with connect(server, access) as channel:
                await reach(channel, server, access)
                async with cls.open(channel, config, access) as call:
                    yield call
            return
        call = cls(VoiceServiceStub(server).Converse(metadata=access.metadata))
        try:
            await call.send(config)
            await call._begin()
            yield call
        finally:
            await call._responses.close()

    async def _begin(self) -> None:
        try:
            async with asyncio.timeout(START_WITHIN):
                first = await anext(self, pb.ConverseResponse())
        except TimeoutError:
            late = f"the server did not start the session within {START_WITHIN:g} s"
            raise CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED, late) from None
        if not first.HasField("session_started"):
            raise CallFailed(grpc.StatusCode.INTERNAL, "the server did not begin with `session_started`")
        self.started = first.session_started

    async def send(self, payload: Payload) -> int:
        """Send one message and return its number. Waits while the way to the server is full.

        After the end of the call nothing is sent: whoever iterates learns why it ended.
        """
        arm = _ARMS[payload.DESCRIPTOR]
        async with self._writing:
            self._seq += 1
            request = pb.ConverseRequest(seq=self._seq, client_time_us=time.monotonic_ns() // 1000)
            getattr(request, arm).SetInParent()
            getattr(request, arm).CopyFrom(payload)
            with silent_when_ended():
                await self._rpc.write(request)
            return self._seq

    async def interrupt(self) -> int:
        """Stop the answer now: what of it is on its way is dropped from here on. Returns its turn; 0 before
        the first answer.

        The turn that the user is speaking in meanwhile is answered all the same, as the server has it.
        """
        answered = self._answered
        self._dead.add(answered)
        await self.send(pb.Interrupt())
        return answered

    async def half_close(self) -> None:
        """Nothing more will be sent; the server finishes the current answer."""
        async with self._writing:
            with silent_when_ended():
                await self._rpc.done_writing()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pb.ConverseResponse:
        """The next response but for sound and text of dead turns. Raises `CallFailed`."""
        while True:
            response = await self._responses.next()
            if response is None:
                raise StopAsyncIteration
            if self._is_alive(response):
                return response

    def _is_alive(self, response: pb.ConverseResponse) -> bool:
        """Whether it still means something. Turns die here by number, never by timing."""
        self.turn = max(self.turn, response.turn)
        match response.WhichOneof("payload"):
            case "audio" | "response_text":
                self._answered = max(self._answered, response.turn)
                return response.turn not in self._dead
            case "interrupted":
                self._dead.add(response.interrupted.turn or response.turn)
            case "playback_control" if response.playback_control.action == pb.PlaybackControl.ACTION_FLUSH:
                self._dead.add(response.turn)
            case None:
                return False
        return True
