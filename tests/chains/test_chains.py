"""Chains of scripted engines: who fails before its first output is replaced in the same turn, and said."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest

from tests.session.harness import virtual
from voice_grpc.chains import LlmChain, SttChain, TtsChain
from voice_grpc.core.breaker import COOLING_SECONDS, FAILURES
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.scripted import (
    Answer,
    Hearing,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    Voicing,
)
from voice_grpc.ports import (
    Clause,
    Fallback,
    LlmItem,
    Prompt,
    Speech,
    SttOptions,
    TextDelta,
    Transcription,
    TtsItem,
    Voice,
    VoiceChoice,
)

PROMPT = Prompt("", (Message(Role.USER, "hi", 1),))
BROKEN = EngineUnreachable("llm", "nobody answers")
SOUND = np.full(1600, 1000, np.int16)


def llm(name: str, *answers: Answer | str) -> ScriptedLlm:
    made = ScriptedLlm([Answer(a) if isinstance(a, str) else a for a in answers])
    made.name = name
    return made


async def answer(chain: LlmChain) -> list[LlmItem]:
    async with aclosing(chain.stream(PROMPT)) as items:
        return [item async for item in items]


def text(items: Sequence[LlmItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def fallbacks(items: Sequence[object]) -> list[tuple[str, str]]:
    return [(str(item.error), item.engine) for item in items if isinstance(item, Fallback)]


# ---------------------------------------------------------------- language models


@pytest.mark.parametrize(
    "error", [BROKEN, EngineTimeout("llm", "late"), EngineEmpty("llm", "nothing"), EngineError("llm", "503")]
)
def test_the_next_one_answers_in_the_same_turn(error: EngineError) -> None:
    chain = LlmChain([llm("gemini", Answer("", error=error)), llm("local", "Hello there.")])
    items = virtual(answer(chain))
    assert text(items) == "Hello there."
    assert isinstance(items[0], Fallback)
    assert fallbacks(items) == [(str(error), "local")]


def test_one_that_gives_nothing_has_failed() -> None:
    chain = LlmChain([llm("gemini", ""), llm("local", "Hello.")])
    assert fallbacks(virtual(answer(chain))) == [("gemini gave no words", "local")]


def test_a_failure_in_the_middle_is_the_turns() -> None:
    chain = LlmChain([llm("gemini", Answer("Hello", error=BROKEN)), llm("local", "Well.")])
    with pytest.raises(EngineUnreachable):
        virtual(answer(chain))


def test_what_safety_blocked_is_not_asked_of_the_next_one() -> None:
    blocked = EngineBlocked("llm", "blocked")
    chain = LlmChain([llm("gemini", Answer("", error=blocked)), llm("local", "Well.")])
    for _ in range(FAILURES + 1):
        with pytest.raises(EngineBlocked):
            virtual(answer(chain))
    assert chain.links[0].is_ready


def test_when_all_fail_the_last_one_says_why() -> None:
    chain = LlmChain(
        [llm("a", Answer("", error=BROKEN)), llm("b", Answer("", error=EngineError("llm", "worse")))]
    )
    with pytest.raises(EngineError, match="worse"):
        virtual(answer(chain))


async def _many(chain: LlmChain, count: int) -> list[list[LlmItem]]:
    return [await answer(chain) for _ in range(count)]


def test_one_that_keeps_failing_is_left_out_and_comes_back() -> None:
    broken = Answer("", error=BROKEN)
    gemini = llm("gemini", *[broken] * FAILURES, "I am back.")
    chain = LlmChain([gemini, llm("local", "Hello.")])

    async def story() -> None:
        await _many(chain, FAILURES)
        assert len(gemini.prompts) == FAILURES
        (items,) = await _many(chain, 1)
        assert len(gemini.prompts) == FAILURES
        ((why, engine),) = fallbacks(items)
        assert (engine, why) == ("local", "gemini is left out for 10 s more: nobody answers")
        assert chain.name == "local"
        await asyncio.sleep(COOLING_SECONDS)
        (items,) = await _many(chain, 1)
        assert text(items) == "I am back."
        assert not fallbacks(items)
        assert chain.name == "gemini"

    virtual(story())


def test_a_wrong_key_is_not_tried_again_and_again() -> None:
    denied = EngineDenied("llm", "wrong key", advice="check GEMINI_API_KEY")
    gemini = llm("gemini", Answer("", error=denied))
    virtual(_many(LlmChain([gemini, llm("local", "Hello.")]), 5))
    assert len(gemini.prompts) == 1


def test_with_nobody_else_it_is_asked_all_the_same() -> None:
    gemini = llm("gemini", *[Answer("", error=BROKEN)] * 5, "Hello.")
    chain = LlmChain([gemini])

    async def story() -> str:
        for _ in range(5):
            with pytest.raises(EngineUnreachable):
                await answer(chain)
        return text(await answer(chain))

    assert virtual(story()) == "Hello."


def test_a_chain_that_is_left_stops_its_engine() -> None:
    slow = llm("slow", Answer("one two three four", a_token=1.0))

    async def story() -> None:
        async with aclosing(LlmChain([slow, llm("local", "Hello.")]).stream(PROMPT)) as items:
            async for _ in items:
                break
        assert slow.open == 0

    virtual(story())


def test_the_operator_is_told_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    denied = EngineDenied("llm", "wrong key", advice="check GEMINI_API_KEY")
    virtual(answer(LlmChain([llm("gemini", Answer("", error=denied)), llm("local", "Hello.")])))
    (record,) = caplog.records
    assert record.getMessage() == "llm: gemini: wrong key (check GEMINI_API_KEY); left out for 10 s"


def test_a_turn_is_never_lost_while_one_engine_works() -> None:
    """A thousand calls; the first two fail at random, in every way; the third always works."""
    chance = random.Random(7)
    troubles = [BROKEN, EngineTimeout("llm", "late"), EngineEmpty("llm", "none"), None, None]

    def flaky(name: str) -> ScriptedLlm:
        drawn = [chance.choice(troubles) for _ in range(1_000)]
        return llm(name, *[Answer("", error=error) if error else Answer(f"I am {name}.") for error in drawn])

    chain = LlmChain([flaky("a"), flaky("b"), llm("c", "I am c.")])

    async def story() -> list[str]:
        answers = []
        for _ in range(1_000):
            answers.append(text(await answer(chain)))
            await asyncio.sleep(3.0)
        return answers

    answers = virtual(story())
    assert len(answers) == 1_000
    assert set(answers) == {"I am a.", "I am b.", "I am c."}


# ---------------------------------------------------------------- recognisers


def stt(name: str, *hearings: Hearing, languages: frozenset[str] = ScriptedStt.languages) -> ScriptedStt:
    made = ScriptedStt(hearings)
    made.name, made.languages = name, languages
    return made


async def hear(chain: SttChain, options: SttOptions | None = None) -> Transcription:
    stream = chain.open(options or SttOptions())
    stream.feed(SOUND)
    stream.feed(SOUND)
    try:
        return await stream.final()
    finally:
        await stream.close()


def test_the_next_recogniser_hears_the_whole_utterance() -> None:
    chain = SttChain([stt("server", Hearing("", error=BROKEN)), stt("local", Hearing("hello"))])
    heard = virtual(hear(chain))
    assert heard.text == "hello"
    assert heard.fallback is not None
    assert (heard.fallback.engine, str(heard.fallback.error)) == ("local", "nobody answers")


def test_a_language_goes_to_who_knows_it() -> None:
    english = stt("tiny", Hearing("hello"), languages=frozenset({"en"}))
    chain = SttChain([english, stt("base", Hearing("hola", language="es"))])
    assert virtual(hear(chain, SttOptions(("es-ES",)))).text == "hola"
    assert virtual(hear(chain, SttOptions(("en",)))).text == "hello"
    assert chain.languages == ScriptedStt.languages


def test_when_no_recogniser_works_the_last_one_says_why() -> None:
    chain = SttChain(
        [stt("a", Hearing("", error=BROKEN)), stt("b", Hearing("", error=EngineError("stt", "worse")))]
    )
    with pytest.raises(EngineError, match="worse"):
        virtual(hear(chain))


# ---------------------------------------------------------------- voices


class Speaker(ScriptedTts):
    """Speaks these languages."""

    def __init__(self, name: str, *languages: str, voicing: Voicing | None = None) -> None:
        super().__init__(voicing)
        self.name = name
        self._languages = languages

    async def voices(self) -> Sequence[Voice]:
        return [Voice(f"{self.name}-{tag}", tag, self.name) for tag in self._languages]


async def clauses(*texts: str) -> AsyncIterator[Clause]:
    for index, said in enumerate(texts):
        yield Clause(index, said)


async def say(chain: TtsChain, *texts: str, voice: VoiceChoice | None = None) -> list[TtsItem]:
    async with aclosing(chain.speak(clauses(*texts), voice or VoiceChoice())) as items:
        return [item async for item in items]


def indexes(items: Sequence[TtsItem]) -> list[int]:
    return [item.clause_index for item in items if isinstance(item, Speech)]


@pytest.mark.parametrize("voicing", [Voicing(error_at=0), Voicing(is_silent=True)])
def test_the_next_voice_says_every_clause(voicing: Voicing) -> None:
    first, second = Speaker("google", "en-US", voicing=voicing), Speaker("piper", "en-US")
    items = virtual(say(TtsChain([first, second]), "One.", "Two.", "Three."))
    assert indexes(items) == [0, 1, 2]
    assert second.spoken == ["One.", "Two.", "Three."]
    assert [engine for _, engine in fallbacks(items)] == ["piper"]


def test_a_voice_that_breaks_in_the_middle_is_the_turns() -> None:
    chain = TtsChain([Speaker("google", "en-US", voicing=Voicing(error_at=1)), Speaker("piper", "en-US")])
    with pytest.raises(EngineError, match="the voice broke"):
        virtual(say(chain, "One.", "Two."))


def test_nothing_to_say_is_no_failure() -> None:
    chain = TtsChain([Speaker("google", "en-US"), Speaker("piper", "en-US")])
    assert virtual(say(chain)) == []


@pytest.mark.parametrize(
    ("choice", "who"),
    [
        (VoiceChoice(), "piper"),
        (VoiceChoice(language="en-GB"), "piper"),
        (VoiceChoice(language="es"), "espeak"),
        (VoiceChoice(id="espeak-en", language="en"), "espeak"),
        (VoiceChoice(id="piper-en-US", language="es"), "espeak"),
        (VoiceChoice(language="fi"), "piper"),
    ],
)
def test_a_language_goes_to_who_speaks_it(choice: VoiceChoice, who: str) -> None:
    speakers = {"piper": Speaker("piper", "en-US"), "espeak": Speaker("espeak", "en", "es")}
    items = virtual(say(TtsChain(list(speakers.values())), "Hola.", voice=choice))
    assert not fallbacks(items)
    assert [name for name, speaker in speakers.items() if speaker.spoken] == [who]


def test_a_voice_that_only_another_engine_knows_is_replaced_by_one_of_its_language() -> None:
    broken = Speaker("google", "es-ES", voicing=Voicing(error_at=0))
    piper = Speaker("piper", "en-US", "es-MX")
    virtual(say(TtsChain([broken, piper]), "Hola.", voice=VoiceChoice(id="google-es-ES")))
    assert piper.choices == [replace(VoiceChoice(), language="es-ES")]
