"""A real server whose engines take exactly as long as they are told: what is left over is ours.

Run as a process of its own, so that the load's work is not the server's.
"""

import asyncio
import signal

from ..engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt, ScriptedTts, Voicing
from ..server.server import Server
from ..settings import Settings
from ..settings.personas import load_personas
from ..store import MemoryStore

STT_SECONDS = 0.15
LLM_SECONDS = 0.05
TTS_SECONDS = 0.05


async def serve() -> None:
    """Prints `listening on PORT`; until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    script = Script(
        ScriptedStt([Hearing("is it so", STT_SECONDS)]),
        ScriptedLlm([ScriptedAnswer("Yes.", LLM_SECONDS)]),
        ScriptedTts(Voicing(TTS_SECONDS)),
    )
    server = Server(Settings(port=0, max_sessions=1000, _env_file=None))  # type: ignore[call-arg]
    await server.start()
    await server.make_ready(script.engines, MemoryStore(), load_personas())
    print(f"listening on {server.port}", flush=True)
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    asyncio.run(serve())
