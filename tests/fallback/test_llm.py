"""Language models in a chain: who fails before its first output is replaced in the same turn, and said."""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import replace

import pytest

from tests.session.harness import virtual
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
from voice_grpc.engines.scripted import HANG, ScriptedAnswer
from voice_grpc.fallback import LlmChain
from voice_grpc.fallback.chain import FIRST_SECONDS
from voice_grpc.fallback.circuit_breaker import COOLING_SECONDS, FAILURES
from voice_grpc.ports import CallRequest, Fallback, TextDelta, Usage

from .scripted_members import BROKEN, PROMPT, answer, failing, fallbacks, llm, many, text

DENIED = EngineDenied("llm", "wrong key", advice="check GEMINI_API_KEY")


@pytest.mark.parametrize(
    "error",
    [
        BROKEN,
        EngineTimeout("llm", "late"),
        EngineEmpty("llm", "nothing"),
        EngineQuota("llm", "too much"),
        EngineError("llm", "503"),
        EngineError("llm", "400", retryable=False),
        EngineMissing("llm", "no such model"),
        DENIED,
    ],
)
def test_the_next_one_answers_in_the_same_turn(error: EngineError) -> None:
    chain = LlmChain([failing("gemini", error), llm("local", "Hello there.")])
    items = virtual(answer(chain))
    assert text(items) == "Hello there."
    assert isinstance(items[0], Fallback)
    assert items[0].error is error
    assert fallbacks(items) == [(str(error), "local")]
    assert isinstance(items[-1], Usage)


def test_one_that_gives_nothing_has_failed() -> None:
    chain = LlmChain([llm("gemini", ""), llm("local", "Hello.")])
    items = virtual(answer(chain))
    assert fallbacks(items) == [("gemini gave no words", "local")]
    assert text(items) == "Hello."


def test_one_that_hangs_is_not_waited_for() -> None:
    slow = llm("gemini", ScriptedAnswer("Late.", first_token=HANG))
    chain = LlmChain([slow, llm("local", "Hello.")])

    async def story() -> float:
        before = asyncio.get_running_loop().time()
        items = await answer(chain)
        assert fallbacks(items) == [("gemini gave nothing within 3 s", "local")]
        assert isinstance(items[0], Fallback)
        assert isinstance(items[0].error, EngineTimeout)
        assert slow.open == 0
        return asyncio.get_running_loop().time() - before

    assert virtual(story()) == pytest.approx(FIRST_SECONDS, abs=0.01)


def test_with_nobody_else_a_slow_one_is_waited_for() -> None:
    slow = ScriptedAnswer("Late.", first_token=FIRST_SECONDS + 2)
    assert text(virtual(answer(LlmChain([llm("gemini", slow)])))) == "Late."
    assert text(virtual(answer(LlmChain([failing("local"), llm("gemini", slow)])))) == "Late."


def test_an_answer_may_take_its_time_once_it_has_begun() -> None:
    chain = LlmChain(
        [llm("gemini", ScriptedAnswer("One. Two.", a_token=FIRST_SECONDS + 1)), llm("local", "No.")]
    )
    assert text(virtual(answer(chain))) == "One. Two."


def test_a_failure_in_the_middle_is_the_turns_and_counts() -> None:
    chain = LlmChain([llm("gemini", ScriptedAnswer("Hello", error=BROKEN)), llm("local", "Well.")])

    async def story() -> None:
        for _ in range(FAILURES):
            with pytest.raises(EngineUnreachable):
                await answer(chain)
        assert text(await answer(chain)) == "Well."

    virtual(story())


def test_what_safety_blocked_is_not_asked_of_the_next_one_and_not_counted() -> None:
    local = llm("local", "Well.")
    chain = LlmChain([failing("gemini", EngineBlocked("llm", "blocked")), local])

    async def story() -> None:
        for _ in range(FAILURES + 1):
            with pytest.raises(EngineBlocked):
                await answer(chain)

    virtual(story())
    assert chain.members[0].is_ready
    assert not local.prompts


def test_what_is_wrong_with_one_request_takes_the_engine_from_nobody() -> None:
    gemini = failing("gemini", EngineError("llm", "HTTP 400: bad schema", retryable=False))
    chain = LlmChain([gemini, llm("local", "Well.")])
    assert all(text(items) == "Well." for items in virtual(many(chain, 2 * FAILURES)))
    assert chain.members[0].is_ready
    assert len(gemini.prompts) == 2 * FAILURES


def test_when_all_fail_the_last_one_says_why() -> None:
    with pytest.raises(EngineError, match="worse"):
        virtual(answer(LlmChain([failing("a"), failing("b", EngineError("llm", "worse"))])))


