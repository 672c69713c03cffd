"""Gemini through the real SDK against a server that enforces Gemini's rules."""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from tests.engines.conformance import BEGINNING, hurry, unhurried
from tests.fakes.gemini import KEY, FakeGemini, GeminiReply
from tests.fakes.gemini_rules import REFUSALS
from tests.fakes.script import HANG, Script, Trouble
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.gemini.llm import DEFAULT_MODEL, GeminiLlm
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import LlmItem, Prompt, TextDelta, Usage

UNHURRIED, SOON = Timeouts(60, 60, 60), 0.3
HELLO = Prompt("Be brief.", (Message(Role.USER, "Hello.", 1),))
WEATHER = ToolDeclaration(
    "weather",
    "The weather somewhere.",
    {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


@asynccontextmanager
async def gemini(
    *answers: GeminiReply,
    script: Script | None = None,
    model: str = DEFAULT_MODEL,
    key: str = KEY,
    timeouts: Timeouts = UNHURRIED,
) -> AsyncIterator[tuple[GeminiLlm, FakeGemini]]:
    """Not warmed: the first call opens the client."""
    async with FakeGemini(script, answers or (GeminiReply(),)) as fake:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GOOGLE_GEMINI_BASE_URL", fake.url)
            llm = GeminiLlm(key, model, timeouts=timeouts)
            try:
                yield llm, fake
            finally:
                await llm.close()
    assert [task for task in asyncio.all_tasks() if task.get_name() == "stream"] == []


async def ask(llm: GeminiLlm, prompt: Prompt = HELLO) -> list[LlmItem]:
    async with aclosing(llm.stream(prompt)) as items:
        return [item async for item in items]


async def keep(stream: AsyncIterator[LlmItem], items: list[LlmItem]) -> None:
    async for item in stream:
        items.append(item)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def text(items: Sequence[LlmItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


# ---------------------------------------------------------------- an answer


async def test_words_come_as_they_are_made_and_usage_last() -> None:
    async with gemini(GeminiReply("One two three.", thoughts=5, cached=1)) as (llm, fake):
        items = await ask(llm)
    assert items[:3] == [TextDelta("One"), TextDelta(" two"), TextDelta(" three.")]
    assert items[3:] == [Usage(1, 8, 1)]
    assert fake.script.calls[0].end == "done"


async def test_the_first_word_does_not_wait_for_the_second() -> None:
    async with gemini(script=Script(between=HANG)) as (llm, fake):
        async with aclosing(llm.stream(HELLO)) as items:
            assert await anext(items) == TextDelta("Sure.")
        await fake.script.until_open(0)


async def test_thoughts_are_not_spoken() -> None:
    async with gemini(GeminiReply("Yes.", shown_thoughts="The user wants")) as (llm, _):
        assert text(await ask(llm)) == "Yes."


async def test_one_connection_serves_one_turn_after_the_other() -> None:
    async with gemini() as (llm, fake):
        await llm.warm()
        await ask(llm)
        await ask(llm)
    assert len({asked.connection for asked in fake.asked}) == 1
    assert len(fake.asked) == 3


async def test_a_connection_that_went_stale_is_tried_once_more() -> None:
    async with gemini(script=Script(between=0.001)) as (llm, fake):
        fake.cut_first = 1
        assert text(await ask(llm)).startswith("Sure.")
        fake.cut_first = 2
        with pytest.raises(EngineUnreachable):
            await ask(llm)
    assert fake.cut_first == 0


async def test_ten_at_once_do_not_wait_for_each_other() -> None:
    async with gemini(script=Script(always=Trouble.STALL_FIRST)) as (llm, fake):
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(ask(llm)) for _ in range(10)]
            await fake.script.until_open(10)
            for task in asking:
                task.cancel()
        await fake.script.until_open(0)


async def test_it_says_what_and_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GOOGLE_GEMINI_BASE_URL", raising=False)
    llm = GeminiLlm("secret", "gemini-3.6-flash")
    assert (llm.name, llm.location) == ("gemini-3.6-flash", "https://generativelanguage.googleapis.com")
    assert GeminiLlm("secret").name == DEFAULT_MODEL
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://me:password@127.0.0.1:9/v9?key=secret")
    assert llm.location == "http://127.0.0.1:9"
    await llm.close()


# ---------------------------------------------------------------- thrown away


@pytest.mark.parametrize("taken", [0, 1, 3])
async def test_an_answer_that_is_thrown_away_leaves_nothing_open(taken: int) -> None:
    async with gemini(GeminiReply("word " * 500), script=Script(between=0.002)) as (llm, fake):
        await llm.warm()
        items = llm.stream(HELLO)
        for _ in range(taken):
            await anext(items)
        await items.aclose()
        await fake.script.until_open(0)
        ends = [seen.end for seen in fake.script.calls[1:]]
        assert ends == ([] if taken == 0 else ["gone"])
        assert text(await ask(llm)).startswith("word word")


async def test_an_answer_that_nobody_reads_on_is_given_up_with_a_full_queue() -> None:
    endless = Prompt("", HELLO.messages, max_tokens=60_000)
    async with gemini(GeminiReply("word " * 60_000)) as (llm, fake):
        items = llm.stream(endless)
        await anext(items)
        async with asyncio.timeout(60):
            while fake.script.calls[0].parts < 500:  # noqa: ASYNC110 - nothing tells of a part that was sent
                await asyncio.sleep(0)
        await items.aclose()
        await fake.script.until_open(0)
        assert fake.script.calls[0].end == "gone"


@pytest.mark.parametrize("trouble", [Trouble.STALL_FIRST, Trouble.STALL_MIDDLE])
async def test_cancelling_whoever_waits_ends_the_call_at_the_far_end(trouble: Trouble) -> None:
    has_begun = asyncio.Event()

    async def listen(llm: GeminiLlm) -> None:
        async for _ in llm.stream(HELLO):
            has_begun.set()

    async with gemini(script=Script(always=trouble)) as (llm, fake):
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(listen(llm))
            await fake.script.until_open(1)
            if trouble is Trouble.STALL_MIDDLE:
                await has_begun.wait()
            waiting.cancel()
            await fake.script.until_open(0)
        assert fake.script.calls[0].end == "gone"


async def test_closing_ends_what_is_under_way() -> None:
    async with gemini(script=Script(between=HANG)) as (llm, fake):
        items = llm.stream(HELLO)
        await anext(items)
        await llm.close()
        with pytest.raises(EngineUnreachable):
            await anext(items)
        await fake.script.until_open(0)


async def test_a_hundred_thrown_away_leave_neither_tasks_nor_sockets() -> None:
    async with gemini(script=Script(between=0.001)) as (llm, fake):
        await llm.warm()
        before = open_files()
        for count in range(100):
            items = llm.stream(HELLO)
            if count % 2:
                await anext(items)
            await items.aclose()
        await fake.script.until_open(0)
        assert open_files() - before <= 2
    assert len(asyncio.all_tasks()) == 1


# ---------------------------------------------------------------- late


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(Trouble.STALL_FIRST, "did not begin"), (Trouble.STALL_MIDDLE, "went silent")],
)
async def test_silence_has_a_deadline(trouble: Trouble, said: str) -> None:
    waits = unhurried()
    async with gemini(timeouts=waits) as (llm, fake):
        await llm.warm()
        hurry(waits, first=SOON if trouble is Trouble.STALL_FIRST else BEGINNING, between=SOON)
        fake.script.always = trouble
        with pytest.raises(EngineTimeout, match=said):
            await ask(llm)
        await fake.script.until_open(0)
        assert fake.script.calls[1].end == "gone"


async def test_chunks_without_words_do_not_put_the_deadline_off() -> None:
    answer = GeminiReply("Late.", shown_thoughts="Let me think a little about what that could mean.")
    waits = unhurried()
    async with gemini(GeminiReply(), answer, timeouts=waits) as (llm, fake):
        await llm.warm()
        hurry(waits, first=SOON)
        fake.script.between = 0.1
        with pytest.raises(EngineTimeout, match="did not begin"):
            await ask(llm)
        assert fake.script.calls[1].parts > 1


async def test_a_slow_reader_is_not_a_silent_model() -> None:
    async with gemini(GeminiReply("one two three"), timeouts=Timeouts(60, 60, 0.25)) as (llm, _):
        words = []
        async with aclosing(llm.stream(HELLO)) as items:
            async for item in items:
                words.append(item)
                await asyncio.sleep(0.3)
    assert text(words) == "one two three"


# ---------------------------------------------------------------- wrong


@pytest.mark.parametrize(
    ("trouble", "kind", "begun"),
    [
        (Trouble.EMPTY, EngineEmpty, False),
        (Trouble.ERROR_FIRST, EngineError, False),
        (Trouble.ERROR_MIDDLE, EngineError, True),
        (Trouble.CUT, EngineUnreachable, True),
        (Trouble.DENIED, EngineDenied, False),
        (Trouble.QUOTA, EngineQuota, False),
        (Trouble.BLOCKED, EngineBlocked, False),
    ],
)
async def test_every_trouble_is_an_error_of_ours(
    trouble: Trouble, kind: type[EngineError], begun: bool
) -> None:
    async with gemini(script=Script(always=trouble)) as (llm, fake):
        items: list[LlmItem] = []
        with pytest.raises(EngineError) as caught:
            await keep(llm.stream(HELLO), items)
        assert type(caught.value) is kind
        assert caught.value.stage == "llm"
        assert bool(items) is begun
        assert len(fake.script.calls) == 1, "nothing is retried that the far end answered"


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        ("SAFETY", EngineBlocked),
        ("PROHIBITED_CONTENT", EngineBlocked),
        ("BLOCKLIST", EngineBlocked),
        ("SPII", EngineBlocked),
        ("RECITATION", EngineBlocked),
        ("MALFORMED_FUNCTION_CALL", EngineError),
        ("OTHER", None),
        ("MAX_TOKENS", None),
        ("STOP", None),
    ],
)
@pytest.mark.parametrize("said", ["", "Well,"])
async def test_how_an_answer_may_end(finish: str, kind: type[EngineError] | None, said: str) -> None:
    expected = kind or (None if said else EngineEmpty)
    async with gemini(GeminiReply(said, finish=finish)) as (llm, _):
        if expected is None:
            assert text(await ask(llm)) == said
            return
        with pytest.raises(EngineError, match=finish) as caught:
            await ask(llm)
        assert type(caught.value) is expected


