"""What Google Cloud TTS is sent, and what becomes of its sound."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import numpy as np
import pytest

from tests.engines.google_tts.harness import (
    TEXTS,
    UNARY,
    given,
    heard,
    opened,
    say,
    seconds_of,
    spoken_texts,
    true_seconds,
)
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.google_tts_sound import PAUSE
from tests.fakes.latency import Latency, Profile
from tests.fakes.script import Script
from voice_grpc.core.audio import Samples, rms
from voice_grpc.core.errors import EngineError
from voice_grpc.core.text.duration import spoken_seconds
from voice_grpc.engines.google_tts import tts as tts_google
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import Clause, VoiceChoice

SSML = '<speak>One <break time="300ms"/> two</speak>'


# ---------------------------------------------------------------- one stream an answer


async def test_an_answer_is_one_stream() -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        spoken = await say(tts, *TEXTS)
    assert [call.what for call in fake.script.calls] == [
        {"method": "streaming", "voice": tts_google.DEFAULT_VOICE, "texts": [f"{text} " for text in TEXTS]}
    ]
    assert [said.is_stream for said in fake.said] == [True] * 3
    assert {speech.rate_hz for speech in spoken} == {24_000}
    assert (tts.usage.streams, tts.usage.streams_open, tts.usage.requests) == (1, 0, 0)
    assert tts.usage.characters == sum(map(len, TEXTS))
    assert tts.usage.chirp3_last_minute == 1


async def test_the_stream_is_opened_when_there_is_something_to_say() -> None:
    ready = asyncio.Event()
    async with opened(FakeGoogleTts()) as (fake, tts), asyncio.TaskGroup() as tasks:
        await tts.voices()
        saying = tasks.create_task(heard(tts, given(ready, *TEXTS)))
        await asyncio.sleep(0.05)
        assert fake.streams_open == 0
        ready.set()
        assert await saying


async def test_sound_goes_to_the_clause_it_is_of() -> None:
    """The pauses tell the clauses apart where the pace of the voice is not known yet, and once it is."""
    texts = (
        "Sure.",
        "It takes a moment to look it up as there is a lot of it.",
        "Here it is.",
        "Bye now.",
    )
    async with opened(FakeGoogleTts()) as (_, tts):
        for _ in range(2):
            spoken = await say(tts, *texts)
            assert [each.clause_index for each in spoken] == sorted(each.clause_index for each in spoken)
            for index, text in enumerate(texts):
                assert seconds_of(spoken, index) == pytest.approx(true_seconds(text), abs=0.25), index
            whole = sum(len(each.samples) for each in spoken) / 24_000
            assert whole == pytest.approx(sum(map(true_seconds, texts)), abs=0.001), "none is lost"


async def test_a_clause_that_comes_after_a_silence_has_exactly_its_own_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voice_grpc.engines.google_tts.stream.SETTLED_SECONDS", 0.1)
    async with opened(FakeGoogleTts()) as (fake, tts):

        async def slow() -> AsyncIterator[Clause]:
            for index, text in enumerate(TEXTS):
                yield Clause(index, text)
                await asyncio.sleep(0.3)

        spoken = await heard(tts, slow())
        for index, text in enumerate(TEXTS):
            assert seconds_of(spoken, index) == pytest.approx(true_seconds(text), abs=0.001)
        assert len(fake.script.calls) == 1


@pytest.mark.parametrize("choice", [VoiceChoice(), UNARY], ids=["streaming", "unary"])
async def test_the_sound_is_the_service_s(choice: VoiceChoice) -> None:
    async with opened(FakeGoogleTts()) as (_, tts):
        spoken = await say(tts, *TEXTS, choice=choice)
    sound = np.concatenate([each.samples for each in spoken])
    assert len(sound) / 24_000 == pytest.approx(sum(map(true_seconds, TEXTS)), abs=0.001)
    first = sound[2_400:12_000].astype(np.float64)
    peak = np.argmax(np.abs(np.fft.rfft(first))) * 24_000 / len(first)
    assert peak == pytest.approx(440, abs=5), "the tone of the fake"
    assert rms(sound[:24_000]) == pytest.approx(0.25 / np.sqrt(2), rel=0.05)
    assert [each.clause_index for each in spoken] == sorted(each.clause_index for each in spoken)


@pytest.mark.parametrize("choice", [VoiceChoice(rate=1.5), VoiceChoice("en-US-Studio-A", rate=1.5)])
async def test_the_speaking_rate_is_asked_for(choice: VoiceChoice) -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        spoken = await say(tts, TEXTS[1], choice=choice)
        assert [said.rate for said in fake.said] == [1.5]
        assert seconds_of(spoken, 0) == pytest.approx(
            (true_seconds(TEXTS[1]) - PAUSE) / 1.5 + PAUSE, abs=0.01
        )


async def brief(text: str, language: str, rate_hz: int, speaking_rate: float) -> Samples:
    return np.full(1_000, 1_000, np.int16)


async def test_a_long_text_is_given_in_pieces() -> None:
    """5,000 bytes are fewer characters where those are wide; a request that answers only once all of it is
    said has a bound in seconds too."""
    words = "größte Straßen führen über Brücken " * 200
    seconds = spoken_seconds(words, "de")
    for choice, count in (
        (VoiceChoice(language="de-DE"), 2),
        (VoiceChoice("de-DE-Neural2-A"), seconds / tts_google.PIECE_SECONDS),
    ):
        async with opened(FakeGoogleTts(speaker=brief)) as (fake, tts):
            assert await say(tts, words, choice=choice)
            told = [said.text for said in fake.said]
        assert " ".join(told).split() == words.split()
        assert count <= len(told) < count + 3


# ---------------------------------------------------------------- a model that stalls


async def test_a_stream_is_never_left_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service aborts after 5 s without text (here 0.5): it is half-closed before."""
    monkeypatch.setattr(tts_google, "IDLE_SECONDS", 0.5)
    go_on = asyncio.Event()
    async with opened(FakeGoogleTts(idle_seconds=0.5)) as (fake, tts), asyncio.TaskGroup() as tasks:
        saying = tasks.create_task(heard(tts, given(TEXTS[0], TEXTS[1], go_on, TEXTS[2])))
        await fake.script.until_open(1)
        await fake.script.until_open(0)
        await asyncio.sleep(0.3)
        assert fake.streams_open == 0, "no stream waits for the model"
        go_on.set()
        spoken = await saying
        assert [call.end for call in fake.script.calls] == ["done", "done"]
        assert spoken_texts(fake) == list(TEXTS)
        assert {each.clause_index for each in spoken} == {0, 1, 2}
        assert seconds_of(spoken, 2) == pytest.approx(true_seconds(TEXTS[2]), abs=0.001)


