"""Servers of OpenAI's chat completions, against fakes that refuse what real ones refuse."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress

import pytest

from tests.fakes.openai_llm import STYLES, ChatReply, FakeOpenAi
from tests.fakes.openai_llm_rules import KEY, MODELS, Traits
from tests.fakes.script import Script
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineEmpty, EngineError, EngineMissing, EngineTimeout, EngineUnreachable
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import LlmItem, Prompt, TextDelta, Usage

UNHURRIED = Timeouts(60, 60, 60)
HELLO = Prompt("Be brief.", (Message(Role.USER, "Hello.", 1),))
WEATHER = ToolDeclaration("weather", "The weather somewhere.", {})


@asynccontextmanager
async def server(
    *answers: ChatReply,
    style: str = "vllm",
    script: Script | None = None,
    traits: Traits | None = None,
    model: str = "",
    timeouts: Timeouts = UNHURRIED,
) -> AsyncIterator[tuple[OpenAiLlm, FakeOpenAi]]:
    """Not warmed: the first call opens the connection and finds the model."""
    async with FakeOpenAi(script, answers or (ChatReply(),), style=style, traits=traits) as fake:
        llm = OpenAiLlm(fake.url, KEY, model, timeouts=timeouts)
        try:
            yield llm, fake
        finally:
            await llm.close()


async def ask(llm: OpenAiLlm, prompt: Prompt = HELLO) -> list[LlmItem]:
    async with aclosing(llm.stream(prompt)) as items:
        return [item async for item in items]


async def keep(llm: OpenAiLlm, items: list[LlmItem]) -> None:
    async with aclosing(llm.stream(HELLO)) as stream:
        async for item in stream:
            items.append(item)


def text(items: Sequence[LlmItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def stream_of(*chunks: object, end: str = "data: [DONE]\n\n") -> bytes:
    written = (chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks)
    return ("".join(f"data: {each}\n\n" for each in written) + end).encode()


def delta(content: object = None, finish: str | None = None, **more: object) -> dict[str, object]:
    return {"choices": [{"index": 0, "delta": {"content": content} | more, "finish_reason": finish}]}


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def writing(*parts: bytes, closes: bool = False, seconds: float = 0.0) -> AsyncIterator[str]:
    """A server that answers every request with these parts, each in a packet and `seconds` after the one
    before it, and then says no more."""
    writers: list[asyncio.StreamWriter] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(seconds)
        if closes:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        host, port = listening.sockets[0].getsockname()
        yield f"http://{host}:{port}"
        for writer in writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


# ---------------------------------------------------------------- an answer


@pytest.mark.parametrize("style", STYLES)
async def test_words_come_as_they_are_made_and_usage_last(style: str) -> None:
    async with server(ChatReply("One two three.", cached=1), style=style) as (llm, fake):
        items = await ask(llm)
        await fake.script.until_open(0)
    assert items[:3] == [TextDelta("One"), TextDelta(" two"), TextDelta(" three.")]
    (usage,) = items[3:]
    assert isinstance(usage, Usage)
    assert (usage.output_tokens, usage.cached_tokens) == (3, 0 if style == "ollama" else 1)
    assert usage.input_tokens > 20
    assert fake.script.calls[-1].end == "done"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("model", [0, -1])
async def test_every_model_is_asked_on_its_own_terms_and_they_are_remembered(style: str, model: int) -> None:
    """What it refuses is left out at once, and never sent again."""
    prompt = Prompt("", HELLO.messages, temperature=0.4, tools=(WEATHER,))
    name = [each for each in MODELS[style] if "embed" not in each][model]
    async with server(style=style, model=name) as (llm, fake):
        await llm.warm()
        assert text(await ask(llm, prompt))
        fake.script.calls.clear()
        assert text(await ask(llm, prompt))
        await fake.script.until_open(0)
        assert [seen.end for seen in fake.script.calls] == ["done"]
        assert "tools" in fake.asked[0].body


async def test_one_connection_serves_one_turn_after_the_other() -> None:
    async with server() as (llm, fake):
        await llm.warm()
        await ask(llm)
        await ask(llm)
    assert len({asked.connection for asked in fake.asked}) == 1
    assert len(fake.asked) == 3
    assert fake.listings == 1
    assert fake.asked[0].headers["accept-encoding"] == "identity", "what compresses holds words back"


async def test_a_connection_that_went_stale_is_tried_once_more() -> None:
    async with server() as (llm, fake):
        await llm.warm()
        fake.cut_first = 1
        assert text(await ask(llm)).startswith("Sure.")
        fake.cut_first = 2
        with pytest.raises(EngineUnreachable):
            await ask(llm)
    assert fake.cut_first == 0


async def test_no_more_is_said_than_was_asked_for_when_thoughts_have_room() -> None:
    answer = ChatReply("one two three four five six", thoughts="hm hm hm")
    async with server(answer, style="openai", model="gpt-5-mini") as (llm, fake):
        prompt = Prompt("", HELLO.messages, max_tokens=4)
        assert text(await ask(llm, prompt)) == "one two three four"
        assert fake.asked[-1].body["max_completion_tokens"] > 4


# ---------------------------------------------------------------- thoughts


@pytest.mark.parametrize("thinks_aloud", [False, True])
@pytest.mark.parametrize("style", STYLES)
async def test_thoughts_are_switched_off_or_not_spoken(style: str, thinks_aloud: bool) -> None:
    answer = ChatReply("Yes. It is.", thoughts="The user wants to know", thinks_aloud=thinks_aloud)
    async with server(answer, style=style) as (llm, _):
        assert text(await ask(llm)) == "Yes. It is."


async def test_thoughts_that_used_up_the_answer_get_room_the_next_time() -> None:
    body = stream_of(delta(reasoning="hm"), delta("", "length"))
    async with server(ChatReply(raw=body), ChatReply()) as (llm, fake):
        with pytest.raises(EngineEmpty, match=r"thought, and said nothing \(length\)"):
            await ask(llm)
        await ask(llm)
        assert fake.asked[1].body["max_tokens"] > fake.asked[0].body["max_tokens"]


async def test_thoughts_whose_beginning_nobody_sees_are_spoken_once_at_most() -> None:
    body = stream_of(delta("The user"), delta(" wants.\n</thi"), delta("nk>\n\nYes."), delta("", "stop"))
    async with server(ChatReply(raw=body)) as (llm, _):
        assert "The user" in text(await ask(llm))
        assert text(await ask(llm)) == "Yes."


# ---------------------------------------------------------------- the model


@pytest.mark.parametrize(
    ("style", "model"), [("openai", "gpt-4.1-mini"), ("ollama", "qwen3:4b"), ("vllm", "Qwen/Qwen3-8B")]
)
async def test_the_first_model_that_chats_is_taken(style: str, model: str) -> None:
    async with server(style=style) as (llm, fake):
        assert llm.name == "OpenAI-compatible model"
        await llm.warm()
        assert llm.name == model
        assert fake.asked[-1].body["model"] == model


async def test_the_path_of_a_models_file_is_not_shown() -> None:
    async with server(style="llamacpp") as (llm, _):
        await llm.warm()
        assert llm.name == "gemma-3-4b-it-Q4_K_M.gguf"


async def test_a_server_without_a_list_asks_for_the_setting() -> None:
    async with server(traits=Traits(lists_models=False)) as (llm, _):
        with pytest.raises(EngineMissing, match="lists no models: set OPENAI_MODEL") as caught:
            await llm.warm()
    assert "OPENAI_MODEL" in caught.value.advice


@pytest.mark.parametrize(
    ("names", "taken"),
    [
        (["BAAI/bge-m3", "meta-llama/Llama-3.1-8B-Instruct"], "meta-llama/Llama-3.1-8B-Instruct"),
        (["whisper-1", "gpt-3.5-turbo-instruct", "gpt-4.1"], "gpt-4.1"),
        (["image-chat"], "image-chat"),
    ],
)
async def test_a_model_by_the_name_of_one_that_chats_goes_first(names: list[str], taken: str) -> None:
    async with server(style="vllm") as (llm, fake):
        fake.model_names = names
        await llm.warm()
        assert llm.name == taken


async def test_a_server_with_nothing_in_its_list_asks_for_the_setting() -> None:
    async with server(style="ollama") as (llm, fake):
        fake.model_names = []
        with pytest.raises(EngineMissing, match="lists no models: set OPENAI_MODEL"):
            await llm.warm()


@pytest.mark.parametrize("style", ["openai", "vllm", "ollama"])
async def test_a_model_that_is_not_there_names_the_setting(style: str) -> None:
    async with server(style=style, model="gpt-9") as (llm, _):
        with pytest.raises(EngineMissing, match="OPENAI_MODEL") as caught:
            await llm.warm()
    assert "OPENAI_MODEL" in caught.value.advice
    assert not caught.value.retryable


async def test_a_found_model_that_went_away_is_found_again() -> None:
    async with server(style="ollama") as (llm, fake):
        await llm.warm()
        fake.model_names = ["granite4:3b"]
        assert text(await ask(llm))
        assert llm.name == "granite4:3b"


async def test_warming_waits_for_a_server_that_still_loads() -> None:
    async with server(style="llamacpp") as (llm, fake):
        fake.loading = 2
        await llm.warm()
        await fake.script.until_open(0)
        assert fake.script.calls[-1].end == "done"
        fake.loading = 1
        with pytest.raises(EngineError, match="503: Loading model"):
            await ask(llm)


# ---------------------------------------------------------------- where it is


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/", "/v1/chat/completions", "/v1/models"])
async def test_an_address_may_be_written_in_any_way(end: str) -> None:
    async with FakeOpenAi(style="vllm") as fake:
        llm = OpenAiLlm(f" {fake.url}{end} ", f" {KEY}\n", timeouts=UNHURRIED)
        assert text(await ask(llm))
        assert text(await ask(llm))
        assert len(fake.script.calls) == 2
        await llm.close()


@pytest.mark.parametrize("prefix", ["", "/api", "/v1beta/openai", "/openai/v1"])
async def test_the_version_may_be_elsewhere_or_missing(prefix: str) -> None:
    traits = Traits(prefix=prefix)
    async with FakeOpenAi(style="vllm", traits=traits) as fake:
        llm = OpenAiLlm(fake.url + prefix, KEY, timeouts=UNHURRIED)
        await llm.warm()
        assert text(await ask(llm))
        await llm.close()


async def test_nothing_there_names_the_setting() -> None:
    async with FakeOpenAi(traits=Traits(prefix="/elsewhere")) as fake:
        llm = OpenAiLlm(fake.url, KEY, "gpt-4.1-mini", timeouts=UNHURRIED)
        for _ in range(2):
            with pytest.raises(EngineMissing, match="OPENAI_BASE_URL"):
                await llm.warm()
        await llm.close()


# ---------------------------------------------------------------- thrown away, late


async def test_an_answer_that_nobody_reads_on_is_closed() -> None:
    async with server(ChatReply("word " * 5000)) as (llm, fake):
        items = llm.stream(Prompt("", HELLO.messages, max_tokens=9000))
        await anext(items)
        async with asyncio.timeout(60):
            while fake.script.calls[0].parts < 100:  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0)
        await items.aclose()
        await fake.script.until_open(0)
        assert fake.script.calls[0].end == "gone"


async def test_a_slow_list_of_models_has_a_deadline() -> None:
    async with writing(b"") as url:
        llm = OpenAiLlm(url, timeouts=Timeouts(0.5, 0.5, 0.5))
        with pytest.raises(EngineTimeout, match="did not list its models"):
            await ask(llm)
        await llm.close()


async def test_thoughts_do_not_put_the_deadline_off() -> None:
    answer = ChatReply("Late.", thoughts="hmm " * 20, always_thinks=True)
    soon = Timeouts(connect=60, first=0.5, between=60)
    async with server(answer, script=Script(between=0.1), timeouts=soon) as (llm, fake):
        with pytest.raises(EngineTimeout, match="did not begin"):
            await ask(llm)
        await fake.script.until_open(0)
        assert fake.script.calls[0].end == "gone"


async def test_a_slow_reader_is_not_a_silent_model() -> None:
    async with server(ChatReply("one two three"), timeouts=Timeouts(1, 1, 0.05)) as (llm, _):
        words = []
        async with aclosing(llm.stream(HELLO)) as items:
            async for item in items:
                words.append(item)
                await asyncio.sleep(0.1)
    assert text(words) == "one two three"


async def test_nobody_waits_for_the_count_of_tokens() -> None:
    body = stream_of(delta("Yes."), delta("", "stop"), end="")
    async with writing(HEAD + f"{len(body):x}\r\n".encode() + body + b"\r\n") as url:
        llm = OpenAiLlm(url, model="m", timeouts=Timeouts(60, 60, 3_600))
        async with asyncio.timeout(60):
            assert await ask(llm) == [TextDelta("Yes.")]
        await llm.close()


async def test_an_answer_that_ends_with_its_connection_has_to_say_that_it_is_whole() -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    for end, kind in ((delta("", "stop"), None), (delta(" and"), EngineUnreachable)):
        async with writing(head + stream_of(delta("Yes"), end, end=""), closes=True) as url:
            llm = OpenAiLlm(url, model="m", timeouts=UNHURRIED)
            items: list[LlmItem] = []
            if kind is None:
                assert await ask(llm) == [TextDelta("Yes")]
            else:
                with pytest.raises(kind, match="broke off"):
                    await keep(llm, items)
            await llm.close()


async def test_an_answer_in_one_piece_is_one_too() -> None:
    whole = {
        "choices": [{"message": {"content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3},
    }
    answer = ChatReply(raw=json.dumps(whole).encode(), raw_kind="application/json")
    async with server(answer) as (llm, _):
        assert await ask(llm) == [TextDelta("Yes."), Usage(3, 0)]


async def test_parts_of_text_are_said_and_parts_of_thought_are_not() -> None:
    parts = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]},
        {"type": "text", "text": "Yes."},
    ]
    async with server(ChatReply(raw=stream_of(delta(parts), delta(None, "stop")))) as (llm, _):
        assert await ask(llm) == [TextDelta("Yes.")]


@pytest.mark.parametrize("seed", range(3))
async def test_a_body_may_be_cut_anywhere(seed: int) -> None:
    body = stream_of(delta("Grüße, "), delta("世界 🙂"), delta("", "stop"))
    source = random.Random(seed)
    edges = sorted({0, len(body), *(source.randrange(len(body)) for _ in range(40))})
    chunks = [body[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    written = [f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n" for chunk in chunks]
    async with writing(HEAD, *written, b"0\r\n\r\n") as url:
        llm = OpenAiLlm(url, model="m", timeouts=UNHURRIED)
        assert text(await ask(llm)) == "Grüße, 世界 🙂"
        await llm.close()
