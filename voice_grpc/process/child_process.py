"""A server as a process of its own: started, heard until it listens and after, and always stopped.

Its standard output and error are one pipe, which a thread reads to its end: the child never waits for a
reader, and callers need no event loop. What it is about to say first is `listening on ADDRESS`.
"""

import asyncio
import os
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager

LISTENING = "listening on "
"""Begins the line that a server prints once it serves; its address follows."""

START_SECONDS = 300.0
"""A first start puts the models together from their packages."""

STOP_SECONDS = 15.0
"""A server lets what is being said be finished."""

LAST_LINES = 3
LONGEST_LINE = 65_536
"""Bytes; what is longer is passed on in pieces."""


class ChildEnded(Exception):
    """It ended by itself, or did not listen in time."""

    def __init__(self, message: str, last_words: str = "") -> None:
        super().__init__(f"{message}: {last_words}" if last_words else message)
        self.message = message
        """Without its last words, for where they were passed on already."""


class ChildProcess:
    """Made by `running`. `hear` gets each line, without its end, in a thread."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", hear: Callable[[str], None]) -> None:
        self.name = name
        """For messages: `the NAME ended with code 1`."""
        self.pid = process.pid
        self._process, self._hear = process, hear
        self._address: Future[str] = Future()
        self._ended: Future[None] = Future()
        for future in (self._address, self._ended):
            future.set_running_or_notify_cancel()  # who stops waiting does not cancel it for others
        self._last_lines: deque[str] = deque(maxlen=LAST_LINES)
        self._is_stopped = False
        self._reading = threading.Thread(target=self._read, name=f"{name}'s output", daemon=True)
        self._reading.start()

    def address(self, within: float = START_SECONDS) -> str:
        """Where it listens. Blocks. Raises `ChildEnded`, also after `within` seconds."""
        try:
            return self._address.result(within)
        except TimeoutError:
            raise self._late(within) from None

    async def listening(self, within: float = START_SECONDS) -> str:
        """`address` for an event loop."""
        try:
            async with asyncio.timeout(within):
                return await asyncio.wrap_future(self._address)
        except TimeoutError:
            raise self._late(within) from None

    async def until_ended(self) -> None:
        """Raises `ChildEnded` when it ends by itself; returns when it was stopped."""
        await asyncio.wrap_future(self._ended)

    def stop(self, within: float) -> None:
        """Ask, wait `within` seconds, insist. Blocks: nothing may cut it short."""
        self._is_stopped = True
        self._process.terminate()
        try:
            self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reading.join(1.0)  # longer only when a child of the child still holds the pipe

    def _read(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as output:
                while line := output.readline(LONGEST_LINE):
                    self._take(line.decode(errors="replace").rstrip())
            message = f"the {self.name} ended with code {self._process.wait()}"
        except OSError as error:
            message = f"what the {self.name} says cannot be passed on ({error.strerror})"
        ended = ChildEnded(message, self._last_words)
        if not self._address.done():
            self._address.set_exception(ended)
        if self._is_stopped:
            self._ended.set_result(None)
        else:
            self._ended.set_exception(ended)

    def _take(self, line: str) -> None:
        if line:
            self._last_lines.append(line)
        if not self._is_stopped:
            self._hear(line)
        if line.startswith(LISTENING) and not self._address.done():
            self._address.set_result(line.removeprefix(LISTENING).strip())

    @property
    def _last_words(self) -> str:
        return " | ".join(self._last_lines) or "it said nothing"

    def _late(self, within: float) -> ChildEnded:
        return ChildEnded(f"the {self.name} did not listen within {within:g} s", self._last_words)


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    hear: Callable[[str], None],
    *,
    environment: Mapping[str, str] | None = None,
    has_own_session: bool = False,
    stop_within: float = STOP_SECONDS,
) -> Iterator[ChildProcess]:
    """`command` while the block runs. `environment` stands in for this process's own.

    With `has_own_session` a terminal's Ctrl-C does not reach it: it is stopped from here alone. Raises
    `OSError` when there is no such program.
    """
    given = os.environ if environment is None else environment
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**given, "PYTHONUNBUFFERED": "1"},
        start_new_session=has_own_session,
    )
    child = ChildProcess(name, process, hear)
    try:
        yield child
    finally:
        child.stop(stop_within)
