"""What a model writes into its text that is not said, as a server streams it; and streams that end early."""

import asyncio

import pytest

from tests.fakes.openai_llm import ChatReply
from voice_grpc.core.errors import EngineError, EngineUnreachable
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import CallRequest, LlmItem, Prompt, TextDelta, Usage

from .test_llm import HEAD, HELLO, WEATHER, ask, delta, keep, server, stream_of, text, writing


def chunked(body: bytes) -> bytes:
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"


async def test_a_mark_that_ends_an_answer_ends_it_and_its_request() -> None:
    deltas = [
        delta("It is sunny"),
        delta(" today."),
        delta("<|im"),
        delta("_end|>"),
        delta("\n<|im_start|>user"),
    ]
    async with writing(HEAD, chunked(stream_of(*deltas, end=""))) as url:
        llm = OpenAiLlm(url, model="m", timeouts=Timeouts(60, 3_600, 3_600))
        async with asyncio.timeout(60):  # nobody waits for what follows
            assert text(await ask(llm)) == "It is sunny today."
        await llm.close()


async def test_the_count_of_tokens_behind_a_mark_is_taken() -> None:
    usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
    body = stream_of(delta("Yes.</s>"), delta(" No."), delta(None, "stop"), usage)
    async with server(ChatReply(raw=body)) as (llm, _):
        assert await ask(llm) == [TextDelta("Yes."), Usage(9, 4)]


@pytest.mark.parametrize("end", ["data: [DONE]\n\n", ""])
async def test_a_call_in_the_text_is_called(end: str) -> None:
    pieces = ('{"name": "weat', 'her", "arguments": {"city"', ': "Oslo"}}')
    body = stream_of(*map(delta, pieces), delta(None, "stop"), end=end)
    prompt = Prompt("", HELLO.messages, tools=(WEATHER,))
    async with server(ChatReply(raw=body)) as (llm, _):
        assert await ask(llm, prompt) == [CallRequest("weather", {"city": "Oslo"})]
        assert text(await ask(llm, HELLO)) == "".join(pieces), "nothing may be called"


async def test_a_call_that_a_server_read_and_left_in_the_text_is_called_once() -> None:
    call = {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": "{}"}}
    written = '<tool_call>{"name": "weather", "arguments": {}}</tool_call>'
    body = stream_of(delta(written), delta(tool_calls=[call]), delta(None, "tool_calls"))
    async with server(ChatReply(raw=body)) as (llm, _):
        prompt = Prompt("", HELLO.messages, tools=(WEATHER,))
        assert await ask(llm, prompt) == [CallRequest("weather", {}, "c1")]


async def test_a_call_in_the_text_that_cannot_be_read_passes() -> None:
    body = stream_of(delta("<tool_call>hm</tool_call>"), delta(None, "stop"))
    async with server(ChatReply(raw=body)) as (llm, _):
        with pytest.raises(EngineError, match="cannot be read") as caught:
            await ask(llm, Prompt("", HELLO.messages, tools=(WEATHER,)))
    assert caught.value.retry_after == 0.0


async def test_a_call_in_the_text_keeps_the_answer_alive() -> None:
    """A long call that is held back comes piece by piece: that is progress, as a call apart is."""
    pieces = ["<tool_call>", '{"name": "weather", "arguments": {"city": "', *"abcdef", '"}}']
    parts = [chunked(stream_of(delta(piece), end="")) for piece in pieces]
    last = chunked(stream_of(delta(None, "stop"))) + b"0\r\n\r\n"
    async with writing(HEAD, *parts, last, seconds=0.1) as url:
        llm = OpenAiLlm(url, model="m", timeouts=Timeouts(60, 0.8, 0.8))
        items = await ask(llm, Prompt("", HELLO.messages, tools=(WEATHER,)))
        assert items == [CallRequest("weather", {"city": "abcdef"})]
        await llm.close()


@pytest.mark.parametrize("words", [(), ("Well,", " then")])
async def test_a_stream_that_ends_without_saying_so_broke_off(words: tuple[str, ...]) -> None:
    async with server(ChatReply(raw=stream_of(*map(delta, words), end=""))) as (llm, _):
        items: list[LlmItem] = []
        with pytest.raises(EngineUnreachable, match="broke off"):
            await keep(llm, items)
        assert text(items) == "".join(words), "what was said stays"
