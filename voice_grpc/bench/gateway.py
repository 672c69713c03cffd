"""What the gateway adds: round trips of a Ping through it and past it, in the same seconds and load.

All users speak (silence, 50 frames a second each) over `voice.v1.proto`, and ping ten times a second; a few
others do the same straight to the server. What the first take longer than the second is the gateway's, both
ways. Server, gateway and load are a process each. They begin together, once the last one is connected.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from ..client import Call
from ..client import connect as connect_grpc
from ..pb import voice_pb2 as pb
from .load import FRAME_SECONDS, SILENCE
from .servers import started

SESSIONS = 50
DIRECT = 5
PING_EVERY = 5
"""How many frames leave between two pings of one user."""

HEADER = (
    "| sessions | pings | through it P50 ms | P99 | past it P50 | P99 | added P50 | added P99 |\n"
    "|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class AddedLatency:
    """Round trips in milliseconds."""

    sessions: int
    through: np.ndarray
    past: np.ndarray


async def measure(seconds: float, sessions: int = SESSIONS) -> AddedLatency:
    with started("voice_grpc.bench.servers", "scripted") as (port, _):
        target = f"127.0.0.1:{port}"
        flags = ("--port", "0", "--target", target, "--max-per-address", "1000")
        with started("voice_grpc", "gateway", *flags, is_quiet=True) as (page, _):
            return await _measured(target, page.replace("http", "ws", 1), seconds, sessions)


async def _measured(target: str, gateway: str, seconds: float, sessions: int) -> AddedLatency:
    """`target`: HOST:PORT of the server; `gateway`: `ws://HOST:PORT`."""
    channel = connect_grpc(target)
    ready = asyncio.Barrier(sessions + DIRECT)
    try:
        async with asyncio.TaskGroup() as tasks:
            through = [
                tasks.create_task(_browser(gateway, ready, seconds, n), name=f"browser-{n}")
                for n in range(sessions)
            ]
            past = [
                tasks.create_task(_direct(channel, ready, seconds, n), name=f"direct-{n}")
                for n in range(DIRECT)
            ]
    finally:
        await channel.close()
    return AddedLatency(
        sessions,
        1000 * np.concatenate([task.result() for task in through]),
        1000 * np.concatenate([task.result() for task in past]),
    )


class _Pings:
    """Those of one user: when each was sent, and how long each took that came back."""

    def __init__(self) -> None:
        self._sent: dict[int, float] = {}
        self.took: list[float] = []

    def next(self, n: int) -> pb.Ping:
        self._sent[n] = asyncio.get_running_loop().time()
        return pb.Ping(id=n)

    def note(self, response: pb.ConverseResponse) -> None:
        if response.WhichOneof("payload") == "pong":
            self.took.append(asyncio.get_running_loop().time() - self._sent.pop(response.pong.id))


async def _beat(ready: asyncio.Barrier, seconds: float, seed: int) -> AsyncIterator[int]:
    """The numbers of frames, each when it is due."""
    loop = asyncio.get_running_loop()
    await ready.wait()
    start = loop.time() + FRAME_SECONDS * (1 + seed / SESSIONS)
    for n in range(round(seconds / FRAME_SECONDS)):
        await asyncio.sleep(max(0.0, start + n * FRAME_SECONDS - loop.time()))
        yield n


async def _browser(gateway: str, ready: asyncio.Barrier, seconds: float, seed: int) -> list[float]:
    pings = _Pings()
    async with _socket(gateway) as socket, asyncio.TaskGroup() as tasks:
        await socket.send(pb.ConverseRequest(config=pb.SessionConfig(greeting="")).SerializeToString())
        reading = tasks.create_task(_read(socket, pings), name="read")
        async for n in _beat(ready, seconds, seed):
            await socket.send(pb.ConverseRequest(audio=pb.AudioInput(data=SILENCE)).SerializeToString())
            if (n + seed) % PING_EVERY == 0:
                await socket.send(pb.ConverseRequest(ping=pings.next(n + 1)).SerializeToString())
        await asyncio.sleep(0.2)
        reading.cancel()
    return pings.took


@asynccontextmanager
async def _socket(gateway: str) -> AsyncIterator[ClientConnection]:
    url, dialect = f"{gateway}/v1/ws", Subprotocol("voice.v1.proto")
    async with connect(url, subprotocols=[dialect], compression=None, proxy=None) as socket:
        yield socket


async def _read(socket: ClientConnection, pings: _Pings) -> None:
    async for frame in socket:
        if isinstance(frame, bytes):
            pings.note(pb.ConverseResponse.FromString(frame))


async def _direct(channel: object, ready: asyncio.Barrier, seconds: float, seed: int) -> list[float]:
    pings = _Pings()
    async with Call.open(channel, pb.SessionConfig(greeting="")) as call, asyncio.TaskGroup() as tasks:  # type: ignore[arg-type]
        reading = tasks.create_task(_listen(call, pings), name="read")
        async for n in _beat(ready, seconds, seed):
            await call.send(pb.AudioInput(data=SILENCE))
            if (n + seed) % PING_EVERY == 0:
                await call.send(pings.next(n + 1))
        await asyncio.sleep(0.2)
        reading.cancel()
    return pings.took


async def _listen(call: Call, pings: _Pings) -> None:
    async for response in call:
        pings.note(response)


def report(added: AddedLatency) -> str:
    through, past = (np.percentile(took, (50, 99)) for took in (added.through, added.past))
    more = through - past
    figures = " | ".join(f"{value:.2f}" for value in (*through, *past, *more))
    return f"| {added.sessions} | {len(added.through)} | {figures} |"
