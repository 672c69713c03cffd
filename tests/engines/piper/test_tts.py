"""The fears: sound that clips, an answer that starves the others, and work that outlives its answer.

Runs the real voice, once for the module.
"""

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from voice_grpc.core.audio import Samples, rms, seconds
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.piper.tts import PiperTts
from voice_grpc.engines.piper.voice import LevelVoice
from voice_grpc.ports import Clause, Speech, VoiceChoice

if importlib.util.find_spec("piper") is None and os.environ.get("REQUIRE_ALL") != "1":
    pytest.skip("needs the extra `local`", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tts() -> AsyncIterator[PiperTts]:
    engine = PiperTts()
    await engine.warm()
    yield engine
    await engine.close()
    with pytest.raises(EngineError, match="closed"):
        await said(engine, "Hello.")


class Script:
    """Clauses that count how many of them were asked for."""

    def __init__(self, *texts: str) -> None:
        self.asked = 0
        self._texts = texts

    async def clauses(self) -> AsyncIterator[Clause]:
        for index, text in enumerate(self._texts):
            self.asked += 1
            yield Clause(index, text)


async def said(tts: PiperTts, *texts: str, voice: VoiceChoice | None = None) -> list[Speech]:
    choice = voice or VoiceChoice()
    async with aclosing(tts.speak(Script(*texts).clauses(), choice)) as sounds:
        return [sound async for sound in sounds]


def by_clause(sounds: list[Speech]) -> dict[int, Samples]:
    """All the sound of each clause, in the order in which they came."""
    parts: dict[int, list[Samples]] = {}
    for sound in sounds:
        parts.setdefault(sound.clause_index, []).append(sound.samples)
    return {index: np.concatenate(each) for index, each in parts.items()}


def duration(tts: PiperTts, sounds: list[Speech]) -> float:
    return sum(seconds(len(sound.samples), sound.rate_hz) for sound in sounds)


async def test_clauses_come_in_their_order(tts: PiperTts) -> None:
    sounds = await said(tts, "Sure.", "I can help with that.", "What do you need?")
    assert list(by_clause(sounds)) == [0, 1, 2]
    assert 1.0 < duration(tts, sounds) < 6.0


async def test_the_first_sound_of_a_clause_is_not_all_of_it(tts: PiperTts) -> None:
    first, *rest = await said(tts, "The capital of France is Paris.")
    assert 0.15 < duration(tts, [first]) < 0.25
    assert duration(tts, rest) > 1.0


async def test_sound_is_level_and_never_clips(tts: PiperTts) -> None:
    """An "Oh." is as loud as a sentence, within 6 dB either way."""
    sounds = await said(tts, "Sure.", "Stop! Don't shout at me like that, please.", "Oh.")
    for clause in by_clause(sounds).values():
        assert clause.dtype == np.int16
        assert np.max(np.abs(clause.astype(np.int32))) <= 0.9 * 32768
        assert 0.03 < rms(clause) < 0.15


@pytest.mark.parametrize("text", ["", " ", "...", "…", "🙂", "👩‍👩‍👧 🎉", "!?", "—", "[[", "\ud800", "\x00"])
async def test_what_has_no_sound_makes_none(tts: PiperTts, text: str) -> None:
    sounds = await said(tts, text, "Yes.")
    assert list(by_clause(sounds)) == [1]


async def test_nothing_to_say(tts: PiperTts) -> None:
    assert await said(tts) == []


async def test_rate(tts: PiperTts) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    slow, fast = [duration(tts, await said(tts, text, voice=VoiceChoice(rate=rate))) for rate in (0.6, 1.8)]
    assert slow > 2 * fast


async def test_an_unknown_voice_is_refused_with_the_ones_there_are(tts: PiperTts) -> None:
    with pytest.raises(EngineError, match="'alice'; there is: en_US-joe-medium"):
        await said(tts, "Hello.", voice=VoiceChoice(id="alice"))
    assert await said(tts, "Hello.", voice=VoiceChoice(id="en_US-joe-medium"))


async def test_voices(tts: PiperTts) -> None:
    (voice,) = await tts.voices()
    assert (voice.id, voice.language, voice.sample_rate_hz) == ("en_US-joe-medium", "en-US", 22_050)


async def test_it_runs_ahead_only_a_little(tts: PiperTts) -> None:
    script = Script(*(f"This is number {n}." for n in range(10)))
    async for sound in tts.speak(script.clauses(), VoiceChoice()):
        assert script.asked <= sound.clause_index + 3, "two chunks ahead, and one that waits for room"
    assert script.asked == 10


async def test_a_short_answer_does_not_wait_for_a_long_one(tts: PiperTts) -> None:
    order: list[str] = []

    async def speak(name: str, *texts: str) -> None:
        async for _ in tts.speak(Script(*texts).clauses(), VoiceChoice()):
            order.append(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(speak("long", *["This is one of many clauses of a long answer."] * 6))
        group.create_task(speak("short", "Yes."))
    assert order.index("short") <= 3


async def test_a_cancelled_answer_leaves_nothing_behind(tts: PiperTts) -> None:
    before = len(asyncio.all_tasks())
    script = Script(*["This is one of many clauses of a long answer."] * 50)

    async def speak() -> None:
        async for _ in tts.speak(script.clauses(), VoiceChoice()):
            pass

    speaking = asyncio.get_running_loop().create_task(speak())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    speaking.cancel()
    await asyncio.wait([speaking])
    assert speaking.cancelled()
    assert await said(tts, "Yes.")
    assert script.asked <= 3
    assert len(asyncio.all_tasks()) == before


async def test_a_clause_that_nobody_hears_on_ends_with_its_chunk(
    tts: PiperTts, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    say = LevelVoice.say

    def counted(voice: LevelVoice, text: str, rate: float) -> Iterator[Samples]:
        for chunk in say(voice, text, rate):
            made.append(text)
            yield chunk

    monkeypatch.setattr(LevelVoice, "say", counted)
    text = "We went up the hill and then we went down the hill and then we went up again."
    whole = len(await said(tts, text))
    made.clear()
    sounds = tts.speak(Script(text).clauses(), VoiceChoice())
    await anext(sounds)
    await sounds.aclose()
    await said(tts, "Yes.")
    assert made.count(text) <= 2 < whole, "the one that was heard, and the one that was being made"


async def test_an_answer_that_breaks_off_says_why(tts: PiperTts) -> None:
    async def broken() -> AsyncIterator[Clause]:
        yield Clause(0, "Well.")
        raise EngineError("llm", "gone")

    heard: list[Speech] = []

    async def hear() -> None:
        async for sound in tts.speak(broken(), VoiceChoice()):
            heard.append(sound)

    with pytest.raises(EngineError, match="gone"):
        await hear()
    assert duration(tts, heard) > 0.3, "what came before it is heard to its end"


async def test_what_it_fails_at_is_told_without_the_words(
    tts: PiperTts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(voice: LevelVoice, text: str, rate: float) -> Iterator[Samples]:
        yield np.zeros(1, np.int16)
        raise ValueError(f"no phoneme for {text}")

    monkeypatch.setattr(LevelVoice, "say", fails)
    with pytest.raises(EngineError, match=r"cannot say \d+ characters \(ValueError\)") as told:
        await said(tts, "My secret garden.")
    assert "secret" not in str(told.value)


async def test_a_very_long_clause_comes_in_parts(tts: PiperTts) -> None:
    sounds = await said(tts, "We went up the hill, and then we went down the hill again. " * 7)
    assert len(sounds) >= 3
    assert {sound.clause_index for sound in sounds} == {0}


async def test_a_missing_voice_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="gone.onnx"):
        await PiperTts(tmp_path / "gone.onnx").warm()


async def test_a_broken_voice_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"not a model")
    (tmp_path / "bad.onnx.json").write_text("{}")
    with pytest.raises(EngineError, match="cannot load the Piper voice .*bad.onnx"):
        await PiperTts(tmp_path / "bad.onnx").warm()


async def test_closing_ends_an_answer_under_way_and_its_task() -> None:
    """Also while its clauses are waited for; who reads on is told."""
    is_waited_for = asyncio.Event()

    async def endless() -> AsyncIterator[Clause]:
        yield Clause(0, "Well.")
        is_waited_for.set()
        await asyncio.Event().wait()

    before = asyncio.all_tasks()
    tts = PiperTts()
    await tts.warm()
    sounds = tts.speak(endless(), VoiceChoice())
    await anext(sounds)
    await is_waited_for.wait()
    assert len(asyncio.all_tasks() - before) == 1
    await tts.close()
    assert asyncio.all_tasks() == before
    async with asyncio.timeout(60):
        with pytest.raises(EngineError, match="closed"):
            async for _ in sounds:
                pass
