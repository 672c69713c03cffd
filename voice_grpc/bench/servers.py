"""The servers that are measured, each a process of its own, so that the load's work is not the server's.

    python -m voice_grpc.bench.servers scripted   engines take as long as they are told: the rest is ours
    python -m voice_grpc.bench.servers cloud      engines from the settings in the environment, chains and all

The detector is scripted in both: it hears the end of speech exactly, so that the rest can be measured.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

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
from ..ports import Engines
from ..server.server import Server
from ..server.startup import build_engines, close_engines
from ..settings import Settings
from ..settings.personas import load_personas
from ..store import MemoryStore

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


@asynccontextmanager
async def _cloud(settings: Settings) -> AsyncIterator[Engines]:
    built = await build_engines(settings, lambda line: None)
    await built.vad.close()
    engines = replace(built, vad=ScriptedVad())
    try:
        yield engines
    finally:
        await close_engines(engines)


async def serve(kind: str) -> None:
    """Prints `listening on PORT`; until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings(port=0, max_sessions=1000, _env_file=None)  # type: ignore[call-arg]
    made: AbstractAsyncContextManager[Engines] = {"scripted": _scripted, "cloud": _cloud}[kind](settings)
    server = Server(settings)
    await server.start()
    async with made as engines:
        try:
            await server.make_ready(engines, MemoryStore(), load_personas())
            print(f"listening on {server.port}", flush=True)
            await stop.wait()
        finally:
            await server.stop()


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
    """`python -m MODULE FLAGS`: the last word of its first line, which is its address, and its pid.

    `is_quiet`: what it logs is not shown. Raises `NotStarted`.
    """
    errors = subprocess.DEVNULL if is_quiet else None
    command = [sys.executable, "-m", module, *flags]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=directory, env=env
    ) as process:
        assert process.stdout is not None
        try:
            if not (first := process.stdout.readline()):
                raise NotStarted(f"{module} does not start: see above")
            yield first.split()[-1], process.pid
        finally:
            process.terminate()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
