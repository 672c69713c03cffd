"""`Call`: one Converse stream from the caller's side, on grpc.aio.

    async with Call.open("127.0.0.1:50051", pb.SessionConfig()) as call:
        await call.send(pb.TextInput(text="Hello"))
        async for response in call: ...

What every caller must get right is here once: one writer (two concurrent writes break a grpc.aio
call), a number on each request, sound and text of a dead turn dropped by its number, the call
always cancelled on the way out (grpc.aio never cancels an abandoned one), and every failure one
exception, `CallFailed`. What to send, play and show is the caller's own business.

A line that is lost comes back by itself, where the server resumes conversations: the iteration just goes on,
with what was not told yet and with the sound of the answer from the sample after the last that came. What was
sent meanwhile is sent then, of sound the last 10 s. Who wants to know of it is told by `on_line`; who plays
answers is asked, as `ear`, where it is just then.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self, TypeAlias

import grpc.aio

from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import VoiceServiceStub
from .connection import NO_ACCESS, Access, connect, reach
from .resumable_stream import LineEvent, ListeningEar, Restarted, ResumableStream, Resumed, Rpc, untold
from .resumption import Resumption
from .retries import ReconnectSettings

RECONNECT_WITHIN = 120.0
"""Seconds in which a lost line is tried to come back: as long as a server keeps a conversation by default."""

Payload: TypeAlias = (
    pb.SessionConfig | pb.AudioInput | pb.AudioInputEnd | pb.TextInput | pb.UserActivity | pb.Interrupt
    | pb.Pause | pb.Resume | pb.PlaybackReport | pb.ConfigUpdate | pb.ToolResult | pb.Say | pb.Ping
    | pb.EndSession
)  # fmt: skip
"""What a request can carry. Its type says which arm it is."""

_ARMS = {arm.message_type: arm.name for arm in pb.ConverseRequest.DESCRIPTOR.oneofs_by_name["payload"].fields}


class Call:
    """One conversation, made by `open`; iterate it, in one task, for the responses. Send from any task."""

    def __init__(
        self,
        connect: Callable[[], Rpc],
        config: pb.SessionConfig,
        reconnect_within: float = RECONNECT_WITHIN,
        on_line: Callable[[LineEvent], None] = untold,
    ) -> None:
        """`connect` begins an RPC; the rest as in `open`."""
        self.started = pb.SessionStarted()
        """What the server began with: session id, settings in force. Of the stream that came last."""
        self.turn = 0
        """The last turn that the server mentioned; 0 before the first."""
        resumption = Resumption(config, ReconnectSettings(reconnect_within))
        self._stream = ResumableStream(connect, resumption, self._told)
        self.on_line = on_line
        """Told of the line, by whoever iterates; may be changed."""
        self._answered = 0
        """The last turn of which sound or text came; 0 before the first. `turn` may be beyond it: it rises
        when the user begins to speak."""
        self._dead: set[int] = set()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        server: str | grpc.aio.Channel,
        config: pb.SessionConfig,
        access: Access = NO_ACCESS,
        reconnect_within: float = RECONNECT_WITHIN,
        on_line: Callable[[LineEvent], None] = untold,
    ) -> AsyncIterator[Self]:
        """Raises `CallFailed` when no server answers, or when it refuses the config.

        `reconnect_within`: seconds in which a lost line is tried to come back; 0: its loss is the end.
        `on_line` is told `Reconnecting`, `Resumed` and `Restarted`, in the task that iterates.
        """
        if isinstance(server, str):
            async with connect(server, access) as channel:
                await reach(channel, server, access)
                async with cls.open(channel, config, access, reconnect_within, on_line) as call:
                    yield call
            return
        stub = VoiceServiceStub(server)
        call = cls(lambda: stub.Converse(metadata=access.metadata), config, reconnect_within, on_line)
        try:
            await call.begin()
            yield call
        finally:
            await call._stream.close()

    async def begin(self) -> None:
        """Once, as `open` does. Raises `CallFailed`."""
        self.started = (await self._stream.open()).session_started

    def _told(self, event: LineEvent) -> None:
        match event:
            case Resumed(started):
                self.started = started
            case Restarted(started):
                self.started, self.turn, self._answered = started, 0, 0
                self._dead.clear()
        self.on_line(event)

    async def send(self, payload: Payload) -> int:
        """Send one message and return its number. Waits while the way to the server is full; while the line
        is away, it is kept and sent later.

        After the end of the call nothing is sent: whoever iterates learns why it ended.
        """
        request = pb.ConverseRequest(client_time_us=time.monotonic_ns() // 1000)
        arm = getattr(request, _ARMS[payload.DESCRIPTOR])
        arm.SetInParent()
        arm.CopyFrom(payload)
        return await self._stream.send(request)

    @property
    def comes_back(self) -> bool:
        """Whether a lost line comes back by itself: it is wanted, and the server said with what."""
        return self._stream.is_resumable

    @property
    def ear(self) -> ListeningEar | None:
        """What plays the answers: asked where it is as another stream begins, so that no word comes twice.
        May be set at any time; without one the last PlaybackReport counts, where there is any."""
        return self._stream.ear

    @ear.setter
    def ear(self, ear: ListeningEar | None) -> None:
        self._stream.ear = ear

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
        await self._stream.half_close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> pb.ConverseResponse:
        """The next response but for sound and text of dead turns. Raises `CallFailed`."""
        while True:
            response = await self._stream.next()
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
