"""A browser's WebSocket and its stream: what comes in goes up, what comes back goes down, both end together.

No queue of ours stands between them: a frame is read when the one before has gone up, a response when
the one before has gone down, so that a slow side is felt by the other and by nobody else.
Somewhat more than real time is a network's way, and taken; far more is a flood, and the end (`RateLimiter`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import grpc.aio
from starlette.websockets import WebSocket, WebSocketDisconnect

from voice_grpc.client import CallFailed
from voice_grpc.net import first
from voice_grpc.pb import voice_pb2 as pb

from .admission import TOKEN_PREFIX
from .browser_ear import BrowserEar
from .close_codes import DONE, CloseReason, ConversationEnded, Refused, close_reason_of
from .dialects.dialect import Dialect, Frame
from .dialects.proto_binary import NAME as PROTO
from .dialects.proto_binary import ProtoDialect
from .dialects.proto_json import NAME as JSON
from .dialects.proto_json import JsonDialect
from .dialects.simple import SimpleDialect
from .upstream import RECONNECT_WITHIN, Caller, Upstream

MESSAGES_A_SECOND = 250
"""Frames of 20 ms are 50; a browser's own blocks of 128 samples at 48 kHz would be 375."""
BYTES_A_SECOND = 800_000
"""Stereo floats at 48 kHz, twice over."""
BURST_SECONDS = 4.0

FIRST_SECONDS = 10.0
"""For the first frame to come."""

SEND_SECONDS = 10.0
"""For one frame to be taken; then the browser has gone, or reads too slowly."""

log = logging.getLogger(__name__)


class Socket(Protocol):
    """A browser, as `bridge` needs it."""

    async def receive(self) -> Frame | None:
        """None: it is gone."""
        ...

    async def send(self, frame: Frame) -> None:
        """Raises `OSError` when it is gone."""
        ...


class BrowserSocket:
    """Starlette's WebSocket as a `Socket`."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Frame | None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        frame: Frame = message["bytes"] if text is None else text
        return frame

    async def send(self, frame: Frame) -> None:
        try:
            if isinstance(frame, str):
                await self._socket.send_text(frame)
            else:
                await self._socket.send_bytes(frame)
        except WebSocketDisconnect:
            raise ConnectionResetError from None


def dialect_for(offered: Sequence[str]) -> tuple[Dialect, str | None]:
    """The first dialect that is offered and known, else the simple one; and the subprotocol to choose.

    A browser that offers any fails unless one is chosen: its token will do.
    """
    for name in offered:
        if name == PROTO:
            return ProtoDialect(), name
        if name == JSON:
            return JsonDialect(), name
    return SimpleDialect(), next((name for name in offered if name.startswith(TOKEN_PREFIX)), None)


@dataclass(slots=True)
class RateLimiter:
    """Two token buckets. Time is an argument, monotonic seconds."""

    messages: float = MESSAGES_A_SECOND * BURST_SECONDS
    bytes: float = BYTES_A_SECOND * BURST_SECONDS
    _at: float | None = None

    def is_flooded(self, size: int, now: float) -> bool:
        """Whether one more message of `size` bytes is too much."""
        passed = 0.0 if self._at is None else now - self._at
        self._at = now
        self.messages = min(self.messages + passed * MESSAGES_A_SECOND, MESSAGES_A_SECOND * BURST_SECONDS) - 1
        self.bytes = min(self.bytes + passed * BYTES_A_SECOND, BYTES_A_SECOND * BURST_SECONDS) - size
        return self.messages < 0 or self.bytes < 0


async def bridge(
    socket: Socket,
    dialect: Dialect,
    channel: grpc.aio.Channel,
    caller: Caller,
    reconnect_within: float = RECONNECT_WITHIN,
) -> CloseReason | None:
    """Until either side ends. How the socket is to be closed; None: it is gone already.

    `reconnect_within`: seconds in which a lost line to the server comes back without the browser's noticing.
    """
    try:
        close_reason = await _converse(socket, dialect, channel, caller, reconnect_within)
    except Refused as refused:
        close_reason = refused.close_reason
    except CallFailed as failure:
        close_reason = close_reason_of(failure)
    if close_reason is not None and close_reason.code != 4408:
        try:
            for frame in dialect.over(close_reason):
                await _deliver(socket, frame)
        except ConversationEnded as ended:
            return ended.close_reason
    return close_reason


async def _converse(
    socket: Socket, dialect: Dialect, channel: grpc.aio.Channel, caller: Caller, reconnect_within: float
) -> CloseReason | None:
    """Raises `Refused`, and `CallFailed` of a conversation that does not begin."""
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            frame = await socket.receive()
    except TimeoutError:
        return CloseReason(4408, f"nothing came within {FIRST_SECONDS:g} s")
    if frame is None:
        return None
    opening = dialect.first(frame)
    config, *requests = opening.requests
    caller = caller.or_with(opening.token)

    async def tell(response: pb.ConverseResponse) -> None:
        for frame in dialect.down(response):
            await _deliver(socket, frame)

    ear = BrowserEar(tell)
    async with Upstream.open(channel, caller, config, reconnect_within) as upstream:
        if config.config.capabilities.playback_control:
            upstream.played_by(ear)
        close_reason: CloseReason | None = DONE
        try:
            async with asyncio.TaskGroup() as tasks:
                up = _up(socket, dialect, upstream, requests, ear.hears)
                tasks.create_task(up, name="up")
                tasks.create_task(_down(upstream, tell, ear.sees), name="down")
        except* ConversationEnded as group:
            is_gone = group.subgroup(lambda ended: getattr(ended, "close_reason", DONE) is None) is not None
            close_reason = None if is_gone else first(group).close_reason
        return close_reason


async def _up(
    socket: Socket,
    dialect: Dialect,
    upstream: Upstream,
    requests: list[pb.ConverseRequest],
    hears: Callable[[pb.ConverseRequest], None],
) -> None:
    """`hears`: told of each that was sent on."""
    limiter, loop = RateLimiter(), asyncio.get_running_loop()
    for request in requests:
        await upstream.send(request)
    while (frame := await socket.receive()) is not None:
        if limiter.is_flooded(len(frame), loop.time()):
            raise ConversationEnded(
                CloseReason(4429, "more comes in than a conversation needs: send as fast as you speak")
            )
        try:
            requests = dialect.up(frame)
        except Refused as refused:
            raise ConversationEnded(refused.close_reason) from None
        for request in requests:
            await upstream.send(request)
            hears(request)
    raise ConversationEnded(None)


async def _down(
    upstream: Upstream,
    tell: Callable[[pb.ConverseResponse], Awaitable[None]],
    sees: Callable[[pb.ConverseResponse], None],
) -> None:
    """`tell` tells the browser; `sees` is told of each before."""
    try:
        while (response := await upstream.receive()) is not None:
            sees(response)
            await tell(response)
    except CallFailed as failure:
        raise ConversationEnded(close_reason_of(failure)) from None
    raise ConversationEnded(DONE)


async def _deliver(socket: Socket, frame: Frame) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send(frame)
    except TimeoutError:
        raise ConversationEnded(CloseReason(4408, "this client reads too slowly")) from None
    except OSError:
        raise ConversationEnded(None) from None
