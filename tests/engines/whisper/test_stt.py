"""Whisper in the process: the real base model on a spoken sentence."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from tests.saying import said
from voice_grpc.bench.stt_utterances import SENTENCES, SpokenText, normal_words, spoken, word_errors
from voice_grpc.core.audio import RATE_HZ, Samples, silence, to_pcm16
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.whisper.model import find
from voice_grpc.engines.whisper.stt import WhisperStream, WhisperStt
from voice_grpc.ports import SttOptions

SENTENCE = "Can you tell me what the weather will be like tomorrow in London?"
SECOND = "My name is Daniel Carter and I live in Boston."


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
