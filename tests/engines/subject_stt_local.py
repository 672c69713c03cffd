"""Speech to text in this process, as subjects of the conformance suite: no far end, no trouble with one."""

import importlib.util
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.engines.conformance import IN_PROCESS, Rig, Subject
from tests.fakes.script import Trouble
from voice_grpc.engines.scripted import Hearing, ScriptedStt
from voice_grpc.ports import Stt

SENTENCE = "I would like to book a table for four people on Friday evening, please."


@asynccontextmanager
async def _whisper(trouble: Trouble) -> AsyncIterator[Rig[Stt]]:
    """Skips where the model is not installed; with REQUIRE_ALL=1 that is a failure."""
    if not importlib.util.find_spec("faster_whisper"):
        (pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip)("without faster_whisper")
    from voice_grpc.engines.whisper.stt import WhisperStt

    engine = WhisperStt("tiny")
    try:
        await engine.warm()
        yield Rig(engine, open_calls=lambda: 0 if engine.has_room() else 1)
    finally:
        await engine.close()


@asynccontextmanager
async def _scripted(trouble: Trouble) -> AsyncIterator[Rig[Stt]]:
    yield Rig(ScriptedStt([Hearing(SENTENCE, delay=0.02)]))


SUBJECTS: list[Subject[Stt]] = [
    Subject("whisper-tiny", _whisper, IN_PROCESS),
    Subject("scripted", _scripted, IN_PROCESS),
]
