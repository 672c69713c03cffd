"""The servers that are measured, each a process of its own, so that the load's work is not the server's.

    python -m voice_grpc.bench.servers scripted   engines take as long as they are told: the rest is ours
    python -m voice_grpc.bench.servers heard      the same, and Silero hears all that is said, as in earnest
    python -m voice_grpc.bench.servers cloud      engines from the settings in the environment, chains and all

What is heard of speech is scripted in all: the end of it exactly, so that the rest can be measured. Who
looks on is what the environment asks for, as of every server: `OTEL_…` and `VOICE_METRICS_PORT`. So is where
conversations are kept, by `VOICE_STORE`; without it in memory.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from ..core.audio import Floats
from ..engines.scripted import (
    Hearing,
    Script,
    ScriptedAnswer,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    ScriptedVad,
    Voicing,
)
from ..engines.silero import SileroVad
from ..ports import Engines
from ..process.child_process import LISTENING, ChildEnded, running
from ..server.garbage import collected_seldom
from ..server.server import Server
from ..server.startup import build_engines, close_engines, open_store
from ..settings import Settings
from ..settings.personas import load_personas
from ..telemetry.start import telemetry

STT_SECONDS = 0.15
LLM_SECONDS = 0.05
TTS_SECONDS = 0.05
"""How long the scripted engines take to their first output."""


@asynccontextmanager
async def _scripted(settings: Settings) -> AsyncIterator[Engines]:
    yield Script(
        ScriptedStt([Hearing("is it so", STT_SECONDS)]),
        ScriptedLlm([ScriptedAnswer("Yes.", LLM_SECONDS)]),
        ScriptedTts(Voicing(TTS_SECONDS)),
    ).engines


class _SileroBeside(ScriptedVad):
    """Costs what Silero costs, and says what the script says."""

    def __init__(self, silero: SileroVad) -> None:
        super().__init__()
        self._silero, self._stream = silero, silero.open()

    def open(self) -> "_SileroBeside":
        return _SileroBeside(self._silero)

    async def probability(self, window: Floats) -> float:
        await self._stream.probability(window)
        return await super().probability(window)


@asynccontextmanager
async def _heard(settings: Settings) -> AsyncIterator[Engines]:
    silero = SileroVad()
    await silero.warm()
    try:
        async with _scripted(settings) as engines:
            yield replace(engines, vad=_SileroBeside(silero))
    finally:
        await silero.close()


@asynccontextmanager
async def _cloud(settings: Settings) -> AsyncIterator[Engines]:
    built = await build_engines(settings, lambda line: None)
    await built.vad.close()
    engines = replace(built, vad=ScriptedVad())
    try:
        yield engines
    finally:
        await close_engines(engines)


KINDS: Mapping[str, Callable[[Settings], AbstractAsyncContextManager[Engines]]] = {
    "scripted": _scripted,
    "heard": _heard,
    "cloud": _cloud,
}


async def serve(kind: str) -> None:
    """Prints `listening on PORT`; until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    where = os.environ.get("VOICE_STORE", "memory")
    settings = Settings(port=0, max_sessions=1000, admission="count", store=where, _env_file=None)  # type: ignore[call-arg, arg-type]
    seen = telemetry(settings.host, settings.metrics_port)
    async with seen as watching, KINDS[kind](settings) as engines:
        store = await open_store(settings)
        server = Server(settings, watching.observer)
        await server.start()
        try:
            await server.make_ready(engines, store, load_personas())
            async with collected_seldom():
                print(f"listening on {server.port}", flush=True)
                await stop.wait()
        finally:
            await server.stop()
            await store.close()


class NotStarted(Exception):
    """A process ended before it said where it listens; why is on stderr."""


@contextmanager
def started(
    module: str,
    *flags: str,
    env: dict[str, str] | None = None,
    directory: Path | None = None,
    is_quiet: bool = False,
) -> Iterator[tuple[str, int]]:
    """`python -m MODULE FLAGS`: where it listens, and its pid. `directory` is where the module is found.

    `is_quiet`: what it logs is not shown. Raises `NotStarted`.
    """
    environment = dict(os.environ if env is None else env)
    if directory is not None:
        environment["PYTHONPATH"] = str(directory)

    def complain(line: str) -> None:
        if not is_quiet and not line.startswith(LISTENING):
            print(line, file=sys.stderr)

    with running(
        module, [sys.executable, "-m", module, *flags], complain, environment=environment
    ) as process:
        try:
            address = process.address()
        except ChildEnded as error:
            raise NotStarted(f"{error.message}: see above") from None
        yield address.split()[-1], process.pid


def cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15, in hundredths)."""
    with open(f"/proc/{pid}/stat") as stat:
        values = stat.read().rsplit(")", 1)[1].split()
    return (int(values[11]) + int(values[12])) / 100


@contextmanager
def cores_apart(pid: int) -> Iterator[None]:
    """The process computes on one core, all its threads and those that they start; this one on the others,
    where there are any, until the end."""
    first, *others = mine = sorted(os.sched_getaffinity(0))
    for process, cores in ((pid, {first}), (os.getpid(), others or mine)):
        _keep_to(process, cores)
    try:
        yield
    finally:
        _keep_to(os.getpid(), mine)


def _keep_to(pid: int, cores: Collection[int]) -> None:
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)


class CpuSeconds(NamedTuple):
    """Computed so far, by the server that is measured and by all processes but it and this one."""

    server: float
    others: float


def cpu_of_all(pid: int) -> CpuSeconds:
    """`pid`: the server's. All that the machine computes is the first line of `/proc/stat` (proc(5)), in
    hundredths; what a hypervisor gave to other guests (`steal`) counts as others'."""
    server = cpu_seconds(pid)
    with open("/proc/stat") as stat:
        user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    busy = (user + nice + system + irq + softirq + steal) / 100
    return CpuSeconds(server, busy - server - time.process_time())


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
