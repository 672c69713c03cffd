"""`voice-grpc serve` on engines whose words can be read back, as a process:
`python -m tests.chaos.serve [OPTION ...]`.
"""

import sys

from voice_grpc.ports import Engines
from voice_grpc.server import server
from voice_grpc.server.startup import Say
from voice_grpc.settings import Settings

from .engines import engines


async def build_engines(settings: Settings, say: Say, instructions: str) -> Engines:
    made = engines()
    await made.vad.warm()
    return made


if __name__ == "__main__":
    setattr(server, "build_engines", build_engines)  # noqa: B010 - not ours to export
    sys.exit(server.command(sys.argv[1:]))
