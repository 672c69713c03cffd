"""`voice-grpc serve` on scripted engines, as a process: `python -m tests.serve_scripted [OPTION ...]`.

With LOADING=slow its models take for ever to load, in a thread as real ones do.
"""

import asyncio
import os
import sys
import time

from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedLlm
from voice_grpc.ports import Engines
from voice_grpc.server import server
from voice_grpc.server.startup import Say
from voice_grpc.settings import Settings

ANSWER = "This is a rather long answer that goes on, and on, and on for quite some time. " * 8


async def build_engines(settings: Settings, say: Say, instructions: str) -> Engines:
    say("loading the models …")
    if os.environ.get("LOADING") == "slow":
        await asyncio.to_thread(time.sleep, 60)
    return Script(llm=ScriptedLlm([ScriptedAnswer(ANSWER)])).engines


if __name__ == "__main__":
    setattr(server, "build_engines", build_engines)  # noqa: B010 - not ours to export
    sys.exit(server.command(sys.argv[1:]))
