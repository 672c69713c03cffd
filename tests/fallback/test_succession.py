"""A failure that says of itself that it passes is waited out once, where there is time for it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from typing import TypeVar

import pytest

from tests.session.harness import virtual
from voice_grpc.core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer, tone
from voice_grpc.fallback import LlmChain, SttChain, TtsChain
from voice_grpc.fallback.chain import FIRST_SECONDS, RETRY_SECONDS
from voice_grpc.fallback.circuit_breaker import LONGEST_SECONDS, SHORT_SECONDS
from voice_grpc.ports import Clause, Speech, SttOptions, VoiceChoice

from .scripted_members import (
    BROKEN,
    RATE_HZ,
    SOUND,
    Listener,
    Speaker,
    answer,
    fallbacks,
    heard,
    indexes,
    llm,
    say,
    stt,
    text,
)

T = TypeVar("T")


def timed(work: Coroutine[object, object, T]) -> tuple[T, float]:
    """What came of it, and after how many seconds."""

    async def story() -> tuple[T, float]:
        before = asyncio.get_running_loop().time()
        return await work, asyncio.get_running_loop().time() - before

    return virtual(story())


def busy(seconds: float | None, *, retryable: bool = True) -> EngineQuota:
    return EngineQuota("llm", "too much", retryable=retryable, retry_after=seconds)


def failing_once(error: EngineError, took: float = 0.0) -> ScriptedAnswer:
    return ScriptedAnswer("", first_token=took, error=error)


# ---------------------------------------------------------------- language models


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (busy(1.0), 1.0),
        (busy(1.2), 1.2),
        (busy(4.0), 4.0),
        (busy(0.0), 0.0),
        (EngineError("llm", "503", retry_after=0.5), 0.5),
        (EngineEmpty("llm", "nothing"), 0.0),
        (EngineUnreachable("llm", "the answer broke off", retry_after=0.0), 0.0),
    ],
)
def test_what_passes_is_asked_for_once_more(error: EngineError, wait: float) -> None:
    chain = LlmChain([llm("gemini", failing_once(error), "Here I am again.")])
    items, took = timed(answer(chain))
    assert text(items) == "Here I am again."
    assert not fallbacks(items)
    assert took == pytest.approx(wait, abs=0.01)
    assert chain.members[0].breaker.failures == 0


@pytest.mark.parametrize(
    "error",
    [
        BROKEN,
        busy(None),
        busy(1.0, retryable=False),
        busy(RETRY_SECONDS + 0.1),
        EngineTimeout("llm", "late"),
        EngineDenied("llm", "no key"),
        EngineBlocked("llm", "unsafe", retry_after=0.0),
    ],
)
def test_what_does_not_pass_or_not_in_time_fails_at_once(error: EngineError) -> None:
    engine = llm("gemini", failing_once(error), "Too late.")

    async def story() -> None:
        with pytest.raises(type(error)) as caught:
            await answer(LlmChain([engine]))
        assert caught.value is error

    assert timed(story())[1] == pytest.approx(0.0, abs=0.01)
    assert len(engine.prompts) == 1


def test_it_is_asked_once_more_and_not_again() -> None:
    engine = llm("gemini", ScriptedAnswer("", error=busy(0.5)))
    chain = LlmChain([engine])
    with pytest.raises(EngineQuota):
        virtual(answer(chain))
    assert len(engine.prompts) == 2
    assert chain.members[0].breaker.failures == 1, "one turn, one failure"


def test_time_that_the_first_try_took_counts() -> None:
    engine = llm("gemini", failing_once(busy(3.0), took=2.0), "Too late.")
    with pytest.raises(EngineQuota):
        virtual(answer(LlmChain([engine])))
    assert len(engine.prompts) == 1


def test_a_failure_in_the_middle_is_not_asked_again() -> None:
    engine = llm("gemini", ScriptedAnswer("Hello", error=busy(0.0)))
    with pytest.raises(EngineQuota):
        virtual(answer(LlmChain([engine])))
    assert len(engine.prompts) == 1


def test_where_another_one_stands_by_only_a_short_wait_is_waited_for() -> None:
    for wait, expected in ((1.0, "Again."), (SHORT_SECONDS + 0.1, "I am small.")):
        chain = LlmChain([llm("gemini", failing_once(busy(wait)), "Again."), llm("local", "I am small.")])
        items, took = timed(answer(chain))
        assert text(items) == expected
        assert took == pytest.approx(wait if expected == "Again." else 0.0, abs=0.01)
        assert bool(fallbacks(items)) is (expected != "Again.")


def test_two_tries_have_no_more_time_than_one_where_another_one_stands_by() -> None:
    late = ScriptedAnswer("Late.", first_token=FIRST_SECONDS)
    chain = LlmChain([llm("gemini", failing_once(busy(1.0)), late), llm("local", "Hello.")])
    items, took = timed(answer(chain))
    assert text(items) == "Hello."
    assert took == pytest.approx(FIRST_SECONDS, abs=0.01)


def test_the_last_one_of_a_chain_is_asked_once_more() -> None:
    local = llm("local", failing_once(EngineEmpty("llm", "nothing")), "Hello.")
    chain = LlmChain([llm("gemini", ScriptedAnswer("", error=BROKEN)), local])
    items = virtual(answer(chain))
    assert text(items) == "Hello."
    assert [engine for _, engine in fallbacks(items)] == ["local"]


def test_a_wait_that_is_given_up_leaves_no_verdict() -> None:
    chain = LlmChain([llm("gemini", failing_once(busy(4.0)), "Late.")])

    async def story() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await answer(chain)

    virtual(story())
    assert chain.members[0].breaker.failures == 0


# ---------------------------------------------------------------- longer waits


@pytest.mark.parametrize(("told", "cools"), [(60.0, 60.0), (2.0, 2.0), (86_400.0, LONGEST_SECONDS)])
def test_a_longer_wait_is_the_breakers(told: float, cools: float) -> None:
    """It is not asked before it is due, and is then."""
    engine = llm("gemini", failing_once(busy(told)), "I am back.")
    chain = LlmChain([engine, llm("local", "Hello.")])

    async def story() -> None:
        assert text(await answer(chain)) == "Hello."
        await asyncio.sleep(cools - 0.1)
        assert text(await answer(chain)) == "Hello."
        assert len(engine.prompts) == 1
        await asyncio.sleep(0.2)
        assert text(await answer(chain)) == "I am back."

    virtual(story())


# ---------------------------------------------------------------- recognisers and voices


def test_a_recogniser_hears_it_all_once_more() -> None:
    error = EngineUnreachable("stt", "503", retry_after=1.0)
    server = stt("server", Hearing("", error=error), Hearing("hello there"))
    words, took = timed(heard(SttChain([server])))
    assert (words.text, words.fallback) == ("hello there", None)
    assert took == pytest.approx(1.0, abs=0.01)


def test_what_is_said_while_a_recogniser_is_waited_for_is_heard_too() -> None:
    server = Listener("server", final=EngineError("stt", "503", retry_after=1.0))

    async def story() -> None:
        stream = SttChain([server]).open(SttOptions())
        stream.feed(SOUND)
        async with asyncio.TaskGroup() as tasks:
            final = tasks.create_task(stream.final(), name="final")
            await asyncio.sleep(0.5)
            stream.feed(SOUND)
            server.trouble["final"] = None
        assert final.result().text == f"final of server: {2 * len(SOUND)}"
        await stream.close()
        assert all(each.is_closed for each in server.streams)

    virtual(story())


def test_every_final_of_an_utterance_may_be_asked_for_once_more() -> None:
    server = Listener("server", final=EngineError("stt", "503", retry_after=0.5))

    async def story() -> None:
        stream = SttChain([server]).open(SttOptions())
        stream.feed(SOUND)
        for finals in (2, 4):
            with pytest.raises(EngineError, match="503"):
                await stream.final()
            assert server.finals == finals
        await stream.close()

    virtual(story())


class Sulking(Speaker):
    """Fails with this before its first sound, so many times."""

    def __init__(self, error: EngineError, times: int = 1) -> None:
        super().__init__("google")
        self._error, self.left = error, times

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async for clause in clauses:
            if self.left:
                self.left -= 1
                raise self._error
            self.spoken.append(clause.text)
            yield Speech(clause.index, tone(0.5), RATE_HZ)


def test_a_voice_says_it_all_once_more() -> None:
    voice = Sulking(EngineQuota("tts", "too much", retry_after=1.0))
    items, took = timed(say(TtsChain([voice]), "One.", "Two."))
    assert voice.spoken == ["One.", "Two."]
    assert sorted(set(indexes(items))) == [0, 2]
    assert took == pytest.approx(1.0, abs=0.01)


def test_a_voice_that_fails_twice_is_replaced() -> None:
    voice, second = Sulking(EngineQuota("tts", "too much", retry_after=1.0), 2), Speaker("piper")
    items = virtual(say(TtsChain([voice, second]), "One."))
    assert second.spoken == ["One."]
    assert fallbacks(items) == [("too much", "piper")]
