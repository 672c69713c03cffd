"""The servers of all variants in one process, on the same warm engines.

    python -m voice_grpc.bench.turns.server

A port for each of `EVIDENCE_TAKEN`, printed in that order. Only one of them is spoken to at a time, so
that what the process takes meanwhile is that one's. Engines are those of the settings in the environment.
"""

import asyncio
import signal
from contextlib import AsyncExitStack

from ...ports import Engines
from ...server.garbage import collected_seldom
from ...server.server import Server
from ...server.startup import build_engines, close_engines
from ...settings import Settings
from ...settings.personas import DEFAULT_ID, Persona, load_personas
from ...store import MemoryStore
from .variants import EVIDENCE_TAKEN, engines_without


async def start_all(
    engines: Engines, settings: Settings, personas: dict[str, Persona], closing: AsyncExitStack
) -> list[int]:
    """The ports of servers that are ready, which `closing` stops."""
    ports = []
    for taken in EVIDENCE_TAKEN:
        server = Server(settings)
        closing.push_async_callback(server.stop)
        await server.start()
        await server.make_ready(engines_without(engines, taken), MemoryStore(), personas)
        ports.append(server.port)
    return ports


async def serve() -> None:
    """Prints `listening on PORT,PORT…`; until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings(port=0, _env_file=None)  # type: ignore[call-arg]
    personas = load_personas()
    async with AsyncExitStack() as closing:
        engines = await build_engines(settings, _say, personas[DEFAULT_ID].instructions)
        closing.push_async_callback(close_engines, engines)
        ports = await start_all(engines, settings, personas, closing)
        await closing.enter_async_context(collected_seldom())
        _say(f"listening on {','.join(map(str, ports))}")
        await stop.wait()


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
