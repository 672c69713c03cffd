"""Voices in a chain: who takes over says what has not sounded, and who speaks the language comes first."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import numpy as np
import pytest

from tests.session.harness import virtual
from voice_grpc.core.errors import EngineError, EngineTimeout, EngineUnreachable
from voice_grpc.engines.scripted import SECONDS_A_CHARACTER, Voicing
from voice_grpc.fallback import TtsChain
from voice_grpc.fallback.chain import FIRST_SECONDS
from voice_grpc.fallback.circuit_breaker import COOLING_SECONDS, FAILURES
from voice_grpc.ports import Clause, Fallback, Speech, Voice, VoiceChoice

from .scripted_members import BROKEN, Reader, Speaker, Stutterer, fallbacks, hanging, indexes, say

SOUND = np.ones(1600, np.int16)
LONG = "This is a clause of some length."
WHOLE = len(LONG) * SECONDS_A_CHARACTER


@pytest.mark.parametrize("voicing", [Voicing(error_at=0), Voicing(is_silent=True)])
def test_the_next_voice_says_every_clause(voicing: Voicing) -> None:
    first, second = Speaker("google", voicing=voicing), Speaker("piper")
    items = virtual(say(TtsChain([first, second]), "One.", "Two.", "Three."))
    assert indexes(items) == [0, 2, 4]
    assert second.spoken == ["One.", "Two.", "Three."]
    assert [engine for _, engine in fallbacks(items)] == ["piper"]
    assert isinstance(items[0], Fallback)


def test_one_that_hangs_is_not_waited_for() -> None:
    """The limit begins with its first clause: before that it is the model that is waited for."""
    chain = TtsChain([hanging("google"), Speaker("piper")])

    async def late() -> AsyncIterator[Clause]:
        await asyncio.sleep(5)
        yield Clause(0, "One.")

    async def story() -> None:
        async with aclosing(chain.speak(late(), VoiceChoice())) as sounds:
            items = [item async for item in sounds]
        assert fallbacks(items) == [("google gave nothing within 3 s", "piper")]
        assert isinstance(items[0], Fallback)
        assert isinstance(items[0].error, EngineTimeout)
        assert asyncio.get_running_loop().time() == pytest.approx(5 + FIRST_SECONDS, abs=0.01)

    virtual(story())


def test_a_slow_model_is_nobodys_failure() -> None:
    chain = TtsChain([Speaker("google"), Speaker("piper")])

    async def slow() -> AsyncIterator[Clause]:
        for place in range(3):
            await asyncio.sleep(2 * FIRST_SECONDS)
            yield Clause(place, "One.")

    async def story() -> None:
        async with aclosing(chain.speak(slow(), VoiceChoice())) as sounds:
            assert indexes([item async for item in sounds]) == [0, 1, 2]

    virtual(story())


# ---------------------------------------------------------------- in mid-answer


def test_between_two_clauses_the_next_one_goes_on() -> None:
    second = Speaker("piper")
    chain = TtsChain([Speaker("google", voicing=Voicing(error_at=1)), second])
    items = virtual(say(chain, "One.", "Two.", "Three."))
    assert indexes(items) == [0, 2, 4]
    assert second.spoken == ["Two.", "Three."]
    assert fallbacks(items) == [("the voice broke", "piper")]
    assert isinstance(items[1], Fallback)


def test_the_one_that_goes_on_sees_an_answer_that_begins_with_0() -> None:
    class Strict(Speaker):
        async def speak(
            self, clauses: AsyncIterator[Clause], voice: VoiceChoice
        ) -> AsyncGenerator[Speech, None]:
            count = 0
            async for clause in clauses:
                assert clause.index == count
                count += 1
                yield Speech(clause.index, SOUND, 16_000)

    chain = TtsChain([Speaker("google", voicing=Voicing(error_at=1)), Strict("piper")])
    assert indexes(virtual(say(chain, "One.", "Two.", "Three."))) == [0, 2, 4]


def test_in_the_middle_of_a_clause_it_is_the_turns() -> None:
    second = Speaker("piper")
    with pytest.raises(EngineError, match="broke in the middle"):
        virtual(say(TtsChain([Stutterer("google"), second]), LONG, LONG))
    assert not second.spoken


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(0, WHOLE), (1, WHOLE), BROKEN], [LONG]),
        ([(0, WHOLE / 2), (0, WHOLE / 2), BROKEN], [LONG, LONG]),
        ([(0, WHOLE), (1, WHOLE), (2, WHOLE), BROKEN], []),
        ([BROKEN], [LONG, LONG, LONG]),
        ([(0, WHOLE), (1, WHOLE / 3), BROKEN], None),
    ],
)
def test_one_that_reads_ahead_is_judged_by_how_long_it_spoke(
    told: Sequence[tuple[int, float] | EngineError], expected: list[str] | None
) -> None:
    second = Speaker("piper")
    chain = TtsChain([Reader("google", *told), second])
    if expected is None:
        with pytest.raises(EngineUnreachable):
            virtual(say(chain, LONG, LONG, LONG))
        return
    items = virtual(say(chain, LONG, LONG, LONG))
    assert second.spoken == expected
    assert sorted(set(indexes(items))) == [0, 2, 4]


def test_a_fast_voice_is_not_taken_for_a_broken_one() -> None:
    second = Speaker("piper")
    chain = TtsChain([Reader("google", (0, WHOLE / 2), BROKEN), second])
    items = virtual(say(chain, LONG, LONG, voice=VoiceChoice(rate=2.0)))
    assert second.spoken == [LONG]
    assert indexes(items) == [0, 2]


def test_one_that_stops_before_the_end_has_failed() -> None:
    class Lazy(Speaker):
        async def speak(
            self, clauses: AsyncIterator[Clause], voice: VoiceChoice
        ) -> AsyncGenerator[Speech, None]:
            async for clause in clauses:
                yield Speech(clause.index, SOUND, 16_000)
                if clause.index:
                    break
            await anext(clauses)

    second = Speaker("piper")
    items = virtual(say(TtsChain([Lazy("google"), second]), "One.", "Two.", "Three.", "Four."))
    assert second.spoken == ["Three.", "Four."]
    assert fallbacks(items) == [("google stopped before the end", "piper")]


def test_each_voice_of_a_chain_may_break() -> None:
    voices = [Speaker(name, voicing=Voicing(error_at=1)) for name in "abc"]
    items = virtual(say(TtsChain([*voices, Speaker("d")]), "One.", "Two.", "Three.", "Four.", "Five."))
    assert indexes(items) == [0, 2, 4, 6, 8]
    assert [engine for _, engine in fallbacks(items)] == ["b", "c", "d"]


def test_when_all_voices_fail_the_last_one_says_why() -> None:
    chain = TtsChain([Reader("a", BROKEN), Reader("b", EngineError("tts", "worse"))])
    with pytest.raises(EngineError, match="worse"):
        virtual(say(chain, "One."))


# ---------------------------------------------------------------- what is nobody's failure


@pytest.mark.parametrize("texts", [(), ("…",), ("—", "!")])
def test_nothing_to_say_is_no_failure(texts: Sequence[str]) -> None:
    class Careful(Speaker):
        async def speak(
            self, clauses: AsyncIterator[Clause], voice: VoiceChoice
        ) -> AsyncGenerator[Speech, None]:
            async for clause in clauses:
                if any(map(str.isalnum, clause.text)):
                    yield Speech(clause.index, SOUND, 16_000)

    chain = TtsChain([Careful("google"), Speaker("piper")])
    assert virtual(say(chain, *texts)) == []
    assert chain.members[0].breaker.failures == 0


def test_where_clauses_come_from_may_fail_and_no_voice_is_to_blame() -> None:
    async def broken() -> AsyncIterator[Clause]:
        yield Clause(0, "One.")
        raise EngineError("llm", "the model broke")

    second = Speaker("piper")
    for first in (Speaker("google"), Reader("google", (0, 1.0))):
        chain = TtsChain([first, second])

        async def story(chain: TtsChain = chain) -> None:
            async with aclosing(chain.speak(broken(), VoiceChoice())) as sounds:
                with pytest.raises(EngineError, match="the model broke"):
                    async for _ in sounds:
                        pass

        virtual(story())
        assert chain.members[0].breaker.failures == 0
    assert not second.spoken


def test_clauses_are_taken_one_at_a_time() -> None:
    """A model that is ahead waits where it always waited: what the chain took nobody sees as waiting."""
    taken = 0

    async def source() -> AsyncIterator[Clause]:
        nonlocal taken
        for place in range(5):
            taken += 1
            yield Clause(place, "One.")

    async def story() -> None:
        async with aclosing(TtsChain([Speaker("google")]).speak(source(), VoiceChoice())) as sounds:
            await anext(sounds)
            await asyncio.sleep(1)
            assert taken == 1

    virtual(story())


# ---------------------------------------------------------------- cancelling


def test_a_chain_that_is_left_stops_its_engine_and_leaves_no_task() -> None:
    chain = TtsChain([Speaker("google", voicing=Voicing(first_audio=0.3)), Speaker("piper")])

    async def story() -> None:
        for number in range(300):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.001 * number + 0.0001):
                    await say(chain, "One.", "Two.")
            assert len(asyncio.all_tasks()) == 1

    virtual(story())
    assert chain.members[0].breaker.failures == 0


# ---------------------------------------------------------------- who speaks what


@pytest.mark.parametrize(
    ("choice", "who"),
    [
        (VoiceChoice(), "piper"),
        (VoiceChoice(language="en-GB"), "piper"),
        (VoiceChoice(language="es"), "espeak"),
        (VoiceChoice(id="espeak-en", language="en"), "espeak"),
        (VoiceChoice(id="espeak-es"), "espeak"),
        (VoiceChoice(id="piper-en-US", language="es"), "espeak"),
        (VoiceChoice(language="fi"), "piper"),
        (VoiceChoice(id="nobody's"), "piper"),
    ],
)
def test_a_language_goes_to_who_speaks_it(choice: VoiceChoice, who: str) -> None:
    speakers = {"piper": Speaker("piper", "en-US"), "espeak": Speaker("espeak", "en", "es")}
    items = virtual(say(TtsChain(list(speakers.values())), "Hola.", voice=choice))
    assert not fallbacks(items)
    assert [name for name, speaker in speakers.items() if speaker.spoken] == [who]


def test_a_voice_that_only_another_engine_has_is_replaced_by_one_of_its_language() -> None:
    broken = Speaker("google", "es-ES", voicing=Voicing(error_at=0))
    piper = Speaker("piper", "en-US", "es-MX")
    virtual(say(TtsChain([broken, piper]), "Hola.", voice=VoiceChoice(id="google-es-ES", rate=1.2)))
    assert piper.choices == [VoiceChoice("", "es-ES", 1.2)]


def test_there_and_back_again() -> None:
    """A conversation that goes from English to Spanish and back is answered by who speaks each."""
    piper, espeak = Speaker("piper", "en-US"), Speaker("espeak", "en", "es")
    chain = TtsChain([piper, espeak])

    async def story() -> None:
        for language, said in (("en-US", "Hello."), ("es-ES", "Hola."), ("en-US", "Hello again.")):
            await say(chain, said, voice=VoiceChoice(language=language))

    virtual(story())
    assert (piper.spoken, espeak.spoken) == (["Hello.", "Hello again."], ["Hola."])


class Shy(Speaker):
    """Its voices cannot be listed until the vendor is back."""

    is_back = False

    async def voices(self) -> Sequence[Voice]:
        if not self.is_back:
            raise EngineUnreachable("tts", "no list")
        return await super().voices()


def test_voices_are_those_of_all_in_order() -> None:
    chain = TtsChain([Speaker("a", "es", "en"), Shy("b"), Speaker("c", "de")])
    assert [voice.id for voice in virtual(chain.voices())] == ["a-es", "a-en", "c-de"]


def test_whose_voices_are_not_known_is_tried_again_when_it_has_cooled() -> None:
    shy, piper = Shy("google", "en-US", "es"), Speaker("piper")
    chain = TtsChain([shy, piper])

    async def story() -> None:
        chain.members[0].failed(EngineUnreachable("tts", "down at start"), for_good=True)
        await chain.voices()
        assert len(fallbacks(await say(chain, "One."))) == 1
        assert (shy.spoken, piper.spoken) == ([], ["One."])
        await asyncio.sleep(COOLING_SECONDS)
        shy.is_back = True
        await say(chain, "Two.")
        assert shy.spoken == ["Two."]
        await say(chain, "Tres.", voice=VoiceChoice(language="es"))
        assert "google-es" in [voice.id for voice in await chain.voices()]

    virtual(story())


def test_one_that_keeps_failing_is_left_out() -> None:
    google = Reader("google", BROKEN)
    chain = TtsChain([google, Speaker("piper")])

    async def story() -> None:
        for _ in range(FAILURES):
            await say(chain, "One.")
        google.spoken = []
        ((why, engine),) = fallbacks(await say(chain, "One."))
        assert (engine, google.spoken) == ("piper", [])
        assert "google has been left out" in why

    virtual(story())