async def test_a_prompt_that_is_blocked_says_why() -> None:
    async with gemini(GeminiReply(block="PROHIBITED_CONTENT")) as (llm, _):
        with pytest.raises(EngineBlocked, match="PROHIBITED_CONTENT"):
            await ask(llm)


@pytest.mark.parametrize(
    ("refusal", "kind", "advice"),
    [
        ("wrong key", EngineDenied, "GEMINI_API_KEY"),
        ("expired key", EngineDenied, "GEMINI_API_KEY"),
        ("leaked", EngineDenied, "GEMINI_API_KEY"),
        ("suspended", EngineDenied, "GEMINI_API_KEY"),
        ("unauthenticated", EngineDenied, "GEMINI_API_KEY"),
        ("region", EngineDenied, "GEMINI_API_KEY"),
        ("quota", EngineQuota, "quota"),
        ("overloaded", EngineError, ""),
        ("internal", EngineError, ""),
        ("deadline", EngineTimeout, "slow"),
        ("vague", EngineError, ""),
    ],
)
async def test_every_refusal_is_told_with_advice_and_without_the_key(
    refusal: str, kind: type[EngineError], advice: str
) -> None:
    async with gemini(GeminiReply(refusal=REFUSALS[refusal])) as (llm, _):
        with pytest.raises(EngineError) as caught:
            await ask(llm)
    assert type(caught.value) is kind
    assert advice in caught.value.advice
    assert KEY not in f"{caught.value!s} {caught.value!r} {caught.value.advice} {caught.value.__context__}"
    assert caught.value.retryable is (kind not in (EngineDenied,) and refusal != "vague")


