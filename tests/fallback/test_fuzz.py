"""A thousand calls with troubles drawn at random: no turn is lost while one engine works."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

import pytest

from tests.session.harness import virtual
from voice_grpc.core.errors import (
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.scripted import HANG, Hearing, ScriptedAnswer, Voicing
from voice_grpc.fallback import LlmChain, SttChain, TtsChain
from voice_grpc.ports import Clause, Speech, SttOptions, TtsItem, VoiceChoice

from .scripted_members import SOUND, Listener, Speaker, answer, fallbacks, indexes, llm, say, stt, text

CALLS = 1_000
AT_ONCE = 8

TROUBLES = (
    EngineUnreachable("x", "nobody answers"),
    EngineTimeout("x", "late"),
    EngineEmpty("x", "nothing"),
    EngineQuota("x", "too much"),
    EngineDenied("x", "wrong key", advice="replace it"),
    EngineMissing("x", "no such model"),
    EngineError("x", "503"),
    EngineError("x", "400", retryable=False),
)


def drawn(chance: random.Random) -> EngineError | None:
    """A vendor has good hours, and bad ones."""
    return chance.choice(TROUBLES) if chance.random() < 0.6 else None


def run(call: Callable[[int], Awaitable[None]], chance: random.Random) -> None:
    """Some at once, and pauses between, so that circuits open, are probed and close."""

    async def story() -> None:
        for start in range(0, CALLS, AT_ONCE):
            async with asyncio.TaskGroup() as tasks:
                for number in range(start, start + AT_ONCE):
                    tasks.create_task(_call(number), name=f"call-{number}")
            await asyncio.sleep(chance.choice([0.0, 1.0, 15.0, 400.0]))
        assert len(asyncio.all_tasks()) == 1

    async def _call(number: int) -> None:
        await call(number)

    virtual(story())


@pytest.mark.parametrize("seed", range(3))
def test_words(seed: int) -> None:
    chance = random.Random(seed)

    def flaky(name: str) -> list[ScriptedAnswer]:
        answers = []
        for _ in range(CALLS + AT_ONCE):
            error, hangs = drawn(chance), chance.random() < 0.1
            delay = HANG if hangs else chance.random()
            answers.append(ScriptedAnswer("" if error else f"I am {name}.", delay, error=error))
        return answers

    a, b = llm("a", *flaky("a")), llm("b", *flaky("b"))
    chain = LlmChain([a, b, llm("c", "I am c.")])
    who: list[str] = []

    async def call(number: int) -> None:
        items = await answer(chain)
        who.append(text(items))
        assert len(fallbacks(items)) <= 1

    run(call, chance)
    assert len(who) == CALLS
    assert set(who) == {"I am a.", "I am b.", "I am c."}
    assert (a.open, b.open) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_transcripts(seed: int) -> None:
    chance = random.Random(seed)
    listeners = [Listener("a"), Listener("b")]
    slow = stt(
        "slow", *[Hearing("of slow: 3200", HANG if chance.random() < 0.2 else 0.3) for _ in range(500)]
    )
    chain = SttChain([*listeners, slow, Listener("d")])
    who: list[str] = []

    async def call(number: int) -> None:
        for listener in listeners:
            listener.trouble = {"interim": drawn(chance), "final": drawn(chance)}
        stream = chain.open(SttOptions())
        for _ in range(2):
            stream.feed(SOUND)
            await stream.interim()
            await asyncio.sleep(chance.random())
        words = await stream.final()
        assert words.text.endswith("3200")
        who.append(words.text)
        await stream.close()

    run(call, chance)
    assert len(who) == CALLS
    assert set(who) == {"final of a: 3200", "final of b: 3200", "of slow: 3200", "final of d: 3200"}
    assert all(stream.is_closed for listener in listeners for stream in listener.streams)


class Moody(Speaker):
    """Does otherwise each time: fails or hangs before some clause, or says nothing at all."""

    def __init__(self, name: str, chance: random.Random) -> None:
        super().__init__(name)
        self._chance = chance

    def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        at = self._chance.choice([None, 0, 1, 2])
        hangs = self._chance.random() < 0.1
        is_silent = self._chance.random() < 0.1
        self.voicing = Voicing(0.1, None if hangs else at, 0 if hangs else None, is_silent)
        return Speaker(self.name, voicing=self.voicing).speak(clauses, voice)


@pytest.mark.parametrize("seed", range(3))
def test_voices(seed: int) -> None:
    chance = random.Random(seed)
    chain = TtsChain([Moody("a", chance), Moody("b", chance), Speaker("c")])
    took_over: set[str] = set()

    async def call(number: int) -> None:
        items: list[TtsItem] = await say(chain, "One.", "Two.", "Three.")
        assert indexes(items) == [0, 2, 4]
        took_over.update(engine for _, engine in fallbacks(items))

    run(call, chance)
    assert took_over >= {"b", "c"}
