"""Runs a client's command as the process that a person starts, and looks at all it leaves behind."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_MAIN = """\
import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)
{prelude}
from clients.{name} import command; sys.exit(command(sys.argv[1:]))
"""
"""As in the foreground of a terminal: what a shell puts in the background is deaf to Ctrl-C, and so is all
that it starts."""


@dataclass(frozen=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on standard error; anything else is a failure."""
        (line,) = self.err.splitlines()
        return line


class Program:
    """A running `talk` or `demo`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def until(self, words: str) -> str:
        """Read what it prints up to the line that has `words`; returns all that was read."""
        assert self._process.stdout is not None
        read = ""
        while words not in read:
            line = await self._process.stdout.readline()
            assert line, f"it ended without saying {words!r}: {read}"
            read += line.decode()
        return read

    async def type(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        self._process.send_signal(number)

    async def ended(self, within: float = 60) -> Ended:
        async with asyncio.timeout(within):
            out, err = await self._process.communicate()
        assert self._process.returncode is not None
        return Ended(self._process.returncode, out.decode(), err.decode())


async def start(
    name: str, *arguments: object, environment: Mapping[str, str] | None = None, prelude: str = ""
) -> Program:
    """`name` is the module under clients/, run from the source tree; `prelude` is Python to run before."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _MAIN.format(name=name, prelude=prelude),
        *map(str, arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **(environment or {})},
    )
    return Program(process)


async def run(name: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Ended:
    return await (await start(name, *arguments, environment=environment)).ended()
