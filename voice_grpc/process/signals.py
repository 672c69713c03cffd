"""SIGINT and SIGTERM of a process that serves, also while it still loads.

A file of its own: all that serve end by it.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable
from typing import TypeVar

from .beside import beside

T = TypeVar("T")

INTERRUPTED = 130
"""The exit code of what Ctrl-C ended, as shells have it."""


class Signals:
    """Made in the running loop, which from then on hands every SIGINT and SIGTERM to `next`."""

    def __init__(self) -> None:
        self._received: asyncio.Queue[signal.Signals] = asyncio.Queue()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._received.put_nowait, number)

    async def next(self) -> signal.Signals:
        """The next one that comes, or came and was not asked for yet."""
        return await self._received.get()

    async def leaving_meanwhile(self, load: Awaitable[T]) -> T:
        """What `load` returns or raises. A signal meanwhile ends the process with `INTERRUPTED`: a load
        goes on in threads, which cannot be cancelled."""
        async with beside(self._leave(), "leave"):
            return await load

    async def _leave(self) -> None:
        await self.next()
        sys.stdout.flush()
        os._exit(INTERRUPTED)
