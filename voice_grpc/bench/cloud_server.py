"""The server as it is deployed: its engines from the settings in the environment, chains and all.

Only the detector is another one: it hears the end of speech exactly, so that the rest can be measured. Run as
a process of its own, so that the load's work is not the server's.
"""

import asyncio
import signal
from dataclasses import replace

from ..engines.scripted import ScriptedVad
from ..server.server import Server
from ..server.startup import build_engines, close_engines
from ..settings import Settings
from ..settings.personas import load_personas
from ..store import MemoryStore


async def serve() -> None:
    """Prints `listening on PORT`; until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = Settings(port=0, max_sessions=1000, _env_file=None)  # type: ignore[call-arg]
    server = Server(settings)
    await server.start()
    built = await build_engines(settings, lambda line: None)
    await built.vad.close()
    engines = replace(built, vad=ScriptedVad())
    try:
        await server.make_ready(engines, MemoryStore(), load_personas())
        print(f"listening on {server.port}", flush=True)
        await stop.wait()
    finally:
        await server.stop()
        await close_engines(engines)


if __name__ == "__main__":
    asyncio.run(serve())
