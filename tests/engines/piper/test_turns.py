"""Whose chunk is next, with a voice whose chunks are made when the test lets them."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from voice_grpc.core.audio import Samples
from voice_grpc.engines.piper import tts as piper
from voice_grpc.engines.piper.tts import PiperTts
from voice_grpc.ports import Claim, Clause, Urgency, VoiceChoice

COMMITTED, FINAL, PREPARED, PART = Urgency
CHUNKS = 4
"""Of each text."""


class HeldVoice:
    """Each chunk is made once the test lets one be made; which texts they are of is noted before."""

    rate_hz, espeak_language = 22_050, "en-us"

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._is_begun = threading.Semaphore(0)
        self._goes_on = threading.Event()

    def say(self, text: str, rate: float) -> Iterator[Samples]:
        for _ in range(CHUNKS):
            self.begun.append(text)
            self._is_begun.release()
            assert self._goes_on.wait(10.0)
            yield np.ones(100, np.int16)

    async def is_begun(self) -> None:
        assert await asyncio.to_thread(self._is_begun.acquire, timeout=10.0)

    def go_on(self) -> None:
        self._goes_on.set()


@asynccontextmanager
async def opened(patch: pytest.MonkeyPatch) -> AsyncIterator[tuple[PiperTts, HeldVoice]]:
    voice = HeldVoice()
    patch.setattr(piper, "open_voice", lambda path, threads: voice)
    tts = PiperTts(Path("en_US-held-medium.onnx"))
    await tts.warm()
    try:
        yield tts, voice
    finally:
        voice.go_on()
        await tts.close()


async def speak(tts: PiperTts, text: str, urgency: Urgency) -> int:
    """The caller is named as the text. How many chunks came."""

    async def clauses() -> AsyncIterator[Clause]:
        yield Clause(0, text)

    choice = VoiceChoice(claim=Claim.of(text, urgency))
    async with aclosing(tts.speak(clauses(), choice)) as sounds:
        return len([sound async for sound in sounds])


async def settled() -> None:
    """Whatever was asked waits for the thread now."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_first_sound_of_an_answer_waits_for_one_chunk_of_a_flood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch) as (tts, voice), asyncio.TaskGroup() as tasks:
        flood = [tasks.create_task(speak(tts, "flood", COMMITTED)) for _ in range(10)]
        await voice.is_begun()
        await settled()
        other = tasks.create_task(speak(tts, "other", COMMITTED))
        await settled()
        voice.go_on()
        assert await other == CHUNKS
        assert [await task for task in flood] == [CHUNKS] * 10
    assert voice.begun[:2] == ["flood", "other"]
    assert voice.begun.index("other") == 1


async def test_an_answer_that_was_let_out_is_made_before_parts_whoever_asks_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(monkeypatch) as (tts, voice), asyncio.TaskGroup() as tasks:
        tasks.create_task(speak(tts, "running", PART))
        await voice.is_begun()
        for text, urgency in (("part", PART), ("prepared", PREPARED), ("answer", COMMITTED)):
            tasks.create_task(speak(tts, text, urgency))
        await settled()
        voice.go_on()
    first = [voice.begun.index(text) for text in ("answer", "prepared", "part")]
    assert voice.begun[1] == "answer"
    assert first == sorted(first)
