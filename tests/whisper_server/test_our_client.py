"""The whole way: our engine for Whisper servers against our Whisper server."""

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest

from voice_grpc.bench.stt_utterances import SpokenText, normal_words
from voice_grpc.core.errors import EngineDenied, EngineError
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.ports import Stt, SttOptions

from .process import KEY, Process


@pytest.fixture
async def engine(server: Process) -> AsyncIterator[Stt]:
    made = whisper_server(server.url, key=KEY)
    await made.warm()
    yield made
    await made.close()


async def test_interims_and_the_final_of_what_is_fed(engine: Stt, utterances: list[SpokenText]) -> None:
    said = next(each for each in utterances if "weather" in each.words)
    stream = engine.open(SttOptions(languages=("en",)))
    stream.feed(said.samples[: len(said.samples) * 2 // 3])
    early = await stream.interim()
    assert early is not None
    assert normal_words(said.words)[:3] == normal_words(early.text)[:3]
    stream.feed(said.samples[len(said.samples) * 2 // 3 :])
    final = await stream.final()
    assert normal_words(final.text) == normal_words(said.words)
    assert final.language == "en"
    await stream.close()


async def test_a_final_that_is_cancelled_is_dropped_by_the_server(
    engine: Stt, server: Process, utterances: list[SpokenText]
) -> None:
    before = server.metric("whisper_requests_total", outcome="abandoned")
    stream = engine.open(SttOptions(languages=("en",)))
    stream.feed(np.concatenate([each.samples for each in utterances]))
    async with asyncio.TaskGroup() as callers, asyncio.timeout(60):
        waiting = callers.create_task(stream.final())
        while (await asyncio.to_thread(server.metric, "whisper_requests_open")) < 1:
            pass
        waiting.cancel()
        while await asyncio.to_thread(server.metric, "whisper_requests_total", outcome="abandoned") == before:
            pass
    await stream.close()


async def test_a_wrong_key_is_denied(server: Process) -> None:
    stranger = whisper_server(server.url, key="another")
    with pytest.raises(EngineDenied) as refused:
        await stranger.warm()
    assert "another" not in str(refused.value)
    await stranger.close()


async def test_a_language_that_it_does_not_know(engine: Stt) -> None:
    with pytest.raises(EngineError, match="tlh"):
        await engine.open(SttOptions(languages=("tlh",))).final()