# ---------------------------------------------------------------- the breaker


def test_one_that_keeps_failing_is_left_out_and_comes_back() -> None:
    broken = ScriptedAnswer("", error=BROKEN)
    gemini = llm("gemini", *[broken] * FAILURES, "I am back.")
    chain = LlmChain([gemini, llm("local", "Hello.")])

    async def story() -> None:
        await many(chain, FAILURES)
        assert len(gemini.prompts) == FAILURES
        await asyncio.sleep(2)
        (items,) = await many(chain, 1)
        assert len(gemini.prompts) == FAILURES
        assert fallbacks(items) == [
            ("gemini has been left out for 2 s and is for 8 s more: nobody answers", "local")
        ]
        assert (chain.name, chain.members[0].is_ready) == ("local", False)
        await asyncio.sleep(COOLING_SECONDS)
        (items,) = await many(chain, 1)
        assert text(items) == "I am back."
        assert not fallbacks(items)
        assert (chain.name, chain.members[0].is_ready) == ("gemini", True)

    virtual(story())


def test_while_one_call_probes_the_others_go_elsewhere() -> None:
    broken = ScriptedAnswer("", error=BROKEN)
    gemini = llm("gemini", *[broken] * FAILURES, ScriptedAnswer("I am back.", first_token=2.0), "And again.")
    chain = LlmChain([gemini, llm("local", "Hello.")])

    async def story() -> None:
        await many(chain, FAILURES)
        await asyncio.sleep(COOLING_SECONDS)
        async with asyncio.TaskGroup() as tasks:
            answers = [tasks.create_task(answer(chain)) for _ in range(5)]
        assert sorted(text(task.result()) for task in answers) == [*["Hello."] * 4, "I am back."]
        assert len(gemini.prompts) == FAILURES + 1
        assert text(await answer(chain)) == "And again."

    virtual(story())


def test_a_probe_that_is_given_up_leaves_the_next_call_to_probe() -> None:
    broken = ScriptedAnswer("", error=BROKEN)
    gemini = llm("gemini", *[broken] * FAILURES, ScriptedAnswer("", hangs=True), "I am back.")
    chain = LlmChain([gemini, llm("local", "Hello.")])

    async def story() -> None:
        await many(chain, FAILURES)
        await asyncio.sleep(COOLING_SECONDS)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await answer(chain)
        assert gemini.open == 0
        assert text(await answer(chain)) == "I am back."

    virtual(story())


def test_a_wrong_key_is_not_tried_again_and_again() -> None:
    gemini = failing("gemini", DENIED)
    virtual(many(LlmChain([gemini, llm("local", "Hello.")]), 5))
    assert len(gemini.prompts) == 1


def test_calls_that_fail_together_leave_it_out_no_longer_than_one() -> None:
    gemini = llm("gemini", ScriptedAnswer("", first_token=1.0, error=BROKEN))
    chain = LlmChain([gemini, llm("local", "Hello.")])

    async def story() -> float:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(20):
                tasks.create_task(answer(chain))
        return chain.members[0].breaker.cooling

    assert virtual(story()) == COOLING_SECONDS


def test_with_nobody_else_it_is_asked_all_the_same() -> None:
    gemini = llm("gemini", *[ScriptedAnswer("", error=BROKEN)] * 5, "Hello.")
    chain = LlmChain([gemini])

    async def story() -> None:
        for _ in range(5):
            with pytest.raises(EngineUnreachable):
                await answer(chain)
        assert text(await answer(chain)) == "Hello."
        assert chain.members[0].is_ready

    virtual(story())


def test_when_all_are_left_out_the_one_that_is_due_first_is_tried_first() -> None:
    order: list[str] = []
    broken = [ScriptedAnswer("", error=BROKEN)] * FAILURES
    a, b = llm("a", *[ScriptedAnswer("", error=DENIED)] * 3, "I am a."), llm("b", *broken, "I am b.")
    chain = LlmChain([a, b])

    async def story() -> None:
        for _ in range(FAILURES):
            with pytest.raises(EngineError):
                await answer(chain)
            await asyncio.sleep(1)
        items = await answer(chain)
        order.append(text(items))
        assert fallbacks(items) == []

    virtual(story())
    assert order == ["I am a."]


# ---------------------------------------------------------------- cancelling


def test_a_chain_that_is_left_stops_its_engine() -> None:
    slow = llm("slow", ScriptedAnswer("one two three four", a_token=1.0))
    chain = LlmChain([slow, llm("local", "Hello.")])

    async def story() -> None:
        async with aclosing(chain.stream(PROMPT)) as items:
            async for _ in items:
                break
        assert (slow.open, slow.cancelled) == (0, 1)

    virtual(story())
    assert chain.members[0].breaker.failures == 0


