"""Hundreds of connections that ask nothing, from one address: some of the thousands of a hostile checker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

COUNT = 400
"""Each is two of this process's open files where the server is here as well."""

SOON = 5.0
"""Seconds: before the time for a head is up, which would end them all (10 s)."""

ADDRESS, OTHER = "127.0.0.1", "127.0.0.2"

WAYS = {"silent": b"", "dripping": b"GET /h"}
"""What each says before it is asked for more."""

ASKED = b"GET %b HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


@dataclass
class Crowd:
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    left: int = 0
    """That the server has not ended."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def drip(self) -> None:
        """A byte more of each that lives."""
        for writer in self.writers:
            if not writer.transport.is_closing():
                writer.write(b"a")

    async def until_left(self, most: int, within: float = SOON) -> None:
        async with asyncio.timeout(within):
            while self.left > most:
                self._changed.clear()
                await self._changed.wait()

    async def read(self, reader: asyncio.StreamReader) -> None:
        """To its end."""
        self.left += 1
        with suppress(ConnectionError):
            await reader.read()
        self.left -= 1
        self._changed.set()


@asynccontextmanager
async def crowd(port: int, said: bytes, count: int = COUNT) -> AsyncIterator[Crowd]:
    made = Crowd()
    async with asyncio.TaskGroup() as tasks:
        try:
            for _ in range(count):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
                made.writers.append(writer)
                tasks.create_task(made.read(reader), name="read")
                writer.write(said)
            yield made
        finally:
            for writer in made.writers:
                writer.transport.abort()


async def answer_to(port: int, path: bytes, address: str = OTHER, within: float = 2.0) -> int:
    """Of a good question from `address`; 0: it got no answer."""
    async with asyncio.timeout(within):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        try:
            writer.write(ASKED % path)
            with suppress(ConnectionError):
                return int((await reader.read()).partition(b" ")[2][:3] or 0)
            return 0
        finally:
            writer.transport.abort()