async def test_a_wrong_key_is_found_at_start(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with gemini(key="AIzaSy-the-wrong-one-of-them") as (llm, _):
        with pytest.raises(EngineDenied, match="API key not valid") as caught:
            await llm.warm()
    assert "GEMINI_API_KEY" in caught.value.advice
    assert "the-wrong-one" not in caplog.text


@pytest.mark.parametrize("key", ["new\nline", "naïve", "\ud800"])
async def test_a_key_that_cannot_be_sent_is_denied_and_not_shown(key: str) -> None:
    async with gemini(key=key) as (llm, fake):
        with pytest.raises(EngineDenied) as caught:
            await llm.warm()
    assert key not in str(caught.value)
    assert fake.script.calls == []


async def test_a_model_that_is_not_there_names_the_setting() -> None:
    async with gemini(model="gemimi-flash") as (llm, _):
        with pytest.raises(EngineMissing, match="GEMINI_MODEL") as caught:
            await llm.warm()
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "raw", [b"", b"<html>Sign in</html>", b"data: {\r\n\r\n", b'data: {"candidates": 3}\r\n\r\n']
)
async def test_an_answer_of_something_else_is_an_error(raw: bytes) -> None:
    async with gemini(GeminiReply(raw=raw)) as (llm, _):
        with pytest.raises(EngineError):
            await ask(llm)


async def test_nobody_there_is_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:9")
    llm = GeminiLlm(KEY)
    with pytest.raises(EngineUnreachable) as caught:
        await llm.warm()
    assert "address" in caught.value.advice
    await llm.close()
    with pytest.raises(EngineError, match="closed"):
        await ask(llm)