def test_a_thousand_calls_given_up_at_any_moment_leave_nothing_behind() -> None:
    first = llm("a", ScriptedAnswer("", first_token=0.3, error=EngineError("llm", "no", retryable=False)))
    second = llm("b", ScriptedAnswer("one two three", first_token=0.3, a_token=0.2))
    chain = LlmChain([first, second])

    async def story() -> None:
        for number in range(1_000):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001 * number + 0.0001):
                    await answer(chain)
            assert (first.open, second.open) == (0, 0)
        assert len(asyncio.all_tasks()) == 1

    virtual(story())


# ---------------------------------------------------------------- tools


TOOLS = replace(PROMPT, tools=(ToolDeclaration("lights", "", {}),))


def test_a_prompt_with_tools_goes_to_who_calls_them() -> None:
    local, gemini = llm("local", "I cannot.", calls_tools=False), llm("gemini", "Lights on.")
    chain = LlmChain([local, gemini])
    assert chain.calls_tools
    assert text(virtual(answer(chain, TOOLS))) == "Lights on."
    assert text(virtual(answer(chain))) == "I cannot."


def test_when_who_calls_tools_fails_the_others_answer_in_words() -> None:
    chain = LlmChain([failing("gemini"), llm("local", "I cannot.", calls_tools=False)])
    items = virtual(answer(chain, TOOLS))
    assert text(items) == "I cannot."
    assert len(fallbacks(items)) == 1


def test_a_call_is_an_output() -> None:
    call = CallRequest("lights", {})
    chain = LlmChain([failing("gemini"), llm("openai", ScriptedAnswer("", calls=(call,)))])
    items = virtual(answer(chain, TOOLS))
    assert [type(item) for item in items] == [Fallback, CallRequest, Usage]
    chain = LlmChain([llm("openai", ScriptedAnswer("", calls=(call,), error=BROKEN)), llm("local", "No.")])
    with pytest.raises(EngineUnreachable):
        virtual(answer(chain, TOOLS))


def test_a_chain_without_tools_says_so() -> None:
    assert not LlmChain([llm("local", "No.", calls_tools=False)]).calls_tools


# ---------------------------------------------------------------- what the operator is told


def test_the_operator_is_told_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    virtual(answer(LlmChain([failing("gemini", DENIED), llm("local", "Hello.")])))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "llm: gemini: wrong key (check GEMINI_API_KEY); left out for 10 s"


def test_the_operator_is_not_told_once_a_turn(caplog: pytest.LogCaptureFixture) -> None:
    """Thirty turns of a second each: it fails, is left out for 10 s, probed and left out for 20 s."""
    chain = LlmChain([failing("gemini"), failing("local", EngineError("llm", "out of memory"))])

    async def story() -> None:
        for _ in range(30):
            with pytest.raises(EngineError):
                await answer(chain)
            await asyncio.sleep(1)

    virtual(story())
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert len([w for w in warnings if "gemini" in w]) == 3
    assert len([w for w in warnings if "local" in w]) == 3


def test_the_operator_is_told_when_it_answers_again(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    chain = LlmChain([llm("gemini", ScriptedAnswer("", error=DENIED), "I am back.")])

    async def story() -> None:
        with pytest.raises(EngineDenied):
            await answer(chain)
        await answer(chain)
        await answer(chain)

    virtual(story())
    assert [r.getMessage() for r in caplog.records][1:] == ["gemini answers again"]


def test_what_an_engine_says_is_redacted(caplog: pytest.LogCaptureFixture) -> None:
    error = EngineDenied("llm", "key hush-hush is wrong", advice="replace hush-hush")
    chain = LlmChain(
        [failing("gemini", error), llm("local", "Hello.")],
        redact=lambda said: said.replace("hush-hush", "***"),
    )
    (told, *_) = virtual(answer(chain))
    assert isinstance(told, Fallback)
    assert (str(told.error), told.error.advice) == ("key *** is wrong", "replace ***")
    assert "hush" not in caplog.text


def test_the_items_come_as_they_are_made() -> None:
    chain = LlmChain([llm("gemini", ScriptedAnswer("one two", a_token=1.0))])

    async def story() -> None:
        async with aclosing(chain.stream(PROMPT)) as items:
            assert await anext(items) == TextDelta("one")
            assert asyncio.get_running_loop().time() == pytest.approx(0.0, abs=0.01)

    virtual(story())
