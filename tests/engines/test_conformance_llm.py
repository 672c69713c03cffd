"""What every language model must stand, whoever makes it.

Streams, stops at the far end too, times out, survives what breaks, says whose fault it is
without saying a secret, keeps ten at once apart, and leaves nothing behind.
"""

import asyncio
import gc
import os
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

import pytest

from tests.engines import subject_llm_gemini, subject_llm_local, subject_llm_openai
from tests.engines.conformance import (
    BEGINNING,
    DEADLINE,
    UNHURRIED,
    Rig,
    Subject,
    open_files,
    until_idle,
)
from tests.fakes import gemini, openai_llm_rules
from tests.fakes.script import Script, Trouble
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineQuota,
    EngineTimeout,
)
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.gemini.llm import GeminiLlm
from voice_grpc.ports import CallRequest, Llm, LlmItem, Prompt, TextDelta, Usage

SECRETS = (gemini.KEY, openai_llm_rules.KEY)

LONG = Prompt("", (Message(Role.USER, "Tell me a story about a dog.", 1),), max_tokens=64)
HELLO = Prompt("Be brief.", (Message(Role.USER, "What do bees make?", 1),), max_tokens=32)
WEATHER = ToolDeclaration("weather", "The weather now.", {"type": "object", "properties": {}})

ALL: list[Subject[Llm]] = [
    *subject_llm_gemini.SUBJECTS,
    *subject_llm_openai.SUBJECTS,
    *subject_llm_local.SUBJECTS,
]
CANCELLED_CALLS = {"gemini": 1000, "openai": 1000, "scripted": 1000, "local": 40}
"""Of each subject, 100 of the others: the styles of one engine share its code."""


@asynccontextmanager
async def open_calling_gemini(trouble: Trouble) -> AsyncIterator[Rig[Llm]]:
    answer = gemini.GeminiReply(calls_what_is_declared=True)
    async with gemini.FakeGemini(Script(), [answer]) as fake:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GOOGLE_GEMINI_BASE_URL", fake.url)
            llm = GeminiLlm(gemini.KEY)
            try:
                yield Rig(llm, fake.script)
            finally:
                await llm.close()


CALLERS: list[Subject[Llm]] = [
    Subject("gemini", open_calling_gemini),
    *subject_llm_openai.CALLERS,
    *subject_llm_local.CALLERS,
]


def having(*troubles: Trouble) -> pytest.MarkDecorator:
    """Every subject that can have that trouble, with each of them."""
    cases = [
        pytest.param(subject, trouble, id=f"{subject.name}-{trouble.value}", marks=needs(subject))
        for subject in ALL
        for trouble in troubles
        if trouble in subject.troubles
    ]
    return pytest.mark.parametrize(("subject", "trouble"), cases)


def needs(subject: Subject[Llm]) -> list[pytest.MarkDecorator]:
    is_missing = subject is subject_llm_local.LOCAL and not subject_llm_local.IS_INSTALLED
    is_skipped = is_missing and os.environ.get("REQUIRE_ALL") != "1"
    return [pytest.mark.skipif(is_skipped, reason="needs the extra `local`")]


every = pytest.mark.parametrize(
    "subject", [pytest.param(subject, id=subject.name, marks=needs(subject)) for subject in ALL]
)


async def ask(llm: Llm, prompt: Prompt = HELLO) -> list[LlmItem]:
    items: list[LlmItem] = []
    await keep(llm, prompt, items)
    return items


async def keep(llm: Llm, prompt: Prompt, items: list[LlmItem]) -> None:
    async with aclosing(llm.stream(prompt)) as stream:
        async for item in stream:
            items.append(item)


