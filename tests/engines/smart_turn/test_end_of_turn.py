"""The fears: a verdict that is none or comes for nobody, a thread that stays, and a file that is no model.

The model is a fake that does as it is told, but for the last tests, which have the real one.
"""

import asyncio
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.saying import said
from voice_grpc.core.audio import RATE_HZ, Samples, audible_from, rms, silence
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.smart_turn.end_of_turn import WAITING_AT_MOST, SmartTurn
from voice_grpc.engines.smart_turn.features import FRAMES, MELS, log_mel
from voice_grpc.model_files.cache import is_here
from voice_grpc.model_files.catalog import MODELS, SHIPPED, cache_directory
from voice_grpc.ports import Claim, Urgency

onnxruntime = pytest.importorskip("onnxruntime")


def sound(seed: int, seconds: float = 0.5) -> Samples:
    return np.random.default_rng(seed).normal(0, 2000, round(seconds * RATE_HZ)).astype(np.int16)


class Input:
    def __init__(self, name: str, shape: list[object]) -> None:
        self.name, self.shape = name, shape


class FakeModel:
    """As an `onnxruntime.InferenceSession`: gives `verdicts`, the last one again and again; one that is an
    exception is raised. While it is held, no run ends."""

    def __init__(self, *verdicts: object) -> None:
        self._verdicts: deque[object] = deque([0.5, *verdicts])  # the first is for the warm-up
        self.heard: list[np.ndarray[Any, Any]] = []
        self._begun = threading.Semaphore(0)
        self._goes_on = threading.Event()
        self._goes_on.set()

    def get_inputs(self) -> list[Input]:
        return [Input("input_features", ["turns", MELS, FRAMES])]

    def run(self, outputs: None, inputs: Mapping[str, np.ndarray[Any, Any]]) -> list[np.ndarray[Any, Any]]:
        (features,) = inputs.values()
        assert features.shape == (1, MELS, FRAMES)
        self.heard.append(features[0])
        self._begun.release()
        assert self._goes_on.wait(10.0)
        verdict = self._verdicts.popleft() if len(self._verdicts) > 1 else self._verdicts[0]
        if isinstance(verdict, Exception):
            raise verdict
        return [np.asarray(verdict, np.float32)]

    def hold(self) -> None:
        self._begun = threading.Semaphore(0)
        self._goes_on.clear()

    async def begun(self) -> None:
        """A run has begun since it was held."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=10.0)

    def release(self) -> None:
        self._goes_on.set()


@asynccontextmanager
async def opened(
    patch: pytest.MonkeyPatch, path: Path, *verdicts: object
) -> AsyncIterator[tuple[SmartTurn, FakeModel]]:
    """An engine with a fake model, which it takes for that of `path`."""
    model, file = FakeModel(*verdicts), path / "turn.onnx"
    file.write_bytes(b"a model")
    patch.setattr(onnxruntime, "InferenceSession", lambda *given, **options: model)
    engine = SmartTurn(file)
    await engine.warm()
    try:
        yield engine, model
    finally:
        model.release()
        await engine.close()


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("turn-")]


# ---------------------------------------------------------------- verdicts


@pytest.mark.parametrize("verdict", [np.nan, np.inf, -np.inf, 1.01, -0.01, 7.0, [], [[0.5, 0.5]]])
async def test_a_verdict_that_is_no_probability_is_an_error_and_the_next_one_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verdict: object
) -> None:
    async with opened(monkeypatch, tmp_path, verdict, [[0.25]]) as (engine, _):
        with pytest.raises(EngineError) as raised:
            await engine.probability(sound(1))
        assert (raised.value.stage, raised.value.retryable) == ("turn", True)
        assert await engine.probability(sound(1)) == 0.25


@pytest.mark.parametrize("verdict", [0.0, 1.0, [[0.5]]])
async def test_the_ends_are_probabilities_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verdict: object
) -> None:
    async with opened(monkeypatch, tmp_path, verdict) as (engine, _):
        assert await engine.probability(sound(1)) == np.asarray(verdict).item()


async def test_a_model_that_fails_costs_one_turn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with opened(monkeypatch, tmp_path, RuntimeError("no memory\nat all"), 0.75) as (engine, _):
        with pytest.raises(EngineError, match="^Smart Turn failed: no memory$"):
            await engine.probability(sound(1))
        assert await engine.probability(sound(1)) == 0.75


@pytest.mark.parametrize(
    "wrong", [np.zeros(400, np.float32), np.zeros((2, 400), np.int16), np.zeros(4, "i4")]
)
async def test_samples_of_another_kind_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, wrong: Any
) -> None:
    async with opened(monkeypatch, tmp_path) as (engine, _):
        with pytest.raises(ValueError, match="int16 of shape"):
            await engine.probability(wrong)


async def test_no_sound_at_all_has_a_verdict(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with opened(monkeypatch, tmp_path, 0.125) as (engine, _):
        assert await engine.probability(np.zeros(0, np.int16)) == 0.125


# ---------------------------------------------------------------- what waits


async def test_what_its_caller_gave_up_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path, 0.25, 0.75) as (engine, model), asyncio.TaskGroup() as callers:
        model.hold()
        first = callers.create_task(engine.probability(sound(1)))
        await model.begun()
        second = callers.create_task(engine.probability(sound(2)))
        third = callers.create_task(engine.probability(sound(3)))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.wait([second])
        model.release()
        assert (await first, await third) == (0.25, 0.75)
        assert second.cancelled()
        np.testing.assert_array_equal(model.heard[1:], [log_mel(sound(1)), log_mel(sound(3))])


async def test_one_that_is_given_up_while_it_is_judged_is_answered_to_nobody(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path, 0.25, 0.75) as (engine, model), asyncio.TaskGroup() as callers:
        model.hold()
        gone = callers.create_task(engine.probability(sound(1)))
        await model.begun()
        gone.cancel()
        await asyncio.wait([gone])
        model.release()
        assert await engine.probability(sound(2)) == 0.75


async def test_what_waits_is_bounded_and_whoever_leaves_makes_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path, 0.5) as (engine, model), asyncio.TaskGroup() as callers:
        model.hold()
        judged = callers.create_task(engine.probability(sound(0)))
        await model.begun()
        waiting = [callers.create_task(engine.probability(sound(n))) for n in range(WAITING_AT_MOST)]
        await asyncio.sleep(0)
        with pytest.raises(EngineError, match="8 pieces of work of one caller wait") as raised:
            await engine.probability(sound(99))
        assert raised.value.retryable
        waiting[3].cancel()
        await asyncio.wait([waiting[3]])
        late = callers.create_task(engine.probability(sound(100)))
        await asyncio.sleep(0)
        model.release()
        answers = [await task for task in (judged, *waiting[:3], *waiting[4:], late)]
        assert answers == [0.5] * (WAITING_AT_MOST + 1)


async def test_beside_the_flood_of_one_caller_another_is_judged_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    flood, other = (Claim.of(caller, Urgency.FINAL) for caller in ("flood", "other"))
    async with opened(monkeypatch, tmp_path, 0.5) as (engine, model), asyncio.TaskGroup() as callers:
        model.hold()
        callers.create_task(engine.probability(sound(0), flood))
        await model.begun()
        for number in range(WAITING_AT_MOST):
            callers.create_task(engine.probability(sound(number), flood))
        await asyncio.sleep(0)
        callers.create_task(engine.probability(sound(100), other))
        await asyncio.sleep(0)
        judged = len(model.heard)
        model.release()
    np.testing.assert_array_equal(model.heard[judged], log_mel(sound(100)))


async def test_the_samples_may_be_used_again_while_they_wait(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path, 0.5) as (engine, model), asyncio.TaskGroup() as callers:
        model.hold()
        callers.create_task(engine.probability(sound(1)))
        await model.begun()
        buffer = sound(2)
        callers.create_task(engine.probability(buffer))
        await asyncio.sleep(0)
        buffer[:] = 0
        model.release()
    np.testing.assert_array_equal(model.heard[-1], log_mel(sound(2)))


# ---------------------------------------------------------------- begin and end


async def test_close_answers_what_is_judged_and_refuses_what_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path, 0.25) as (engine, model), asyncio.TaskGroup() as callers:
        assert threads() == ["turn-0"]
        model.hold()
        judged = callers.create_task(engine.probability(sound(1)))
        await model.begun()
        waiting = callers.create_task(outcome(engine))
        await asyncio.sleep(0)
        closing = callers.create_task(engine.close())
        assert "closed" in await waiting
        model.release()
        await closing
        assert threads() == []
        assert await judged == 0.25
        assert "closed" in await outcome(engine)
        await engine.close()


async def outcome(engine: SmartTurn) -> str:
    with pytest.raises(EngineError) as raised:
        await engine.probability(sound(5))
    assert not raised.value.retryable
    return str(raised.value)


async def test_close_does_not_wait_for_a_model_that_never_ends(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with opened(monkeypatch, tmp_path, 0.25) as (engine, model), asyncio.TaskGroup() as callers:
        model.hold()
        judged = callers.create_task(engine.probability(sound(1)))
        await model.begun()
        async with asyncio.timeout(60):
            await engine.close()
        assert not judged.done()
        model.release()
        assert await judged == 0.25


async def test_warm_twice_is_one_thread_and_cold_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cold = SmartTurn(tmp_path / "none.onnx")
    assert "never warmed" in await outcome(cold)
    await cold.close()
    async with opened(monkeypatch, tmp_path, 0.25) as (engine, _):
        await engine.warm()
        assert threads() == ["turn-0"]
        assert (engine.name, engine.location, engine.is_embedded) == ("smart-turn turn", "in process", True)


# ---------------------------------------------------------------- files that are no model


async def test_a_file_that_is_not_there_or_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="none.onnx"):
        await SmartTurn(tmp_path / "none.onnx").warm()
    with pytest.raises(EngineMissing, match=tmp_path.name):
        await SmartTurn(tmp_path).warm()
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a model")
    with pytest.raises(EngineError, match="cannot load .*broken.onnx") as raised:
        await SmartTurn(broken).warm()
    assert "\n" not in str(raised.value)


async def test_a_model_of_something_else_is_told_from_ours() -> None:
    with pytest.raises(EngineError, match="silero_vad_v6.onnx is no Smart Turn v3: .* 'input_features'"):
        await SmartTurn(SHIPPED / "silero_vad_v6.onnx").warm()
    assert threads() == []


async def test_without_onnxruntime_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(EngineMissing, match="pip install onnxruntime"):
        await SmartTurn(tmp_path / "turn.onnx").warm()


# ---------------------------------------------------------------- the real one

needs_model = pytest.mark.skipif(
    not is_here(MODELS["smart-turn"], cache_directory()),
    reason="its model is not here (voice-grpc models pull smart-turn)",
)

SENTENCES = (
    "What is the capital of France?",
    "Can you tell me what color the sky is on a clear day?",
    "My name is Anna and I live in a small town near the sea.",
    "I would like to book a table for two at seven.",
    "Please turn off the lights in the kitchen.",
    "How many days are there in a leap year?",
    "I think we should meet on Thursday afternoon.",
    "Who wrote the play Romeo and Juliet?",
    "The train to London leaves from platform nine.",
    "Could you remind me to call my mother tomorrow morning?",
)


@pytest.fixture
async def engine() -> AsyncIterator[SmartTurn]:
    engine = SmartTurn()
    await engine.warm()
    yield engine
    await engine.close()


def cut(sentence: Samples) -> Samples:
    """Its first half, up to the quietest 20 ms around its middle: between two words, or within one."""
    hop = RATE_HZ // 50
    first, last = round(0.4 * len(sentence)), round(0.6 * len(sentence))
    return sentence[: min(range(first, last, hop // 2), key=lambda at: rms(sentence[at : at + hop]))]


async def judged(engine: SmartTurn, sounds: Iterable[Samples]) -> list[float]:
    return [await engine.probability(np.concatenate([each, silence(0.2)])) for each in sounds]


@needs_model
async def test_a_sentence_that_is_whole_is_likelier_over_than_half_of_it(engine: SmartTurn) -> None:
    pytest.importorskip("piper")
    spoken = await asyncio.to_thread(lambda: [said(text) for text in SENTENCES])
    whole = [each[: len(each) - audible_from(each[::-1], RATE_HZ)] for each in spoken]
    overs = await judged(engine, whole)
    halves = await judged(engine, map(cut, whole))
    assert np.mean(overs) > np.mean(halves) + 0.1
    assert np.mean(overs) > 0.6


@needs_model
async def test_turns_that_wait_together_are_judged_as_each_alone(engine: SmartTurn) -> None:
    sounds = [sound(n, 1.0 + n) for n in range(4)]
    alone = [await engine.probability(each) for each in sounds]
    async with asyncio.TaskGroup() as callers:
        together = [callers.create_task(engine.probability(each)) for each in sounds]
    assert [task.result() for task in together] == alone
    assert len(set(alone)) == len(alone)


@needs_model
async def test_the_fetched_one_is_named_by_its_version(engine: SmartTurn) -> None:
    assert (engine.name, engine.location) == ("smart-turn v3.2", "in process")
    own = SmartTurn(cache_directory() / "smart-turn" / MODELS["smart-turn"].entry, threads=2)
    await own.warm()
    assert own.name == "smart-turn smart-turn-v3.2-cpu"
    assert abs(await own.probability(sound(1)) - await engine.probability(sound(1))) < 0.02
    await own.close()
