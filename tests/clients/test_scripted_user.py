"""The prepared user: what is said when, and the clock."""

import asyncio
import time

import numpy as np
import pytest

from clients.audio import INPUT_FRAME, INPUT_HZ, OUTPUT_HZ, Samples
from clients.conversation import Condition
from clients.demo_script import Said, answer_delay
from clients.recording import Recording
from clients.scripted_user import VirtualMicrophone, ticks

from .fake_conversation import tone


def clip(frames: int) -> Samples:
    return np.full(frames * INPUT_FRAME - 100, 7, np.int16)


def test_silence_until_it_speaks_and_after() -> None:
    microphone = VirtualMicrophone()
    assert microphone.is_silent
    assert not microphone.frame().any()
    assert microphone.say(clip(2)) == pytest.approx(0.02)
    assert [int(np.count_nonzero(microphone.frame())) for _ in range(3)] == [320, 220, 0]
    assert microphone.is_silent
    assert microphone.said_until == pytest.approx(0.06)


def test_clips_follow_each_other() -> None:
    microphone = VirtualMicrophone()
    assert microphone.say(clip(3)) == 0.0
    assert microphone.say(clip(3)) == pytest.approx(0.06)
    for _ in range(6):
        assert not microphone.is_silent
        microphone.frame()
    assert microphone.say(clip(1)) == pytest.approx(0.12)


async def test_time_goes_on_whatever_the_listener_does() -> None:
    """A tick that comes late does not move those after it."""
    start = time.monotonic()
    seen = []
    async for at in ticks(start, 0.01):
        seen.append((at, time.monotonic() - start))
        if len(seen) == 5:
            time.sleep(0.05)  # noqa: ASYNC251 - the loop is busy for five ticks
        if len(seen) == 20:
            break
    assert [at for at, _ in seen] == pytest.approx([n * 0.01 for n in range(20)])
    assert all(real >= at for at, real in seen)


async def test_waiting_ends_with_the_change_the_time_or_the_world() -> None:
    changes, facts = Condition(), list[int]()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(changes.until(lambda: bool(facts)), name="waiting")
        await asyncio.sleep(0)
        changes.notify()
        facts.append(1)
        changes.notify()
    assert waiting.result()
    assert not await changes.until(lambda: False, 0.01)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(changes.until(lambda: False), name="waiting")
        await asyncio.sleep(0)
        changes.end()
    assert not waiting.result()
    assert not await changes.until(lambda: False)


def recorded(answers: list[tuple[float, float]]) -> Recording:
    """An answer's tone from and until those seconds."""
    recording = Recording(0.0)
    for begins, ends in answers:
        recording.answer.write(tone(ends - begins, OUTPUT_HZ), begins)
    return recording


def said() -> Said:
    """From 1.1 s to 1.9 s, with silence around it."""
    quiet = np.zeros(INPUT_HZ // 10, np.int16)
    return Said(np.concatenate([quiet, tone(0.8, INPUT_HZ, 300), quiet]), 1.0)


def test_an_answer_is_late_by_what_the_listener_waits() -> None:
    assert answer_delay(recorded([(2.5, 3.0)]), said()) == pytest.approx(0.6, abs=0.011)
    assert answer_delay(recorded([]), said()) is None