def text(items: Sequence[LlmItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


async def begin(llm: Llm) -> None:
    """As somebody does who wants an answer, and is cancelled."""
    await keep(llm, HELLO, [])
    raise AssertionError("it was to be cancelled")


async def until_busy(rig: Rig[Llm]) -> None:
    async with asyncio.timeout(60):
        while not (rig.far.open if rig.far else rig.open_calls()):  # noqa: ASYNC110 - nor for this
            await asyncio.sleep(0)


# ---------------------------------------------------------------- an answer


@every
async def test_words_come_first_and_what_they_cost_last(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        items = await ask(rig.engine)
        await until_idle(rig)
    words = [item for item in items if isinstance(item, TextDelta)]
    assert len(words) > 1, "it does not stream"
    assert words[0].text.strip(), "nothing blank comes before the first word"
    assert items[: len(words)] == words
    (usage,) = items[len(words) :]
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 0
    assert usage.output_tokens >= len(words) // 2


@every
async def test_the_first_word_does_not_wait_for_the_last(subject: Subject[Llm]) -> None:
    trouble = Trouble.STALL_MIDDLE if Trouble.STALL_MIDDLE in subject.troubles else Trouble.NONE
    async with subject.open(trouble) as rig, aclosing(rig.engine.stream(HELLO)) as stream:
        first = await anext(stream)
        assert isinstance(first, TextDelta)
        assert (rig.far.open if rig.far else rig.open_calls()) == 1, "all of it had been made"


@every
async def test_it_says_what_and_where_it_is(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        assert rig.engine.name
        assert rig.engine.location
        for secret in SECRETS:
            assert secret not in f"{rig.engine.name} {rig.engine.location} {rig.engine!r}"


@every
async def test_ten_at_once_are_not_mixed_up(subject: Subject[Llm]) -> None:
    """A word of a fake is a token, so each is known by its length."""
    lengths = range(2, 12)
    async with subject.open(Trouble.NONE) as rig, asyncio.TaskGroup() as tasks:
        whole = text(await ask(rig.engine)).split()
        prompts = [Prompt("", HELLO.messages, max_tokens=length) for length in lengths]
        asking = [tasks.create_task(ask(rig.engine, prompt)) for prompt in prompts]
        if rig.far is not None:
            await rig.far.until_open(10)
    answers = [text(task.result()).split() for task in asking]
    if rig.far is not None:
        assert answers == [whole[:length] for length in lengths]
    assert all(answers)


# ---------------------------------------------------------------- thrown away


@every
@pytest.mark.parametrize("place", ["before the first word", "in the middle"])
async def test_cancelling_stops_the_work_at_once(subject: Subject[Llm], place: str) -> None:
    stall = Trouble.STALL_FIRST if place == "before the first word" else Trouble.STALL_MIDDLE
    trouble = stall if stall in subject.troubles else Trouble.NONE
    async with subject.open(trouble) as rig:
        async with asyncio.TaskGroup() as tasks:
            items: list[LlmItem] = []
            asking = tasks.create_task(keep(rig.engine, LONG, items))
            await until_busy(rig)
            async with asyncio.timeout(60):
                while place == "in the middle" and not items:  # noqa: ASYNC110 - nor for this
                    await asyncio.sleep(0)
            asking.cancel()
            await asyncio.wait([asking])
            await until_idle(rig)
        assert not any(isinstance(item, Usage) for item in items), "it was written to its end"
        ends = {seen.end for seen in rig.far.calls} if rig.far else {"gone"}
        assert ends == {"gone"}, "the far end wrote to the end"


@every
async def test_closing_the_stream_stops_the_work_at_once(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        stream = rig.engine.stream(LONG)
        await anext(stream)
        await stream.aclose()
        await until_idle(rig)
        ends = {seen.end for seen in rig.far.calls} if rig.far else {"gone"}
        assert ends == {"gone"}


@every
async def test_a_stream_that_nobody_reads_leaves_no_trace(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        tasks, files = len(asyncio.all_tasks()), open_files()
        await rig.engine.stream(HELLO).aclose()
        rig.engine.stream(HELLO)
        assert (len(asyncio.all_tasks()), open_files()) == (tasks, files)
        assert rig.open_calls() == 0
        assert rig.far is None or rig.far.calls == []


@every
async def test_a_thousand_cancelled_calls_leave_nothing_behind(subject: Subject[Llm]) -> None:
    """Half of them before the first word; memory by the number of objects that live."""
    count = CANCELLED_CALLS.get(subject.name, 100)
    async with subject.open(Trouble.NONE) as rig:

        async def throw_away(place: int) -> None:
            if place % 2:
                stream = rig.engine.stream(HELLO)
                await anext(stream)
                await stream.aclose()
                return
            async with asyncio.TaskGroup() as tasks:
                asking = tasks.create_task(begin(rig.engine))
                for _ in range(place % 50):
                    await asyncio.sleep(0)
                asking.cancel()

        async def round_of(places: range) -> tuple[int, int, int, int]:
            for start in places[::10]:
                async with asyncio.TaskGroup() as tasks:
                    for place in range(start, start + 10):
                        tasks.create_task(throw_away(place))
            await until_idle(rig)
            if rig.far is not None:
                rig.far.calls.clear()
            await asyncio.sleep(0.02)  # the fake's own connections close
            gc.collect()
            return len(asyncio.all_tasks()), threading.active_count(), open_files(), len(gc.get_objects())

        tasks, threads, files, objects = await round_of(range(0, 20))
        after = await round_of(range(0, count))
        assert after[0] <= tasks
        assert after[1] <= threads + 2
        assert after[2] <= files + 2
        assert after[3] - objects < max(count, 500), "something is kept of every call"
        assert text(await ask(rig.engine)), "and it still answers"


# ---------------------------------------------------------------- what breaks


@having(Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
async def test_silence_has_an_end(subject: Subject[Llm], trouble: Trouble) -> None:
    async with subject.open(trouble) as rig:
        rig.hurry(first=DEADLINE if trouble is Trouble.STALL_FIRST else BEGINNING, between=DEADLINE)
        items: list[LlmItem] = []
        start = time.perf_counter()
        with pytest.raises(EngineTimeout) as caught:
            await keep(rig.engine, HELLO, items)
        assert DEADLINE * 0.9 < time.perf_counter() - start < UNHURRIED
        assert bool(items) is (trouble is Trouble.STALL_MIDDLE)
        assert caught.value.stage == "llm"
        await until_idle(rig)
        assert [seen.end for seen in rig.far.calls] == ["gone"] if rig.far else True


BROKEN = {
    Trouble.EMPTY: (EngineEmpty, False),
    Trouble.ERROR_FIRST: (EngineError, False),
    Trouble.ERROR_MIDDLE: (EngineError, True),
    Trouble.CUT: (EngineError, True),
    Trouble.DENIED: (EngineDenied, False),
    Trouble.QUOTA: (EngineQuota, False),
    Trouble.BLOCKED: (EngineBlocked, False),
}
"""What comes of each trouble, and whether words came before."""


@having(*BROKEN)
async def test_what_breaks_is_an_error_of_ours_and_the_next_call_works(
    subject: Subject[Llm], trouble: Trouble
) -> None:
    kind, begun = BROKEN[trouble]
    async with subject.open(trouble) as rig:
        items: list[LlmItem] = []
        with pytest.raises(EngineError) as caught:
            await keep(rig.engine, HELLO, items)
        error = caught.value
        assert isinstance(error, kind)
        assert error.stage == "llm"
        assert str(error)
        assert bool(text(items)) is begun
        assert error.advice or trouble not in (Trouble.DENIED, Trouble.QUOTA)
        told = f"{error} {error!r} {error.advice} {error.__cause__!r} {error.__context__!r}"
        assert not [secret for secret in SECRETS if secret in told]
        await until_idle(rig)
        assert rig.far is not None
        rig.far.always = Trouble.NONE
        assert text(await ask(rig.engine))


# ---------------------------------------------------------------- tools, and the end


@pytest.mark.parametrize("subject", [pytest.param(each, id=each.name) for each in CALLERS])
async def test_a_tool_is_called_and_its_result_taken(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        assert rig.engine.calls_tools
        asked = Prompt("", HELLO.messages, tools=(WEATHER,))
        items = await ask(rig.engine, asked)
        (call,) = (item for item in items if isinstance(item, CallRequest))
        assert (call.name, dict(call.arguments)) == ("weather", {})
        use = ToolUse("t1", call.name, "{}", '{"sky": "grey"}', call.id, call.signature)
        done = (*HELLO.messages, Message(Role.TOOLS, "", 1, uses=(use,)))
        assert text(await ask(rig.engine, Prompt("", done, tools=(WEATHER,))))


@every
async def test_one_that_calls_no_tools_ignores_them(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        assert text(await ask(rig.engine, Prompt("", HELLO.messages, max_tokens=16, tools=(WEATHER,))))


@pytest.mark.parametrize(
    "subject", [each for each in ALL if each.name not in ("local", "scripted")], ids=lambda each: each.name
)
async def test_what_is_closed_answers_no_more(subject: Subject[Llm]) -> None:
    async with subject.open(Trouble.NONE) as rig:
        async with asyncio.timeout(60):
            await rig.engine.close()
            await rig.engine.close()
        with pytest.raises(EngineError):
            await ask(rig.engine)
