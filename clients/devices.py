"""Microphone and loudspeaker, through miniaudio (the extra `mic`).

The device calls back on a thread of its own. Nothing waits there: the microphone puts frames
into a bounded queue, and the loudspeaker takes what `JitterBuffer` has.
"""

import asyncio
import os
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from voice_grpc.client import JitterBuffer
from voice_grpc.process.installation import advice

from .audio import INPUT_FRAME, INPUT_HZ, OUTPUT_HZ
from .echo import DeviceEcho
from .recording import Track

PERIOD_MS = 20
"""How often the device calls back; miniaudio keeps three of them, so 60 ms lie in the device."""

WAITING_FRAMES = 500
"""Ten seconds of the microphone, as much as is kept of a user who speaks while the line is away; when the way
to the server is slower the oldest are dropped."""


class NoDevice(Exception):
    """There is no such device, or no package to reach one; the text is one line that says what there is."""


@dataclass(frozen=True, slots=True)
class Device:
    kind: str
    """`microphone` or `loudspeaker`."""
    name: str
    id: Any
    """What miniaudio knows it by."""


def _miniaudio() -> ModuleType:
    try:
        import miniaudio
    except ImportError as error:
        text = f"microphone and loudspeaker need a package: run {advice('mic')}"
        raise NoDevice(text) from error
    module: ModuleType = miniaudio
    return module


@contextmanager
def _quiet() -> Iterator[None]:
    """Sound libraries write complaints to file descriptor 2, past Python; ours is one line."""
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def devices() -> list[Device]:
    """Every microphone and loudspeaker that there is. Raises `NoDevice` without the package."""
    miniaudio = _miniaudio()
    with _quiet():
        try:
            found = miniaudio.Devices()
            if found.backend == "Null":  # miniaudio's stand-in where there is no sound system
                return []
            microphones = [Device("microphone", each["name"], each["id"]) for each in found.get_captures()]
            loudspeakers = [Device("loudspeaker", each["name"], each["id"]) for each in found.get_playbacks()]
        except miniaudio.MiniaudioError:  # ALSA without a card lists what it cannot describe
            return []
    return microphones + loudspeakers


def described(found: list[Device]) -> str:
    """One line a device, numbered as --input-device and --output-device take it."""
    lines = []
    for kind in ("microphone", "loudspeaker"):
        names = [device.name for device in found if device.kind == kind]
        lines += [f"{kind} {n}: {name}" for n, name in enumerate(names, 1)] or [f"no {kind}"]
    return "\n".join(lines)


def choose(kind: str, wanted: str, found: list[Device]) -> Device | None:
    """By number or by part of its name; None: the system's default. Raises `NoDevice`."""
    here = [device for device in found if device.kind == kind]
    there_are = ", ".join(described(found).splitlines())
    if not here:
        raise NoDevice(f"there is no {kind} on this machine ({there_are}); --wav and --text need none")
    if not wanted:
        return None
    named = [device for device in here if wanted.lower() in device.name.lower()]
    numbered = [here[int(wanted) - 1]] if wanted.isdecimal() and 0 < int(wanted) <= len(here) else []
    if not named and not numbered:
        raise NoDevice(f"there is no {kind} {wanted!r}; there are: {there_are}")
    return (numbered or named)[0]


@contextmanager
def _opened(
    kind: str, device: Device | None, rate_hz: int, sound: Generator[Any, Any, None]
) -> Iterator[None]:
    miniaudio = _miniaudio()
    opener = miniaudio.CaptureDevice if kind == "microphone" else miniaudio.PlaybackDevice
    next(sound)
    try:
        with _quiet():
            opened = opener(
                miniaudio.SampleFormat.SIGNED16, 1, rate_hz, PERIOD_MS, device.id if device else None
            )
            opened.start(sound)
    except miniaudio.MiniaudioError as error:
        name = device.name if device else "the default one"
        raise NoDevice(f"the {kind} cannot be opened ({name}: {error.args[0]})") from error
    try:
        yield
    finally:
        opened.close()


@contextmanager
def loudspeaker(
    device: Device | None,
    playout: JitterBuffer,
    track: Track,
    start: float,
    echo: DeviceEcho | None = None,
) -> Iterator[None]:
    """Plays what `playout` has while the block lasts; what was played goes to `track`, and to `echo`."""

    def sound() -> Generator[bytes, int, None]:
        count = yield b""
        while True:
            now = time.monotonic()
            samples = playout.take(count, now)
            track.write(samples, now - start)
            if echo is not None:
                echo.play(samples)
            count = yield samples.tobytes()

    with _opened("loudspeaker", device, OUTPUT_HZ, sound()):
        yield


class Microphone:
    """Frames of 20 ms as PCM16 bytes. Made by `microphone`; read in the loop that made it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._frames: deque[bytes] = deque()
        self._is_lossy = False
        self._ready = asyncio.Event()

    async def read(self) -> tuple[bytes, bool]:
        """The next frame, and whether some before it were dropped."""
        await self._ready.wait()
        with self._lock:
            frame, lossy, self._is_lossy = self._frames.popleft(), self._is_lossy, False
            if not self._frames:
                self._ready.clear()
        return frame, lossy

    def put(self, frame: bytes) -> None:
        """From the device's thread."""
        with self._lock:
            self._frames.append(frame)
            if len(self._frames) > WAITING_FRAMES:
                self._frames.popleft()
                self._is_lossy = True
            if len(self._frames) == 1:
                self._loop.call_soon_threadsafe(self._signal)

    def _signal(self) -> None:
        with self._lock:
            if self._frames:
                self._ready.set()


@contextmanager
def microphone(
    device: Device | None, track: Track, start: float, echo: DeviceEcho | None = None
) -> Iterator[Microphone]:
    """Listens while the block lasts; what it hears, without the `echo`, goes to `track` too."""
    opened = Microphone()

    def sound() -> Generator[None, bytearray, None]:
        size = INPUT_FRAME * 2
        pending = bytearray()
        while True:
            pending += yield
            while len(pending) >= size:
                heard = np.frombuffer(bytes(pending[:size]), "<i2")
                del pending[:size]
                if echo is not None:
                    heard = echo.cleaned(heard)
                track.write(heard, time.monotonic() - start)
                opened.put(heard.tobytes())

    with _opened("microphone", device, INPUT_HZ, sound()):
        yield opened
