"""Lines that are typed while the conversation goes on, without a thread that outlives it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator


async def typed_lines() -> AsyncIterator[str]:
    """Each line of standard input, without its end. Never ends by itself: at the end of input it waits.

    That way a talk whose input is closed or a file goes on until it is stopped.
    """
    lines: asyncio.Queue[str] = asyncio.Queue()
    pending = bytearray()
    loop = asyncio.get_running_loop()
    fd = sys.stdin.fileno()

    def readable() -> None:
        data = os.read(fd, 4096)
        pending.extend(data)
        *whole, rest = pending.split(b"\n")
        pending[:] = rest
        for line in whole:
            lines.put_nowait(line.decode(errors="replace").rstrip("\r"))
        if not data:
            loop.remove_reader(fd)

    try:
        loop.add_reader(fd, readable)
    except OSError:  # epoll takes no ordinary file and no /dev/null; reading those never waits
        for line in sys.stdin:
            lines.put_nowait(line.rstrip("\r\n"))
    try:
        while True:
            yield await lines.get()
    finally:
        loop.remove_reader(fd)