async def test_a_stream_that_was_aborted_is_opened_again(caplog: pytest.LogCaptureFixture) -> None:
    """With a service less patient than it says, nothing is said twice and nothing is left out."""
    go_on = asyncio.Event()
    async with opened(FakeGoogleTts(idle_seconds=0.2)) as (fake, tts), asyncio.TaskGroup() as tasks:
        saying = tasks.create_task(heard(tts, given(TEXTS[0], go_on, TEXTS[1], TEXTS[2])))
        await fake.script.until_open(1)
        await fake.script.until_open(0)
        go_on.set()
        spoken = await saying
        assert [call.end for call in fake.script.calls] == ["refused", "done"]
        assert spoken_texts(fake) == list(TEXTS)
        assert {each.clause_index for each in spoken} == {0, 1, 2}


async def test_text_that_an_abort_left_unsaid_is_said_on_a_new_stream() -> None:
    """The sound takes longer to begin than the service waits for more text."""
    script = Script(Latency(Profile(0.3)))
    go_on = asyncio.Event()
    async with (
        opened(FakeGoogleTts(script, idle_seconds=0.15)) as (fake, tts),
        asyncio.TaskGroup() as tasks,
    ):
        saying = tasks.create_task(heard(tts, given(TEXTS[0], go_on, TEXTS[1])))
        await script.until_open(1)
        await script.until_open(0)
        script.latency = Latency()
        go_on.set()
        spoken = await saying
        assert [call.end for call in script.calls][0] == "refused"
        assert spoken_texts(fake) == list(TEXTS[:2])
        assert {each.clause_index for each in spoken} == {0, 1}


