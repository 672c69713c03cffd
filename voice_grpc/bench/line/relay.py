"""A line of TCP to a port of this machine, with a delay, a jitter and losses, and one that can be stopped.

TCP sends again what is lost: a lost segment and all behind it come late by one retransmission time, and in
order. That is done here segment by segment, since not every kernel has netem.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

SEGMENT = 1448
"""Bytes of one: an Ethernet frame without its headers (RFC 9293, 3.7.1, and 12 bytes of timestamps)."""
MOST_SEGMENTS = 1024
"""That may be on their way in one direction: more than 10 s of an answer. Beyond it the sender waits."""


@dataclass(frozen=True, slots=True)
class LineShape:
    rtt: float = 0.0
    """Seconds."""
    jitter: float = 0.0
    """Seconds by which a segment is late at most, beside half of `rtt`."""
    loss: float = 0.0
    """Share of the segments that are lost."""
    retransmission: float = 0.2
    """Seconds until one of them has come after all."""


@dataclass(slots=True)
class _Direction:
    shape: LineShape
    chance: random.Random
    gate: asyncio.Event
    segments: asyncio.Queue[tuple[float, bytes]] = field(default_factory=lambda: asyncio.Queue(MOST_SEGMENTS))
    """Each with the loop's time at which it comes."""
    last: float = 0.0

    async def take(self, reader: asyncio.StreamReader) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(SEGMENT):
            await self.segments.put((self.arrival(loop.time()), data))
        raise ConnectionResetError

    async def give(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            at, data = await self.segments.get()
            await asyncio.sleep(max(0.0, at - loop.time()))
            await self.gate.wait()
            writer.write(data)
            await writer.drain()

    def arrival(self, now: float) -> float:
        """When what is sent now comes; never before what was sent earlier."""
        late = self.chance.uniform(0.0, self.shape.jitter)
        late += self.shape.retransmission if self.chance.random() < self.shape.loss else 0.0
        self.last = max(self.last, now + self.shape.rtt / 2 + late)
        return self.last


class ShapedRelay:
    """Made by `shaped_relay`."""

    def __init__(self, target: int, shape: LineShape, seed: int) -> None:
        self.port = 0
        self._target, self._shape = target, shape
        self._chance = random.Random(seed)
        self._is_flowing = asyncio.Event()
        self._is_flowing.set()
        self._connected: set[asyncio.StreamWriter] = set()

    def stall(self) -> None:
        """Nothing comes from the target any more, until `flow`: it is on its way."""
        self._is_flowing.clear()

    def flow(self) -> None:
        self._is_flowing.set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):  # nobody is at the target: the connection ends at once
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            is_open = asyncio.Event()
            is_open.set()
            up, down = self._direction(is_open), self._direction(self._is_flowing)
            self._connected |= {writer, back}
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(up.take(reader), name="from-client")
                    tasks.create_task(up.give(back), name="to-target")
                    tasks.create_task(down.take(there), name="from-target")
                    tasks.create_task(down.give(writer), name="to-client")
            except* OSError:
                pass  # either end went: so does the other
            finally:
                self._connected -= {writer, back}
                writer.transport.abort()
                back.transport.abort()

    def _direction(self, gate: asyncio.Event) -> _Direction:
        return _Direction(self._shape, random.Random(self._chance.random()), gate)

    def close(self) -> None:
        for writer in self._connected:
            writer.transport.abort()


@asynccontextmanager
async def shaped_relay(target: int, shape: LineShape, seed: int = 0) -> AsyncIterator[ShapedRelay]:
    """To `target`, a port of this machine; the same chances for the same `seed`."""
    line = ShapedRelay(target, shape, seed)
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.close()
        await server.wait_closed()
