"""Whisper in the process: its threads with hand-written work, the real base model on a spoken sentence."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import numpy as np
import pytest

from tests.saying import said
from voice_grpc.bench.stt_utterances import SENTENCES, SpokenText, normal_words, spoken, word_errors
from voice_grpc.core.audio import RATE_HZ, Samples, silence, to_pcm16
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.whisper.model import Abandoned, find
from voice_grpc.engines.whisper.stt import WhisperStream, WhisperStt
from voice_grpc.engines.whisper.workers import GaveWay, WorkerPool
from voice_grpc.ports import SttOptions

SENTENCE = "Can you tell me what the weather will be like tomorrow in London?"
SECOND = "My name is Daniel Carter and I live in Boston."


class Gate:
    """Work that stays inside its thread until it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, is_abandoned: Callable[[], bool]) -> str:
        self.entered.set()
        assert self.opened.wait(10)
        if is_abandoned():
            raise Abandoned
        return "done"


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    made = WorkerPool(2)
    made.start()
    yield made
    await made.close(2.0)


async def test_room_is_kept_for_a_final(pool: WorkerPool) -> None:
    gate = Gate()
    assert pool.has_room()
    running = pool.submit(gate)
    assert not pool.has_room()
    assert await pool.submit(lambda _: "at once") == "at once"
    gate.opened.set()
    assert await running == "done"


@pytest.mark.parametrize("threads", [1, 2, 3, 4])
async def test_no_final_waits_for_the_interims_of_others(threads: int) -> None:
    pool, interims = WorkerPool(threads), list[Gate]()
    pool.start()
    running = []
    while pool.has_room():
        running.append(pool.submit(gate := Gate(), is_interim=True))
        await asyncio.to_thread(gate.entered.wait, 5)
        interims.append(gate)
    finals = [Gate() for _ in range(threads)]
    waited_for = [pool.submit(final) for final in finals]
    free = threads - len(interims)
    for final in finals[:free]:
        assert await asyncio.to_thread(final.entered.wait, 5), "at once, where a thread is free"
    for gate in interims:
        gate.opened.set()
    for final in finals[free:]:
        assert await asyncio.to_thread(final.entered.wait, 5), "at the next step of an interim, where none is"
    for final in finals:
        final.opened.set()
    assert [await answer for answer in waited_for] == ["done"] * threads
    for answer in running:
        with pytest.raises(GaveWay):
            await answer
    await pool.close(2.0)


async def test_an_interim_is_finished_while_finals_have_threads(pool: WorkerPool) -> None:
    interim, final = Gate(), Gate()
    early = pool.submit(interim, is_interim=True)
    await asyncio.to_thread(interim.entered.wait, 5)
    late = pool.submit(final)
    await asyncio.to_thread(final.entered.wait, 5)
    interim.opened.set()
    assert await early == "done"
    final.opened.set()
    assert await late == "done"


async def test_cancelled_work_never_begins(pool: WorkerPool) -> None:
    gates = Gate(), Gate()
    running = [pool.submit(gate) for gate in gates]
    begun: list[str] = []
    dropped = pool.submit(lambda _: begun.append("dropped"))
    kept = pool.submit(lambda _: begun.append("kept"))
    dropped.cancel()
    for gate in gates:
        gate.opened.set()
    await kept
    assert [await answer for answer in running] == ["done", "done"]
    assert begun == ["kept"]


async def test_work_under_way_learns_that_nobody_waits(pool: WorkerPool) -> None:
    gate = Gate()
    running = pool.submit(gate)
    await asyncio.to_thread(gate.entered.wait, 5)
    running.cancel()
    gate.opened.set()
    assert await pool.submit(lambda _: "next") == "next"


async def test_a_failure_is_its_own_only(pool: WorkerPool) -> None:
    def fail(_: Callable[[], bool]) -> None:
        raise EngineError("stt", "Whisper failed")

    with pytest.raises(EngineError, match="Whisper failed"):
        await pool.submit(fail)
    assert await pool.submit(lambda _: "alive") == "alive"


async def test_close_refuses_what_waits_and_comes_back_though_a_lane_is_stuck() -> None:
    pool, gate = WorkerPool(1), Gate()
    pool.start()
    stuck, waiting = pool.submit(gate), pool.submit(lambda _: "never")
    await asyncio.to_thread(gate.entered.wait, 5)
    await pool.close(0.01)
    with pytest.raises(EngineError, match="closed"):
        await waiting
    with pytest.raises(EngineError, match="closed"):
        pool.submit(lambda _: "never")
    gate.opened.set()
    with pytest.raises(EngineError, match="closed"):
        await stuck