async def test_a_service_that_aborts_again_and_again_is_an_error() -> None:
    script = Script(Latency(Profile(0.3)))
    async with opened(FakeGoogleTts(script, idle_seconds=0.1)) as (_, tts):
        with pytest.raises(EngineError, match="long duration"):
            await heard(tts, given(TEXTS[0], asyncio.Event()))
        assert len(script.calls) == 2


async def test_a_service_that_waits_for_the_end_of_a_sentence_is_told_that_nothing_follows() -> None:
    async with opened(FakeGoogleTts(holds_back=True), timeouts=Timeouts(first=1.0)) as (fake, tts):
        sounds = tts.speak(given("Well,", asyncio.Event()), VoiceChoice())
        async with aclosing(sounds), asyncio.timeout(0.9):
            assert (await anext(sounds)).clause_index == 0
        assert spoken_texts(fake) == ["Well,"]


# ---------------------------------------------------------------- one clause a call


async def test_a_voice_that_cannot_stream_is_asked_clause_by_clause_and_a_little_ahead() -> None:
    texts = [f"This is number {number}." for number in range(8)]
    async with opened(FakeGoogleTts()) as (fake, tts):
        async with aclosing(tts.speak(given(*texts), UNARY)) as sounds:
            first = await anext(sounds)
            await asyncio.sleep(0.1)
            assert len(fake.script.calls) == 3, "the one that is consumed, and two ahead"
            rest = [sound async for sound in sounds]
        assert [each.clause_index for each in [first, *rest]] == list(range(8))
        assert sorted(spoken_texts(fake)) == texts
        assert fake.streams_open == 0
        assert {call.what["method"] for call in fake.script.calls} == {"unary"}  # type: ignore[index]


async def test_later_clauses_wait_for_a_slow_one_before_them() -> None:
    script = Script(Latency(Profile(0.2)))
    async with opened(FakeGoogleTts(script)) as (_, tts), asyncio.TaskGroup() as tasks:
        saying = tasks.create_task(say(tts, *TEXTS, choice=UNARY))
        await script.until_open(1)
        script.latency = Latency()
        assert [each.clause_index for each in await saying] == [0, 1, 2]


async def test_ssml_in_the_middle_of_a_stream_keeps_its_place() -> None:
    clauses = (TEXTS[0], Clause(1, "One two", SSML), TEXTS[2])
    async with opened(FakeGoogleTts()) as (fake, tts):
        spoken = await say(tts, *clauses)
        assert [each.clause_index for each in spoken] == sorted(each.clause_index for each in spoken)
        assert {each.clause_index for each in spoken} == {0, 1, 2}
        assert {(said.text, said.is_ssml, said.voice) for said in fake.said} == {
            (TEXTS[0], False, tts_google.DEFAULT_VOICE),
            (SSML, True, tts_google.DEFAULT_VOICE),
            (TEXTS[2], False, tts_google.DEFAULT_VOICE),
        }
        assert (tts.usage.streams, tts.usage.requests) == (2, 1)


