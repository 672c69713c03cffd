"""How requests are put together: with a model made by hand, whose calls wait to be let through, and with
the real one, which must write the same alone and in company."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import numpy as np
import pytest

from voice_grpc.bench.stt_utterances import SpokenText, normal_words, word_errors
from voice_grpc.core.audio import RATE_HZ, Floats, to_float
from voice_grpc.core.errors import Draining, EngineError
from voice_grpc.engines.whisper.decoding import (
    DecodeOptions,
    DecodePass,
    DecodeRequest,
    DecodeResult,
    Hypothesis,
)
from voice_grpc.engines.whisper.model import Hardware, WhisperModel
from voice_grpc.engines.worker_threads import Abandoned
from voice_grpc.whisper_server.batching import Batcher, Batching
from voice_grpc.whisper_server.metrics import Metrics


class GatedModel:
    """Says how long a chunk is. Each call waits for `let()`; chunks are alike by whole seconds."""

    passes: tuple[DecodePass, ...] = (DecodePass(2.0),)
    interim_passes: tuple[DecodePass, ...] = (DecodePass(2.0, beam=1),)

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.entered = threading.Semaphore(0)
        self.gate = threading.Semaphore(0)
        self.breaks_on = -1

    def batch_key(self, request: DecodeRequest) -> int:
        return len(request.audio) // RATE_HZ

    def decode(
        self, requests: Sequence[DecodeRequest], is_abandoned: Callable[[], bool]
    ) -> list[DecodeResult]:
        self.batches.append([len(request.audio) for request in requests])
        self.entered.release()
        assert self.gate.acquire(timeout=60)
        if is_abandoned():
            raise Abandoned
        if any(len(request.audio) == self.breaks_on for request in requests):
            raise RuntimeError("CUDA failed with error out of memory")
        return [
            DecodeResult(Hypothesis(f"{len(request.audio)}", -0.1, 0.0, 5, 2.0), "en") for request in requests
        ]

    def let(self, calls: int = 1) -> None:
        self.gate.release(calls)

    async def inside(self) -> None:
        """Until one more call is in."""
        assert await asyncio.to_thread(self.entered.acquire, timeout=60)


def sound(length: int) -> Floats:
    return np.full(length, 0.1, np.float32)


@pytest.fixture
def model() -> GatedModel:
    return GatedModel()


def batcher_of(model: GatedModel, workers: int = 1, most: int = 4, wait_s: float = 0.0) -> Batcher:
    made = Batcher(model, Batching(workers, most, wait_s), Metrics())
    made.start()
    return made


@pytest.fixture
async def batcher(model: GatedModel) -> AsyncIterator[Batcher]:
    made = batcher_of(model)
    yield made
    model.let(100)
    await made.close(2.0)


async def test_what_came_meanwhile_goes_together_oldest_kind_first(
    batcher: Batcher, model: GatedModel
) -> None:
    first = batcher.decode(sound(20_000), DecodeOptions(("en",)))
    await model.inside()
    others = [
        batcher.decode(sound(RATE_HZ * size + n), DecodeOptions(("en",)))
        for n, size in enumerate((5, 7, 5, 5, 7, 5, 5))
    ]
    model.let(10)
    texts = [(await each).hypothesis.text for each in (first, *others)]  # type: ignore[union-attr]
    assert texts == ["20000", *(f"{RATE_HZ * size + n}" for n, size in enumerate((5, 7, 5, 5, 7, 5, 5)))]
    assert [len(batch) for batch in model.batches] == [1, 4, 2, 1]
    assert model.batches[1] == [80_000, 80_002, 80_003, 80_005]


async def test_idle_workers_share_what_waits(model: GatedModel) -> None:
    batcher = batcher_of(model, workers=2)
    busy = [batcher.decode(sound(20_000 + n), DecodeOptions(("en",))) for n in range(2)]
    await model.inside()
    await model.inside()
    four = [batcher.decode(sound(80_000 + n), DecodeOptions(("en",))) for n in range(4)]
    model.let(2)
    await model.inside()
    await model.inside()
    model.let(2)
    for each in (*busy, *four):
        await each
    assert sorted(len(batch) for batch in model.batches[2:]) in ([2, 2], [1, 3])
    await batcher.close(2.0)


async def test_what_nobody_waits_for_is_never_begun(batcher: Batcher, model: GatedModel) -> None:
    first = batcher.decode(sound(20_000), DecodeOptions(("en",)))
    await model.inside()
    dropped = batcher.decode(sound(80_001), DecodeOptions(("en",)))
    kept = batcher.decode(sound(80_002), DecodeOptions(("en",)))
    dropped.cancel()
    model.let(2)
    await first
    await kept
    assert model.batches == [[20_000], [80_002]]


async def test_a_call_under_way_learns_that_nobody_waits(batcher: Batcher, model: GatedModel) -> None:
    first = batcher.decode(sound(20_000), DecodeOptions(("en",)))
    await model.inside()
    first.cancel()
    model.let(2)
    assert await batcher.decode(sound(80_000), DecodeOptions(("en",)))


async def test_a_batch_that_fails_is_tried_one_by_one(batcher: Batcher, model: GatedModel) -> None:
    model.breaks_on = 80_001
    first = batcher.decode(sound(20_000), DecodeOptions(("en",)))
    await model.inside()
    three = [batcher.decode(sound(80_000 + n), DecodeOptions(("en",))) for n in range(3)]
    model.let(10)
    assert await first
    assert await three[0]
    with pytest.raises(EngineError, match="failed"):
        await three[1]
    assert await three[2]
    assert [len(batch) for batch in model.batches] == [1, 3, 1, 1, 1]


async def test_a_lone_request_waits_for_one_that_is_being_decoded(model: GatedModel) -> None:
    batcher = batcher_of(model, wait_s=30.0)
    with batcher.expect():
        first = batcher.decode(sound(80_000), DecodeOptions(("en",)))
        second = batcher.decode(sound(80_001), DecodeOptions(("en",)))
    model.let(2)
    assert await first
    assert await second
    assert model.batches == [[80_000, 80_001]]
    third = batcher.decode(sound(80_002), DecodeOptions(("en",)))
    assert await asyncio.wait_for(third, 60)  # nobody is expected: at once
    await batcher.close(2.0)


async def test_the_wait_has_an_end(model: GatedModel) -> None:
    batcher = batcher_of(model, wait_s=0.01)
    model.let()
    with batcher.expect():
        assert await asyncio.wait_for(batcher.decode(sound(80_000), DecodeOptions(("en",))), 60)
    await batcher.close(2.0)


async def test_silence_needs_no_model(batcher: Batcher, model: GatedModel) -> None:
    assert await batcher.decode(np.zeros(RATE_HZ, np.float32), DecodeOptions()) is None
    assert model.batches == []


async def test_close_refuses_what_waits(model: GatedModel) -> None:
    batcher = batcher_of(model)
    running = batcher.decode(sound(20_000), DecodeOptions(("en",)))
    await model.inside()
    waiting = batcher.decode(sound(80_000), DecodeOptions(("en",)))
    await batcher.close(0.01)
    with pytest.raises(Draining):
        await waiting
    with pytest.raises(Draining):
        batcher.decode(sound(80_000), DecodeOptions(("en",)))
    model.let()
    with pytest.raises(Draining):
        await running


# ---------------------------------------------------------------- the real model


@pytest.fixture(scope="module")
def whisper() -> WhisperModel:
    pytest.importorskip("faster_whisper")
    return WhisperModel("base", Hardware(step_s=1.0))


def alone_and_together(
    model: WhisperModel, requests: list[DecodeRequest]
) -> tuple[list[DecodeResult], list[DecodeResult], list[int]]:
    """Each by itself, all in batches of their kinds, and the sizes of those."""
    alone = [model.decode([request], lambda: False)[0] for request in requests]
    kinds: dict[object, list[int]] = {}
    for number, request in enumerate(requests):
        kinds.setdefault(model.batch_key(request), []).append(number)
    together: dict[int, DecodeResult] = {}
    for numbers in kinds.values():
        result = model.decode([requests[number] for number in numbers], lambda: False)
        together |= dict(zip(numbers, result, strict=True))
    ordered = [together[number] for number in range(len(requests))]
    return alone, ordered, [len(each) for each in kinds.values()]


def test_company_changes_no_word(whisper: WhisperModel, utterances: list[SpokenText]) -> None:
    """Nor any probability: to the bit, on a CPU with int8."""
    requests = [
        DecodeRequest(to_float(said.samples), whisper.passes[0], DecodeOptions(("en",)))
        for said in utterances[:12]
    ]
    alone, together, sizes = alone_and_together(whisper, requests)
    assert max(sizes) >= 3
    assert [each.hypothesis.text for each in together] == [each.hypothesis.text for each in alone]
    assert [each.hypothesis.logprob for each in together] == [each.hypothesis.logprob for each in alone]
    words = [normal_words(said.words) for said in utterances[:12]]
    wrong = sum(word_errors(w, normal_words(s.hypothesis.text)) for w, s in zip(words, together, strict=True))
    assert wrong <= 0.2 * sum(map(len, words))


def test_each_of_a_batch_has_its_own_language_task_and_prompt(
    whisper: WhisperModel, utterances: list[SpokenText]
) -> None:
    sound = to_float(next(each for each in utterances if "weather" in each.words).samples)
    each_options = [
        DecodeOptions(),
        DecodeOptions(("de",)),
        DecodeOptions(("en",)),
        DecodeOptions(("en",), task="translate"),
        DecodeOptions(("en",), "Expect this."),
    ]
    requests = [DecodeRequest(sound, whisper.passes[0], options) for options in each_options]
    assert len({whisper.batch_key(request) for request in requests}) == 2  # the prompt makes its own
    alone, together, _ = alone_and_together(whisper, requests)
    assert [result.language for result in together] == ["en", "de", "en", "en", "en"]
    assert [result.hypothesis.text for result in together] == [result.hypothesis.text for result in alone]
    assert together[1].hypothesis.logprob < together[2].hypothesis.logprob
