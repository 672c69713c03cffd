"""Recordings as sessions have them made, and a thread that writes them when a test says so."""

from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from voice_grpc.core.audio import RATE_HZ
from voice_grpc.core.responses import TurnEvent, TurnPhase
from voice_grpc.ports import Recorder, Recording, SoundPiece
from voice_grpc.recording.directory import RecordingDirectory
from voice_grpc.recording.recorder import FileRecorder

from .reading import tone

OUT_HZ = 24_000


@asynccontextmanager
async def recorder_in(root: Path) -> AsyncIterator[Recorder]:
    """For a server; a test is skipped where nothing can be recorded."""
    pytest.importorskip("av", reason="PyAV is not installed (the extra `opus`)")
    async with FileRecorder(RecordingDirectory(root)).running() as recorder:
        yield recorder


def talk(recording: Recording, seconds: float = 3.0, from_: float = 0.0) -> None:
    """A user at 440 Hz from the beginning to the end, and an answer at 660 Hz from 1 s on."""
    steps = range(round(from_ * 4), round(seconds * 4))
    for step in steps:
        at = step / 4
        recording.hear(SoundPiece(at, tone(0.25, 440, RATE_HZ), RATE_HZ))
        if at >= 1.0:
            recording.say(SoundPiece(at, tone(0.25, 660, OUT_HZ), OUT_HZ))
        recording.tell(at, TurnEvent(step, TurnPhase.THINKING))
        recording.settle(at + 0.25)


def made(recorder: Recorder, session_id: str = "talk", owner: str = "", seconds: float = 1.0) -> list[str]:
    """A whole one, whose files are there once the recorder is closed. Returns what it told as troubles."""
    troubles: list[str] = []
    recording = recorder.open(session_id, owner, troubles.append)
    talk(recording, seconds)
    recording.close(seconds)
    return troubles


class ByHand(Executor):
    """Threads that do nothing before they are told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.waiting.append(lambda: work(*args, **kwargs))
        return Future()

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()
