"""A network between a client and a server that a test cuts, mends and freezes: TCP, forwarded as it comes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class CutLine:
    """Clients connect to `target`."""

    def __init__(self, server: str) -> None:
        self.target = ""
        self.server = server
        """`host:port` of who is behind; another one from the next connection on, where it is changed."""
        self.connections = 0
        """That were let through, ever."""
        self._is_cut = False
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Every connection is reset, and none is let through until `mend`."""
        self._is_cut = True
        self.reset()

    def reset(self) -> None:
        """Every connection; new ones are let through."""
        self._flows.set()
        for writer in list(self._open):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = False

    def freeze(self) -> None:
        """Connections stay, and nothing gets through, until `thaw` or `reset`."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        host, _, port = self.server.rpartition(":")
        try:
            beyond, onward = await asyncio.open_connection(host, int(port))
        except OSError:
            writer.transport.abort()
            return
        self.connections += 1
        self._open |= {writer, onward}
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._copy(reader, onward), name="up")
            tasks.create_task(self._copy(beyond, writer), name="down")
        self._open -= {writer, onward}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._flows.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def cut_line(server: str) -> AsyncIterator[CutLine]:
    line = CutLine(server)
    listening = await asyncio.start_server(line.forward, "127.0.0.1", 0)
    line.target = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield line
    finally:
        line.cut()
        listening.close()
        await listening.wait_closed()
