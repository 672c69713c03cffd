"""Where the attacked are, what their logs say went wrong, and what they cost, seen from outside."""

import asyncio
import logging
import os
import re
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import httpx2

from tests.gateway.harness import deployed
from voice_grpc.client import Access
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub
from voice_grpc.process.child_process import ChildProcess, running

from .target import TASKS, forgetful_script

STRANGER, CANARY = Access("stranger"), Access("canary")
"""Two callers: a stranger can neither end nor erase what is the canary's."""

MOST_SESSIONS = 400

OPEN_DOORS: Mapping[str, Any] = {
    "tokens": f"{STRANGER.token},{CANARY.token}",
    "max_sessions": MOST_SESSIONS,
    "admission": "count",
    "caller_streams": MOST_SESSIONS,
    "caller_new_per_minute": 1_000_000,
    "caller_sound_rate": 0,
    **{
        f"caller_{what}_per_{window}": 10**9
        for what in ("tokens", "characters")
        for window in ("minute", "day")
    },
}
"""Settings of the server: whoever is turned away at a limit tries nothing that is behind it."""

MOST_LINES = 200
"""Of what went wrong, kept until they are taken; the last ones."""

LOCAL = (("grpc.enable_http_proxy", 0),)

_RECORD = re.compile(r"\d{4}-\d\d-\d\d .*? (?P<level>[A-Z]+) ")
_WRONG = re.compile(r"Traceback|never retrieved|was never awaited|: a bug|Exception ignored")


class LogReader:
    """What a log says went wrong: errors, and tracebacks with all their lines."""

    def __init__(self) -> None:
        self._wrong: deque[str] = deque(maxlen=MOST_LINES)
        self._is_within = False

    def hear(self, line: str) -> None:
        """The next line."""
        if record := _RECORD.match(line):
            self._is_within = record["level"] in ("ERROR", "CRITICAL")
        if _WRONG.search(line):
            self._is_within = True
        if self._is_within:
            self._wrong.append(line)

    def taken(self) -> list[str]:
        """What went wrong since the last time."""
        return [self._wrong.popleft() for _ in range(len(self._wrong))]


class LogHandler(logging.Handler):
    """The same of the loggers of this process."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.reader = LogReader()

    def emit(self, record: logging.LogRecord) -> None:
        text = logging.Formatter("2000-01-01 00:00:00 %(levelname)s %(name)s %(message)s").format(record)
        for line in text.splitlines():
            self.reader.hear(line)

    @contextmanager
    def listening(self) -> Iterator[LogReader]:
        logging.getLogger().addHandler(self)
        try:
            yield self.reader
        finally:
            logging.getLogger().removeHandler(self)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process holds at one moment."""

    memory: float
    """Resident, in MB (proc(5), VmRSS)."""
    tasks: float
    """Of asyncio."""
    threads: float
    descriptors: float


class WatchedProcess:
    """One of the attacked. Its lines are heard in a thread."""

    def __init__(self) -> None:
        self.log = LogReader()
        self.child: ChildProcess | None = None
        self.task_names = ""
        """When the cost was asked for last."""
        self._tasks: Future[int] = Future()

    def hear(self, line: str) -> None:
        if line.startswith(TASKS):
            count, _, self.task_names = line.removeprefix(TASKS).partition(": ")
            with suppress(InvalidStateError):  # who asked did not wait
                self._tasks.set_result(int(count))
        else:
            self.log.hear(line)

    async def cost(self) -> Cost:
        """Asked one after the other."""
        assert self.child is not None
        proc = Path(f"/proc/{self.child.pid}")
        self._tasks = Future()
        os.kill(self.child.pid, signal.SIGUSR1)
        async with asyncio.timeout(60):
            tasks = await asyncio.wrap_future(self._tasks)
        status = dict(
            line.split(":", 1) for line in (proc / "status").read_text().splitlines() if ":" in line
        )
        memory = int(status["VmRSS"].split()[0]) / 1024
        return Cost(memory, tasks, int(status["Threads"]), len(os.listdir(proc / "fd")))


@dataclass(frozen=True, slots=True)
class Attacked:
    """A deployment: `server` is HOST:PORT, `gateway` a port of 127.0.0.1."""

    server: str
    gateway: int
    logs: tuple[LogReader, ...]
    processes: Mapping[str, WatchedProcess] = field(default_factory=dict)
    """By name; none where it runs in this process."""

    def wrong(self) -> list[str]:
        """What all logs say went wrong since the last time."""
        return [line for log in self.logs for line in log.taken()]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.gateway}"

    async def open_conversations(self) -> tuple[int, int, int]:
        """Sessions and streams of the server, conversations of the gateway."""
        async with (
            grpc.aio.insecure_channel(self.server, LOCAL) as channel,
            httpx2.AsyncClient(base_url=self.url, trust_env=False) as http,
        ):
            stub = VoiceServiceStub(channel)
            info = await stub.GetServerInfo(pb.GetServerInfoRequest(), metadata=CANARY.metadata)
            health = (await http.get("/health")).json()
        return info.use.open_sessions, info.use.open_streams, int(health["conversations"])

    async def until_empty(self, within: float) -> tuple[int, int, int]:
        """Until nobody is there any more, `within` seconds at most: how many then still are."""
        loop = asyncio.get_running_loop()
        end = loop.time() + within
        while any(left := await self.open_conversations()) and loop.time() < end:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(0.2)
        return left


@asynccontextmanager
async def attacked_here() -> AsyncIterator[Attacked]:
    """In this process, with short answers: for tests."""
    bounds = {"max_sockets": MOST_SESSIONS, "max_per_address": MOST_SESSIONS}
    async with deployed(
        forgetful_script("Sure thing."),
        bounds,
        **OPEN_DOORS,
    ) as here:
        with LogHandler().listening() as log:
            yield Attacked(here.served.target, here.port, (log,))


@contextmanager
def attacked_processes() -> Iterator[Attacked]:
    """Two processes of their own: for the tools."""
    options = ["--port", "0", "--store", "memory", "--log-level", "warning"]
    for name, value in OPEN_DOORS.items():
        options += [f"--{name.replace('_', '-')}", str(value)]
    most = str(MOST_SESSIONS)
    with _started("server", options) as (server, address):
        target = ["--port", "0", "--target", address, "--max-sockets", most, "--max-per-address", most]
        with _started("gateway", target) as (gateway, url):
            port = int(url.rpartition(":")[2])
            logs = (server.log, gateway.log)
            yield Attacked(address, port, logs, {"server": server, "gateway": gateway})


@contextmanager
def _started(kind: str, options: list[str]) -> Iterator[tuple[WatchedProcess, str]]:
    watched = WatchedProcess()
    command = [sys.executable, "-m", "tests.abuse.target", kind, *options]
    with running(kind, command, watched.hear) as child:
        watched.child = child
        yield watched, child.address()
