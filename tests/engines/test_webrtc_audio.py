"""WebRTC's canceller in simulated rooms, judged by the real detector: an answer that comes back is no voice,
a voice over it is one, and nothing outlives its session."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator

import numpy as np
import pytest

from voice_grpc.bench.yielding.room import impulse_response
from voice_grpc.core.audio import RATE_HZ, WINDOW, Floats, Samples, sample_count, to_float, to_pcm16
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.silero import SileroVad
from voice_grpc.engines.webrtc_audio import DELAY, WebRtcEchoCanceller
from voice_grpc.ports import BLOCK

pytest.importorskip("pywebrtc_audio", reason="pywebrtc-audio has no wheel here")

FRAME = 2 * BLOCK
FLOOR = 1e-4
"""RMS of a quiet microphone, of full scale."""


@pytest.fixture
async def canceller() -> AsyncIterator[WebRtcEchoCanceller]:
    engine = WebRtcEchoCanceller()
    await engine.warm()
    yield engine
    await engine.close()


@pytest.fixture
async def vad() -> AsyncIterator[SileroVad]:
    engine = SileroVad()
    await engine.warm()
    yield engine
    await engine.close()


@pytest.fixture(scope="module")
def voices() -> tuple[Samples, Samples]:
    """An answer of some eight seconds, and a user."""
    pytest.importorskip("piper", reason="the embedded voice is not installed (the extra `local`)")
    from voice_grpc.bench.turns.speakers import PIPER, Renderer

    renderer = Renderer()
    answer = (
        "Once upon a time there was a lighthouse on a small island. Nobody had lived on that island for many "
        "years. Every evening the light came on."
    )
    return renderer.say(answer, PIPER[0]), renderer.say(
        "Sorry, can you say that again more slowly?", PIPER[3]
    )


def in_a_room(answer: Samples, db: float, delay: float) -> Floats:
    """What the microphone hears of `answer`: `db` as loud, behind `delay` seconds."""
    heard = np.random.default_rng(2).normal(0, FLOOR, len(answer) + sample_count(delay) + RATE_HZ)
    echo = np.convolve(to_float(answer), impulse_response(db))
    heard[sample_count(delay) :][: len(echo)] += echo
    return heard.astype(np.float32)


async def cleaned(canceller: WebRtcEchoCanceller, near: Floats, far: Samples) -> Samples:
    stream, whole = canceller.open(), len(near) // FRAME * FRAME
    near_pcm, far = to_pcm16(near[:whole]), np.resize(np.pad(far, (0, whole)), whole)
    frames = range(0, whole, FRAME)
    return np.concatenate(
        [await stream.cleaned(near_pcm[at : at + FRAME], far[at : at + FRAME]) for at in frames]
    )


async def voiced(vad: SileroVad, heard: Samples) -> np.ndarray:
    """Of each window, whether it is a voice to the detector."""
    stream, starts = vad.open(), range(0, len(heard) - WINDOW, WINDOW)
    return np.array([await stream.probability(to_float(heard[at : at + WINDOW])) > 0.5 for at in starts])


@pytest.mark.parametrize("delay", [0.12, 0.3, 0.5])
@pytest.mark.parametrize("db", [-10, -20, -30])
async def test_an_answer_that_comes_back_is_no_voice(
    canceller: WebRtcEchoCanceller, vad: SileroVad, voices: tuple[Samples, Samples], db: float, delay: float
) -> None:
    answer, _ = voices
    near = in_a_room(answer, db, delay)
    assert np.mean(await voiced(vad, to_pcm16(near))) > 0.5
    assert np.count_nonzero(await voiced(vad, await cleaned(canceller, near, answer))) <= 1


@pytest.mark.parametrize("db", [-10, -20])
async def test_a_voice_over_it_is_still_heard(
    canceller: WebRtcEchoCanceller, vad: SileroVad, voices: tuple[Samples, Samples], db: float
) -> None:
    answer, user = voices
    near, at = in_a_room(answer, db, 0.2), 3 * RATE_HZ
    near[at : at + len(user)] += to_float(user)
    alone = np.count_nonzero(await voiced(vad, user))
    heard = await voiced(vad, await cleaned(canceller, near, answer))
    over = heard[at // WINDOW : (at + len(user)) // WINDOW + 1]
    assert np.count_nonzero(over) > 0.75 * alone
    assert np.count_nonzero(heard[: at // WINDOW]) == 0


def noise(count: int, seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 3_000, count).astype(np.int16)


async def test_where_nothing_is_played_the_sound_stays_and_is_as_late_as_it_says(
    canceller: WebRtcEchoCanceller,
) -> None:
    near, stream = noise(RATE_HZ), canceller.open()
    out = await stream.cleaned(near, np.zeros_like(near))
    assert stream.delay == DELAY
    likeness = [np.corrcoef(near[4_000:8_000], out[4_000 + d : 8_000 + d])[0, 1] for d in range(300)]
    assert int(np.argmax(likeness)) == DELAY
    assert max(likeness) > 0.95


async def test_sessions_do_not_hear_each_others_echo(canceller: WebRtcEchoCanceller) -> None:
    far = [noise(FRAME * 20, seed) for seed in range(6)]

    async def session(own: Samples) -> Samples:
        stream, starts = canceller.open(), range(0, len(own), FRAME)
        parts = [await stream.cleaned(own[at : at + FRAME] // 4, own[at : at + FRAME]) for at in starts]
        return np.concatenate(parts)

    alone = [await session(own) for own in far]
    async with asyncio.TaskGroup() as tasks:
        together = [tasks.create_task(session(own)) for own in far]
    for one, task in zip(alone, together, strict=True):
        assert np.array_equal(one, task.result())


async def test_a_caller_that_is_cancelled_leaves_the_order_as_it_was(canceller: WebRtcEchoCanceller) -> None:
    sound = noise(FRAME * 3)
    frames = [sound[at : at + FRAME] for at in range(0, len(sound), FRAME)]
    stream, other = canceller.open(), canceller.open()
    expected = [await other.cleaned(frame, frame) for frame in frames]
    await stream.cleaned(frames[0], frames[0])
    async with asyncio.TaskGroup() as tasks:
        given_up = tasks.create_task(stream.cleaned(frames[1], frames[1]))
        await asyncio.sleep(0)
        given_up.cancel()
    assert np.array_equal(await stream.cleaned(frames[2], frames[2]), expected[2])


async def test_a_hundred_sessions_leave_nothing(canceller: WebRtcEchoCanceller) -> None:
    kept = []
    for _ in range(100):
        stream = canceller.open()
        await stream.cleaned(noise(FRAME), noise(FRAME))
        kept.append(weakref.ref(stream))
        del stream
    gc.collect()
    assert [ref for ref in kept if ref() is not None] == []


@pytest.mark.parametrize(("near", "far"), [(BLOCK, BLOCK - 1), (BLOCK + 1, BLOCK + 1), (BLOCK, 2 * BLOCK)])
async def test_only_whole_blocks_are_taken(canceller: WebRtcEchoCanceller, near: int, far: int) -> None:
    with pytest.raises(ValueError, match=f"got {near} near and {far} far"):
        await canceller.open().cleaned(noise(near), noise(far))


async def test_nobody_waits_after_a_close() -> None:
    engine = WebRtcEchoCanceller()
    with pytest.raises(EngineError, match="never warmed"):
        engine.open()
    await engine.warm()
    stream = engine.open()
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await stream.cleaned(noise(BLOCK), noise(BLOCK))
