"""A line of TCP that can be cut: nothing comes through for a while, and then it turns out to be dead."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_CHUNK = 65_536


class Relay:
    """Made by `relay`."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._is_open = asyncio.Event()
        self._is_open.set()
        self._connected: set[asyncio.StreamWriter] = set()

    async def cut(self, seconds: float) -> None:
        """Nothing comes through and nobody is told; after `seconds` the connections that were open are gone,
        and new ones are taken."""
        self._is_open.clear()
        await asyncio.sleep(seconds)
        for writer in list(self._connected):
            writer.transport.abort()
        self._is_open.set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._is_open.wait()
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            ends = {writer, back}
            self._connected |= ends
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._pass_on(reader, back), name="up")
                    tasks.create_task(self._pass_on(there, writer), name="down")
            except* OSError:
                pass  # either end went: so does the other
            finally:
                self._connected -= ends
                for end in ends:
                    end.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Raises `OSError` when either end is gone."""
        while data := await reader.read(_CHUNK):
            await self._is_open.wait()
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError


@asynccontextmanager
async def relay(target: int) -> AsyncIterator[Relay]:
    """To `target`, a port of this machine."""
    line = Relay(target)
    server = await asyncio.start_server(line.connect, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        await line.cut(0.0)
        await server.wait_closed()
