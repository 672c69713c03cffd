"""espeak-ng for real: its languages, its marks, its processes."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from voice_grpc.core.audio import rms, seconds
from voice_grpc.core.errors import EngineError, EngineMissing
from voice_grpc.engines.espeak import PIECE_SECONDS, EspeakTts, is_installed
from voice_grpc.ports import Clause, Speech, VoiceChoice

pytestmark = pytest.mark.skipif(not is_installed(), reason="espeak-ng is not installed")


@pytest.fixture
async def tts() -> AsyncIterator[EspeakTts]:
    engine = EspeakTts()
    await engine.warm()
    yield engine
    await engine.close()


async def given(*clauses: Clause | str) -> AsyncIterator[Clause]:
    for index, clause in enumerate(clauses):
        yield Clause(index, clause) if isinstance(clause, str) else clause


async def said(tts: EspeakTts, *clauses: Clause | str, voice: VoiceChoice | None = None) -> list[Speech]:
    async with aclosing(tts.speak(given(*clauses), voice or VoiceChoice())) as sounds:
        return [sound async for sound in sounds]


def long(sounds: list[Speech]) -> float:
    return sum(seconds(len(sound.samples), sound.rate_hz) for sound in sounds)


async def test_it_speaks_many_languages(tts: EspeakTts) -> None:
    voices = {voice.id: voice for voice in await tts.voices()}
    assert len({voice.language.split("-")[0] for voice in voices.values()}) > 90
    assert voices["espeak-en-us"].language == "en-US"
    assert all(voice.renders_ssml for voice in voices.values())
    for language in ("en", "es-ES", "de", "fr-FR", "cmn", "ru"):
        (sound,) = await said(tts, "1 2 3", voice=VoiceChoice(language=language))
        assert rms(sound.samples) > 0.03


async def test_each_clause_in_its_order_and_silence_for_nothing(tts: EspeakTts) -> None:
    sounds = await said(tts, "One.", "", "Three.")
    assert [sound.clause_index for sound in sounds] == [0, 2]


async def test_many_digits_are_said_piece_by_piece(tts: EspeakTts) -> None:
    """A minute of sound in one clause: what it begins with does not wait for what it ends with."""
    sounds = await said(tts, Clause(3, ",".join(["777"] * 40)))
    assert len(sounds) > 3
    assert {sound.clause_index for sound in sounds} == {3}
    assert max(seconds(len(sound.samples), sound.rate_hz) for sound in sounds) < 2 * PIECE_SECONDS


async def test_languages_sound_different_and_the_language_wins_over_the_voice(tts: EspeakTts) -> None:
    text = "Die Katze schläft."
    english, german, switched = [
        (await said(tts, text, voice=choice))[0].samples.tobytes()
        for choice in (
            VoiceChoice(language="en"),
            VoiceChoice(language="de"),
            VoiceChoice("espeak-en-us", "de"),
        )
    ]
    assert english != german == switched


async def test_the_rate_is_honoured(tts: EspeakTts) -> None:
    text = "This sentence is said at three different speeds."
    slow, normal, fast = [
        long(await said(tts, text, voice=VoiceChoice(rate=rate))) for rate in (0.5, 1.0, 2.0)
    ]
    assert slow > 1.5 * normal > 1.5 * 1.3 * fast


async def test_marks_are_rendered(tts: EspeakTts) -> None:
    plain = Clause(0, "One. Two.")
    marked = Clause(0, "One. Two.", '<speak>One. <break time="2s"/> Two.</speak>')
    assert long(await said(tts, marked)) > long(await said(tts, plain)) + 1.2


@pytest.mark.parametrize("text", ["-v de", "--help", "; rm -rf x", "$(id)", "<speak>", "a\0b"])
async def test_a_text_is_never_a_command(text: str, tts: EspeakTts) -> None:
    (sound,) = await said(tts, f"{text} hello")
    assert rms(sound.samples) > 0.03


@pytest.mark.parametrize("choice", [VoiceChoice("nobody"), VoiceChoice(language="tlh")])
async def test_what_it_cannot_say_is_told(choice: VoiceChoice, tts: EspeakTts) -> None:
    if choice.language and any(v.language == choice.language for v in await tts.voices()):
        choice = VoiceChoice(language="xx")
    with pytest.raises(EngineError, match="no voice"):
        await said(tts, "Hello.", voice=choice)


async def test_without_the_program_it_is_told_what_to_install() -> None:
    with pytest.raises(EngineMissing, match="apt install espeak-ng"):
        await EspeakTts("espeak-that-is-not-there").warm()


async def test_cancelling_kills_the_process(tts: EspeakTts, tmp_path: Path) -> None:
    slow, told = tmp_path / "slow", tmp_path / "pid"
    slow.write_text(f"#!/bin/sh\necho $$ > {told}.new && mv {told}.new {told}\nexec sleep 60\n")
    slow.chmod(0o755)
    engine = EspeakTts(str(slow))
    engine._voices = tts._voices  # noqa: SLF001
    async with asyncio.TaskGroup() as tasks:
        saying = tasks.create_task(said(engine, "Hello."))
        while not told.exists():  # noqa: ASYNC110, ASYNC240 - the process tells nobody else
            await asyncio.sleep(0.01)
        saying.cancel()
    with pytest.raises(ProcessLookupError):
        os.kill(int(told.read_text()), 0)  # noqa: ASYNC240


async def test_ten_at_once(tts: EspeakTts) -> None:
    async with asyncio.TaskGroup() as tasks:
        saying = [tasks.create_task(said(tts, "Hello there.", "How are you?")) for _ in range(10)]
    assert all([sound.clause_index for sound in task.result()] == [0, 1] for task in saying)
