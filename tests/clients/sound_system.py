"""A sound system without a sound card: Debian's pulseaudio with a loudspeaker and a microphone of air.

What is played into the sink `mic` is what the microphone hears; `speaker.monitor` is what comes
out of the loudspeaker. Each test has its own, in its own runtime directory.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from clients.audio import OUTPUT_HZ, Samples
from clients.scripted_user import ticks

BINARIES = ("pulseaudio", "pactl", "paplay", "parec")
_MODULES = (
    "module-native-protocol-unix",
    "module-null-sink sink_name=speaker",
    "module-null-sink sink_name=mic",
    "module-remap-source master=mic.monitor source_name=micsrc source_properties=device.description=Air",
)


class Room:
    def __init__(self, runtime: Path) -> None:
        self.environment = {**os.environ, "XDG_RUNTIME_DIR": str(runtime), "PULSE_RUNTIME_PATH": str(runtime)}
        self._heard = runtime / "heard.raw"

    async def run(self, *command: str) -> None:
        process = await self.start(*command)
        async with asyncio.timeout(60):
            assert await process.wait() == 0, command

    async def start(self, *command: str) -> asyncio.subprocess.Process:
        quiet = asyncio.subprocess.DEVNULL
        return await asyncio.create_subprocess_exec(
            *command, env=self.environment, stdout=quiet, stderr=quiet
        )

    async def say(self, path: Path) -> None:
        """Into the microphone; returns when it is said."""
        await self.run("paplay", "--device=mic", str(path))

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """What comes out of the loudspeaker in the block is `heard`."""
        form = ("--raw", "--format=s16le", "--channels=1", f"--rate={OUTPUT_HZ}", "--latency-msec=20")
        ear = await self.start("parec", "-d", "speaker.monitor", *form, str(self._heard))
        try:
            yield
        finally:
            ear.terminate()
            await ear.wait()

    @property
    def heard(self) -> Samples:
        return np.frombuffer(self._heard.read_bytes(), "<i2").copy()


@asynccontextmanager
async def sound_system(runtime: Path) -> AsyncIterator[Room]:
    """Skips where pulseaudio is not installed; with REQUIRE_ALL=1 that is a failure."""
    missing = [binary for binary in BINARIES if shutil.which(binary) is None]
    if missing:
        why = f"needs {', '.join(missing)} (Debian: apt-get install pulseaudio pulseaudio-utils)"
        (pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip)(why)
    room = Room(runtime)
    modules = [f"--load={module}" for module in _MODULES]
    daemon = await room.start("pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "-n", *modules)
    try:
        await _until_up(room)
        await room.run("pactl", "set-default-source", "micsrc")
        await room.run("pactl", "set-default-sink", "speaker")
        yield room
    finally:
        daemon.terminate()
        await daemon.wait()


async def _until_up(room: Room) -> None:
    async with asyncio.timeout(60):
        async for _ in ticks(time.monotonic(), 0.05):
            if await (await room.start("pactl", "info")).wait() == 0:
                return
