"""Silero: the state is the session's own and survives cancelled callers; nobody waits after a close."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.saying import said
from voice_grpc.core.audio import RATE_HZ, WINDOW, Floats, sample_count, seconds, to_float
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.silero import SileroVad

pytest.importorskip("onnxruntime")
pytest.importorskip("faster_whisper")

RECORDING = Path(__file__).parents[3] / "shared/audio/jfk.wav"
VERSE = "Ask not what your country can do for you."


@pytest.fixture
async def vad() -> AsyncIterator[SileroVad]:
    engine = SileroVad()
    await engine.warm()
    yield engine
    await engine.close()


def noise(count: int, seed: int = 0) -> list[Floats]:
    rng = np.random.default_rng(seed)
    return [(rng.standard_normal(WINDOW) * 0.1).astype(np.float32) for _ in range(count)]


async def probabilities(vad: SileroVad, windows: list[Floats]) -> list[float]:
    stream = vad.open()
    return [await stream.probability(window) for window in windows]


async def test_silence_is_no_speech(vad: SileroVad) -> None:
    assert max(await probabilities(vad, [np.zeros(WINDOW, np.float32)] * 10)) < 0.2


async def test_a_voice_is_speech_and_its_pause_is_not(vad: SileroVad) -> None:
    """Of the recording, where there is one; else Piper's."""
    if RECORDING.exists():
        import soundfile

        voice, rate = soundfile.read(RECORDING, dtype="float32")
        speaks, pauses = (0.6, 1.9), (2.6, 3.0)
    else:
        first, rate = await asyncio.to_thread(lambda: to_float(said(VERSE))), RATE_HZ
        voice = np.concatenate([first, np.zeros(sample_count(1.0), np.float32), first])
        end = seconds(len(first))
        speaks, pauses = (0.3, end - 0.5), (end + 0.3, end + 0.9)
    assert rate == RATE_HZ
    heard = await probabilities(vad, [voice[i : i + WINDOW] for i in range(0, len(voice) - WINDOW, WINDOW)])

    def within(start: float, end: float) -> list[float]:
        return [p for i, p in enumerate(heard) if start < seconds(i * WINDOW) < end]

    assert np.mean(within(*speaks)) > 0.7
    assert max(within(*pauses)) < 0.3


async def test_sessions_do_not_hear_each_other(vad: SileroVad) -> None:
    scripts = [noise(12, seed) for seed in range(8)]
    alone = [await probabilities(vad, script) for script in scripts]
    async with asyncio.TaskGroup() as group:
        together = [group.create_task(probabilities(vad, script)) for script in scripts]
    assert [task.result() for task in together] == alone


async def test_a_cancelled_window_still_counts(vad: SileroVad) -> None:
    windows = noise(6)
    whole = await probabilities(vad, windows)
    stream = vad.open()
    async with asyncio.TaskGroup() as callers:
        for window in windows[:3]:
            waiting = callers.create_task(stream.probability(window))
            await asyncio.sleep(0)
            waiting.cancel()
            window[:] = 0.0  # the caller may use its buffer again
    assert [await stream.probability(window) for window in windows[3:]] == whole[3:]


async def test_a_window_of_nan_does_not_poison_the_stream(vad: SileroVad) -> None:
    stream = vad.open()
    assert await stream.probability(np.full(WINDOW, np.nan, np.float32)) == 0.0
    assert 0.0 <= await stream.probability(noise(1)[0]) <= 1.0


async def test_a_wrong_size_is_refused(vad: SileroVad) -> None:
    with pytest.raises(ValueError, match="512"):
        await vad.open().probability(np.zeros(480, np.float32))


async def test_close_answers_what_was_given_and_refuses_the_rest() -> None:
    vad = SileroVad()
    with pytest.raises(EngineError, match="never warmed"):
        await vad.open().probability(noise(1)[0])
    await vad.warm()
    assert [thread for thread in threading.enumerate() if thread.name.startswith("vad")]
    stream = vad.open()
    async with asyncio.TaskGroup() as callers:
        waiting = callers.create_task(stream.probability(noise(1)[0]))
        await asyncio.sleep(0)
        await vad.close()
    assert 0.0 <= waiting.result() <= 1.0
    with pytest.raises(EngineError, match="closed"):
        await stream.probability(noise(1)[0])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("vad")]
    await vad.close()


async def test_a_file_that_is_no_model_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(EngineError, match="broken.onnx"):
        await SileroVad(broken).warm()
