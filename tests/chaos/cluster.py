"""Servers on one Valkey behind one Envoy, all of them processes of this machine, and how they are killed."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc.aio

from tests.deploy.envoy import Envoy, envoy
from tests.free_port import free_port
from tests.serving import LOCAL, stub_of
from tests.valkey import Valkey, valkey
from voice_grpc.pb import voice_pb2 as pb

LISTENING = "listening on "
STARTS_WITHIN = 60.0
"""Seconds in which a server that was started listens, on a busy machine."""

SECRET = "the same on every server"
DRAIN_SECONDS = 3


@dataclass
class ServerProcess:
    """One server on a port of its own, which it has again when it is started again."""

    folder: Path
    variables: Mapping[str, str]
    tasks: asyncio.TaskGroup
    """In which it is listened to."""
    port: int = field(default_factory=free_port)
    log: list[str] = field(default_factory=list)
    _process: asyncio.subprocess.Process | None = None

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "it was not started"
        return self._process

    async def start(self) -> None:
        """Until it listens."""
        options = ("--port", str(self.port), "--drain-seconds", str(DRAIN_SECONDS))
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.serve", *options),
            env={**os.environ, "HOME": str(self.folder), **self.variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        listening = asyncio.Event()
        self.tasks.create_task(self._hear(self._process, listening), name=f"server-{self.port}")
        async with asyncio.timeout(STARTS_WITHIN):
            await listening.wait()

    async def _hear(self, process: asyncio.subprocess.Process, listening: asyncio.Event) -> None:
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            self.log.append(line)
            if line.startswith(LISTENING):
                listening.set()
        assert listening.is_set(), self.log[-5:]

    async def end(self, how: signal.Signals) -> None:
        """SIGTERM: until it has drained."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Cluster:
    servers: list[ServerProcess]
    store: Valkey
    envoy: Envoy

    async def restart(self, server: ServerProcess, how: signal.Signals = signal.SIGKILL) -> None:
        await server.end(how)
        await server.start()

    def holder(self, session_id: str) -> int:
        """The server that a conversation came to last."""
        begun = f"session {session_id}: begins"
        lines = [(line, n) for n, server in enumerate(self.servers) for line in server.log if begun in line]
        return max(lines)[1]

    async def history(self, session_id: str) -> pb.Session:
        """As any server tells it."""
        async with grpc.aio.insecure_channel(f"127.0.0.1:{self.envoy.plain}", LOCAL) as channel:
            asked = pb.GetSessionRequest(session_id=session_id)
            return (await stub_of(channel).GetSession(asked)).session


@asynccontextmanager
async def cluster(folder: Path, count: int = 2, resume_window: float = 120.0) -> AsyncIterator[Cluster]:
    """`count` servers that serve. None of them has logged a traceback when the block ends."""
    with valkey(folder) as store:
        variables = {
            "VOICE_STORE": store.url,
            "VOICE_SECRET": SECRET,
            "VOICE_RESUME_WINDOW": f"{resume_window:g}",
            "VOICE_ADMISSION": "count",
        }
        async with asyncio.TaskGroup() as tasks:
            servers = [ServerProcess(folder, variables, tasks) for _ in range(count)]
            try:
                for server in servers:
                    await server.start()
                async with envoy(folder, [server.port for server in servers]) as before:
                    yield Cluster(servers, store, before)
            finally:
                for server in servers:
                    await server.end(signal.SIGKILL)
    logged = "".join(line for server in servers for line in server.log)
    assert "Traceback" not in logged, logged[-4000:]
