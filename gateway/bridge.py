"""One socket and its stream: what comes in goes up, what comes back goes down, and both end together.

No queue of ours stands between them: a frame is read when the one before has gone up, a response when
the one before has gone down, so that a slow side is felt by the other and by nobody else.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Protocol

import grpc.aio

from voice_grpc.connection import CallFailed

from .closing import DONE, Farewell, Over, Refused, farewell_of, first_farewell
from .dialect import Dialect, Frame
from .meter import Meter
from .upstream import Upstream

FIRST_SECONDS = 10.0
"""For the first frame."""

SEND_SECONDS = 10.0
"""For one frame to be taken; then the browser has gone, or reads too slowly."""

log = logging.getLogger(__name__)


class Socket(Protocol):
    """A browser's: what it sends, and what it is sent."""

    async def receive(self) -> Frame | None:
        """None: it is gone."""
        ...

    async def send(self, frame: Frame) -> None: ...


async def bridge(socket: Socket, dialect: Dialect, channel: grpc.aio.Channel, token: str) -> Farewell | None:
    """Until either side ends. How the socket is to be closed; None: it is gone already."""
    try:
        farewell = await _converse(socket, dialect, channel, token)
    except Refused as refused:
        farewell = refused.farewell
    if farewell is not None and farewell.code != 4408:
        with suppress(Over):
            for frame in dialect.over(farewell):
                await _deliver(socket, frame)
    return farewell


async def _converse(
    socket: Socket, dialect: Dialect, channel: grpc.aio.Channel, token: str
) -> Farewell | None:
    try:
        async with asyncio.timeout(FIRST_SECONDS):
            frame = await socket.receive()
    except TimeoutError:
        return Farewell(4408, f"nothing came within {FIRST_SECONDS:g} s")
    if frame is None:
        return None
    opening = dialect.first(frame)
    async with Upstream.open(channel, token or opening.token) as upstream:
        farewell: Farewell | None = DONE
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_up(socket, dialect, upstream, opening.requests), name="up")
                tasks.create_task(_down(socket, dialect, upstream), name="down")
        except* Over as group:
            farewell = first_farewell(group)
        return farewell


async def _up(socket: Socket, dialect: Dialect, upstream: Upstream, requests: list[bytes]) -> None:
    meter, loop = Meter(), asyncio.get_running_loop()
    for request in requests:
        await upstream.send(request)
    while (frame := await socket.receive()) is not None:
        if meter.is_flooded(len(frame), loop.time()):
            raise Over(Farewell(4429, "more comes in than a conversation needs: send as fast as you speak"))
        try:
            requests = dialect.up(frame)
        except Refused as refused:
            raise Over(refused.farewell) from None
        for request in requests:
            await upstream.send(request)
    raise Over(None)


async def _down(socket: Socket, dialect: Dialect, upstream: Upstream) -> None:
    try:
        while (message := await upstream.receive()) is not None:
            for frame in dialect.down(message):
                await _deliver(socket, frame)
    except CallFailed as failure:
        raise Over(farewell_of(failure)) from None
    raise Over(DONE)


async def _deliver(socket: Socket, frame: Frame) -> None:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send(frame)
    except TimeoutError:
        raise Over(Farewell(4408, "this client reads too slowly")) from None
    except OSError:
        raise Over(None) from None