@pytest.mark.parametrize("choice", [VoiceChoice(), UNARY], ids=["streaming", "unary"])
async def test_ssml_that_is_refused_is_said_without_its_marks(
    choice: VoiceChoice, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(FakeGoogleTts(refuses_ssml=True)) as (fake, tts):
        with caplog.at_level(logging.WARNING):
            spoken = await say(tts, Clause(0, "One two", SSML), choice=choice)
        assert [each.clause_index for each in spoken] == [0]
        assert spoken_texts(fake) == ["One two"]
    assert "SSML was refused" in caplog.text


@pytest.mark.parametrize(
    ("voice", "clause"),
    [
        ("en-US-Chirp-HD-A", Clause(0, "One two", SSML)),
        ("en-US-Neural2-C", Clause(0, "One two", f"<speak>{'long ' * 1_000}</speak>")),
    ],
    ids=["a voice without SSML", "too long"],
)
async def test_ssml_that_cannot_be_sent_is_said_without_its_marks(voice: str, clause: Clause) -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        assert await say(tts, clause, choice=VoiceChoice(voice))
        assert [(said.text, said.is_ssml) for said in fake.said] == [("One two", False)]


async def test_what_has_no_sound_is_not_sent() -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        assert await say(tts, "…", "🙂", " ") == []
        assert fake.script.calls == []
        assert {each.clause_index for each in await say(tts, "…", "Yes.", "!")} == {1}


async def test_text_that_no_encoding_has_does_no_harm() -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        assert await say(tts, "one \ud800 two")
        assert spoken_texts(fake) == ["one ? two"]


# ---------------------------------------------------------------- the voice


async def test_a_conversation_goes_from_english_to_spanish_and_back() -> None:
    async with opened(FakeGoogleTts(), voice="en-US-Chirp3-HD-Puck") as (fake, tts):
        for language in ("en-US", "es", "en"):
            assert await say(tts, "Hola.", choice=VoiceChoice(language=language))
        assert await say(tts, "Hola.", choice=VoiceChoice("en-US-Neural2-A", "es-US"))
        assert [(said.voice, said.language) for said in fake.said] == [
            ("en-US-Chirp3-HD-Puck", "en-US"),
            ("es-ES-Chirp3-HD-Puck", "es-ES"),
            ("en-US-Chirp3-HD-Puck", "en-US"),
            ("es-US-Neural2-A", "es-US"),
        ]


async def test_warming_says_something_and_fetches_the_voices_once() -> None:
    async with opened(FakeGoogleTts()) as (fake, tts):
        await tts.warm()
        assert [said.voice for said in fake.said] == [tts_google.DEFAULT_VOICE]
        voices = {voice.id: voice for voice in await tts.voices()}
        await say(tts, *TEXTS)
        assert fake.listings == 1
        kore = voices["en-US-Chirp3-HD-Kore"]
        assert (kore.language, kore.engine, kore.sample_rate_hz) == ("en-US", "google", 24_000)
        assert kore.description == "female, Chirp3-HD"
        assert kore.renders_ssml
        assert not voices["en-US-Chirp-HD-A"].renders_ssml
        assert "Kore" not in voices, "of Gemini: its name alone does not do"


async def test_a_wrong_default_voice_is_found_at_start() -> None:
    async with opened(FakeGoogleTts(), voice="en-US-Chirp3-HD-Cora") as (_, tts):
        with pytest.raises(EngineError, match="en-US-Chirp3-HD-Cora.*such as en-US-Chirp3-HD-A") as caught:
            await tts.warm()
        assert not caught.value.retryable


async def test_many_digits_are_asked_for_piece_by_piece() -> None:
    """A minute of sound in one clause: by one request it would come too late."""
    digits = ",".join(["777"] * 40)
    async with opened(FakeGoogleTts()) as (fake, tts):
        sounds = await say(tts, digits, TEXTS[0], choice=UNARY)
    pieces = [text for text in spoken_texts(fake) if text != TEXTS[0]]
    assert len(pieces) > 3
    assert "".join(pieces) == digits
    assert [each.clause_index for each in sounds] == [0] * len(pieces) + [1]
