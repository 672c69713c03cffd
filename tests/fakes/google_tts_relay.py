"""Bytes from one port to another and back, so that a connection can be cut hard, as the network does it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Relay:
    def __init__(self, inner_port: int) -> None:
        self._inner_port = inner_port
        self._pairs: dict[int, _End] = {}
        """The outer end by the port that the inner one sees as its peer's."""
        self._connecting: set[asyncio.Task[None]] = set()
        self.port = 0
        self.came_at = 0.0
        """When the last bytes came from outside, monotonic seconds."""

    def cut(self, peer_port: int | None = None) -> None:
        """The connection of that peer, or all of them."""
        for port in [peer_port] if peer_port else list(self._pairs):
            self._pairs[port].abort()

    def accept(self) -> "_End":
        end = _End(self)
        task = asyncio.get_running_loop().create_task(self._connect(end))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return end

    async def close(self) -> None:
        for task in list(self._connecting):
            task.cancel()
        self.cut()
        await asyncio.sleep(0)

    async def _connect(self, outer: "_End") -> None:
        loop = asyncio.get_running_loop()
        await outer.connected.wait()
        inner_transport, inner = await loop.create_connection(_End, "127.0.0.1", self._inner_port)
        port = inner_transport.get_extra_info("sockname")[1]
        outer.join(inner)
        inner.join(outer)
        if outer.is_lost:
            inner.abort()
            return
        self._pairs[port] = outer
        outer.on_lost = lambda: self._pairs.pop(port, None)


class _End(asyncio.Protocol):
    def __init__(self, relay: Relay | None = None) -> None:
        """`relay`: is told when bytes come."""
        self._relay = relay
        self.connected = asyncio.Event()
        self.is_lost = False
        self.on_lost: object = None
        self._other: _End | None = None
        self._transport: asyncio.Transport | None = None

    def join(self, other: "_End") -> None:
        self._other = other
        self.read_on(True)

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), "of TCP"
        self._transport = transport
        transport.pause_reading()
        self.connected.set()

    def data_received(self, data: bytes) -> None:
        if self._relay is not None:
            self._relay.came_at = time.monotonic()
        if self._other is not None:
            self._other.write(data)

    def pause_writing(self) -> None:
        if self._other is not None:
            self._other.read_on(False)

    def resume_writing(self) -> None:
        if self._other is not None:
            self._other.read_on(True)

    def read_on(self, is_reading: bool) -> None:
        if self._transport is not None and not self._transport.is_closing():
            (self._transport.resume_reading if is_reading else self._transport.pause_reading)()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_lost = True
        if callable(self.on_lost):
            self.on_lost()
        if self._other is not None:
            self._other.abort()


@asynccontextmanager
async def relaying(inner_port: int, port: int = 0) -> AsyncIterator[Relay]:
    """From `port` on 127.0.0.1 (0: a free one) to `inner_port`. Raises `OSError` when it is taken."""
    relay = Relay(inner_port)
    server = await asyncio.get_running_loop().create_server(relay.accept, "127.0.0.1", port)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        await relay.close()
        await server.wait_closed()
