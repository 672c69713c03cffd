"""A voice server as a process of its own: started, watched until it listens, and always stopped."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import IO

SERVE = (sys.executable, "-m", "voice_grpc", "serve", "--port", "0")

LISTENING = "listening on "
"""Begins the line that the server prints once it is SERVING; its address follows."""

START_WITHIN = 300.0
"""Seconds: a first start puts the models together from their packages."""

STOP_WITHIN = 5.0
LOOK_EVERY = 0.05


class ServerDied(Exception):
    """It ended, or did not begin to listen in time; the text holds the last it said."""


@asynccontextmanager
async def running(tell: Callable[[str], None], command: Sequence[str] = SERVE) -> AsyncIterator[str]:
    """Yields the address. `tell` gets each line that the server prints until it listens.

    Its output goes to a file, not a pipe: nobody has to read on, and its last words survive it.
    """
    with tempfile.TemporaryFile("w+b") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - takes a millisecond, and the log is a file
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        try:
            yield await _listening(process, log, tell)
        finally:
            _stop(process)


async def _listening(process: "subprocess.Popen[bytes]", log: IO[bytes], tell: Callable[[str], None]) -> str:
    said: list[str] = []
    lines = _lines(log.fileno())
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        is_over = process.poll() is not None  # looked at before the last lines are read
        for line in next(lines):
            if line.startswith(LISTENING):
                return line.removeprefix(LISTENING).strip()
            said.append(line)
            tell(line)
        if is_over:
            last = " | ".join(said[-3:]) or "it said nothing"
            raise ServerDied(f"the server ended with code {process.returncode}: {last}")
        await asyncio.sleep(LOOK_EVERY)
    raise ServerDied(f"the server did not listen within {START_WITHIN:g} s")


def _lines(fd: int) -> Iterator[list[str]]:
    """Each time: the whole lines that were written since."""
    position, rest = 0, b""
    while True:
        data = os.pread(fd, 1 << 20, position)
        position += len(data)
        *whole, rest = (rest + data).split(b"\n")
        yield [text for line in whole if (text := line.decode(errors="replace").rstrip())]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask, wait, insist. Blocks: by then nothing else is left to run, and nothing may cut it short."""
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
