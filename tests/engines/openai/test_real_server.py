"""A real server: llama.cpp's own, over HTTP, with a real model, in a process of its own."""

import asyncio
import importlib.util
import os
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
import pytest_asyncio

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineDenied, EngineEmpty, EngineUnreachable
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import LlmItem, Prompt, TextDelta, Usage

if importlib.util.find_spec("xllamacpp") is None and os.environ.get("REQUIRE_ALL") != "1":
    pytest.skip("needs the extra `local`", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEY = "open-sesame"
SERVE = f"""
import sys, xllamacpp
from voice_grpc.model_files.cache import model_path
parameters = xllamacpp.CommonParams()
parameters.model.path = str(model_path("gemma"))
parameters.hostnames, parameters.port = ["127.0.0.1"], 0
parameters.n_parallel, parameters.n_ctx, parameters.swa_full = 2, 2048, True
parameters.api_keys, parameters.offline, parameters.ui, parameters.verbosity = ["{KEY}"], True, False, -1
parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
sys.stdin.read()
"""
TIMEOUTS = Timeouts(2.0, 15.0, 10.0)
STORY = Prompt("", (Message(Role.USER, "Tell me a long story.", 1),), max_tokens=400, temperature=0.0)
WEATHER = ToolDeclaration("weather", "The weather somewhere.", {})


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, Process]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVE, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            url = (await process.stdout.readline()).decode().strip()
        yield url, process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url() -> AsyncIterator[str]:
    async with serving() as (address, _):
        yield address


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def llm(url: str) -> AsyncIterator[OpenAiLlm]:
    engine = OpenAiLlm(url, KEY, timeouts=TIMEOUTS)
    await engine.warm()
    yield engine
    await engine.close()


async def ask(llm: OpenAiLlm, prompt: Prompt) -> list[LlmItem]:
    """Nothing where the model, which was never tuned to answer, writes the mark that ends one and no more."""
    async with aclosing(llm.stream(prompt)) as items:
        try:
            return [item async for item in items]
        except EngineEmpty:
            return []


def prompt(*texts: str, max_tokens: int = 8) -> Prompt:
    roles = (Role.USER, Role.ASSISTANT)
    said = tuple(Message(roles[place % 2], text, place // 2) for place, text in enumerate(texts))
    return Prompt("Be brief.", said, max_tokens=max_tokens, temperature=0.0)


async def test_it_is_found_by_its_address_alone(llm: OpenAiLlm, url: str) -> None:
    assert llm.name == "gemma-3-270m-q4_k_m.gguf"
    assert llm.location == url


async def test_it_streams_and_counts(llm: OpenAiLlm) -> None:
    asked = prompt("One, two, three, four, five, six, seven,")
    *words, usage = await ask(llm, asked)
    assert len(words) > 2
    assert all(isinstance(word, TextDelta) for word in words)
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 20
    assert 0 < usage.output_tokens <= 8
    *_, again = await ask(llm, asked)
    assert isinstance(again, Usage)
    assert again.cached_tokens > 10


@pytest.mark.parametrize("ends_by", ["closing", "cancelling"])
async def test_an_answer_thrown_away_frees_its_slot(llm: OpenAiLlm, ends_by: str) -> None:
    """Both slots write long stories; without the cancellation the next one would wait for seconds."""
    for _ in range(2):
        streams = [llm.stream(STORY) for _ in range(2)]
        for stream in streams:
            await anext(stream)
        start = time.perf_counter()
        for stream in streams:
            if ends_by == "closing":
                await stream.aclose()
            else:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0):
                        await anext(stream)
        assert time.perf_counter() - start < 0.5
        await ask(llm, prompt("Hello.", max_tokens=2))
        assert time.perf_counter() - start < 4.0


async def test_tools_of_the_past_are_taken(llm: OpenAiLlm) -> None:
    use = ToolUse("t1", "weather", '{"city": "Oslo"}', '{"sky": "grey"}')
    said = (
        Message(Role.ASSISTANT, "Hello!", 0),
        Message(Role.USER, "How is the weather in Oslo?", 1),
        Message(Role.TOOLS, "", 1, uses=(use,)),
    )
    await ask(llm, Prompt("Be brief.", said, max_tokens=4, tools=(WEATHER,)))
    assert llm.calls_tools


async def test_a_conversation_that_is_too_long_loses_its_beginning(llm: OpenAiLlm) -> None:
    """1,024 tokens in each slot."""
    texts = [f"The number {place} comes after the number before it. " * 8 for place in range(30)]
    assert await ask(llm, prompt(*texts, "And now?"))


async def test_a_wrong_key_is_denied(url: str) -> None:
    stranger = OpenAiLlm(url, "open-barley", timeouts=TIMEOUTS)
    with pytest.raises(EngineDenied) as caught:
        await stranger.warm()
    assert "barley" not in str(caught.value)
    await stranger.close()


async def test_ten_at_once_share_two_slots(llm: OpenAiLlm) -> None:
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(ask(llm, prompt(f"Say {n}.", max_tokens=3))) for n in range(10)]
    assert all(task.result() for task in asking)


async def test_it_dies_in_the_middle() -> None:
    async with serving() as (url, process):
        engine = OpenAiLlm(url, KEY, timeouts=TIMEOUTS)
        await engine.warm()
        stream = engine.stream(STORY)
        await anext(stream)
        process.kill()
        with pytest.raises(EngineUnreachable):
            async for _ in stream:
                pass
        with pytest.raises(EngineUnreachable, match="cannot be reached"):
            await ask(engine, STORY)
        await engine.close()