def test_a_model_is_found_by_name_by_path_or_on_the_hub(tmp_path: Path) -> None:
    def hub(name: str) -> str:
        if name == "org/model":
            return str(tmp_path)
        raise OSError(f"no {name} here\nand a long explanation")

    assert find("org/model", hub) == tmp_path
    with pytest.raises(EngineMissing, match=r"cannot fetch Whisper model 'small' \(no small here\); check"):
        find("small", hub)
    with pytest.raises(EngineMissing, match="model.bin, config.json, tokenizer.json is missing"):
        find(str(tmp_path), hub)
    with pytest.raises(EngineMissing, match="there is no Whisper model directory"):
        find(str(tmp_path / "nowhere"), hub)


async def test_it_must_be_warm_first() -> None:
    with pytest.raises(EngineError, match="warm"):
        WhisperStt().open(SttOptions())


@pytest.fixture(scope="module")
def sentence() -> Samples:
    pytest.importorskip("piper")
    return said(SENTENCE)


@pytest.fixture(scope="module")
def second_sentence() -> Samples:
    pytest.importorskip("piper")
    return said(SECOND)


@pytest.fixture(scope="module")
def long_speech() -> list[SpokenText]:
    pytest.importorskip("piper")
    return [said for said in spoken(SENTENCES[5:], varies=False) if said.kind == "synthetic"]


@pytest.fixture
async def whisper() -> AsyncIterator[WhisperStt]:
    pytest.importorskip("faster_whisper")
    engine = WhisperStt("base")
    await engine.warm()
    yield engine
    await engine.close()


async def final(stream: WhisperStream, samples: Samples) -> str:
    stream.feed(samples)
    return (await stream.final()).text


async def test_a_sentence_is_understood_and_goes_on(
    whisper: WhisperStt, sentence: Samples, second_sentence: Samples
) -> None:
    stream = whisper.open(SttOptions(languages=("en-GB",)))
    assert normal_words(await final(stream, sentence)) == normal_words(SENTENCE)
    told = await stream.final()
    assert await stream.final() is told
    assert told.language == "en"
    more = await final(stream, np.concatenate([silence(0.3), second_sentence]))
    assert normal_words(more) == normal_words(f"{SENTENCE} {SECOND}")


async def test_the_language_is_detected(whisper: WhisperStt, sentence: Samples) -> None:
    stream = whisper.open(SttOptions(languages=("de", "en", "fr")))
    stream.feed(sentence)
    assert (await stream.final()).language == "en"
    assert {"en", "de", "ja"} <= whisper.languages


async def test_interims_are_early_and_skipped_when_there_is_no_room(
    whisper: WhisperStt, sentence: Samples
) -> None:
    stream = whisper.open(SttOptions(languages=("en",)))
    stream.feed(sentence[:1000])
    assert await stream.interim() is None
    stream.feed(sentence[1000:])
    async with asyncio.TaskGroup() as callers:
        callers.create_task(stream.final())
        await asyncio.sleep(0)
        assert await stream.interim() is None
    early = await stream.interim()
    assert early is not None
    assert "weather" in early.text


async def test_silence_and_noise_are_no_words(whisper: WhisperStt) -> None:
    rng = np.random.default_rng(2)
    hum = 0.05 * np.sin(np.arange(2 * RATE_HZ) * 2 * np.pi * 50 / RATE_HZ)
    hiss = rng.standard_normal(RATE_HZ) * 0.03
    for sound in (np.zeros(2 * RATE_HZ), hiss, hum, np.zeros(100), np.zeros(0)):
        stream = whisper.open(SttOptions(languages=("en",)))
        assert await final(stream, to_pcm16(sound)) == ""


async def test_what_is_longer_than_a_window_is_settled_chunk_by_chunk(
    whisper: WhisperStt, sentence: Samples, long_speech: list[SpokenText]
) -> None:
    sentences = [said.samples for said in long_speech]
    speech = np.concatenate([part for samples in sentences for part in (samples, silence(0.5))])
    assert len(speech) > 30 * RATE_HZ
    stream = whisper.open(SttOptions(languages=("en",)))
    text = await final(stream, speech)
    words = normal_words(" ".join(said.words for said in long_speech))
    assert word_errors(words, normal_words(text)) < 0.1 * len(words)
    more = await final(stream, sentence)
    assert more.startswith(text[:100])
    assert "weather" in more[-60:]


async def test_a_cancelled_final_leaves_the_stream_and_the_next_one_whole(
    whisper: WhisperStt, sentence: Samples
) -> None:
    stream = whisper.open(SttOptions(languages=("en",)))
    stream.feed(sentence)
    async with asyncio.TaskGroup() as callers:
        waiting = callers.create_task(stream.final())
        await asyncio.sleep(0)
        waiting.cancel()
    assert "weather" in (await stream.final()).text
    await stream.close()


async def test_an_english_model_refuses_other_languages() -> None:
    pytest.importorskip("faster_whisper")
    tiny = WhisperStt("tiny")
    await tiny.warm()
    assert tiny.languages == {"en"}
    with pytest.raises(EngineError, match="does not understand fr; it knows English only"):
        tiny.open(SttOptions(languages=("fr",)))
    await tiny.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("whisper")]
    with pytest.raises(EngineError):
        await tiny.open(SttOptions()).final()
