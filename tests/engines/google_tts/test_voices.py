"""Which of Google's voices speaks, and how the list of them is kept."""

import asyncio
import logging

import pytest

from voice_grpc.core.errors import EngineError, EngineUnreachable
from voice_grpc.engines.google_tts.request import pieces
from voice_grpc.engines.google_tts.voices import GoogleVoice, VoiceCache, choose, known, parsed
from voice_grpc.ports import VoiceChoice

DEFAULT = "en-US-Chirp3-HD-Kore"

IDS = (
    *("en-US-Chirp3-HD-Kore", "en-US-Chirp3-HD-Puck", "en-GB-Chirp3-HD-Kore", "en-US-Neural2-A"),
    *("es-ES-Chirp3-HD-Kore", "es-US-Chirp3-HD-Kore", "es-ES-Neural2-A", "es-US-Chirp3-HD-Orus"),
    *("pt-PT-Chirp3-HD-Kore", "pt-BR-Chirp3-HD-Kore", "cmn-CN-Chirp3-HD-Kore", "cmn-TW-Wavenet-A"),
    *("yue-HK-Standard-A", "sv-SE-Wavenet-A", "sv-SE-Neural2-B", "sv-SE-Standard-A", "eu-ES-Standard-B"),
    *("nb-NO-Chirp3-HD-Kore", "he-IL-Wavenet-A", "fil-PH-Neural2-A", "ar-XA-Chirp3-HD-Kore"),
)


def voice(id: str) -> GoogleVoice:
    language = "-".join(id.split("-")[:2])
    gender = "male" if id.endswith(("Puck", "Orus", "B")) else "female"
    found = parsed(id, [language], gender, 24_000)
    assert found is not None
    return found


VOICES = known(map(voice, IDS))


@pytest.mark.parametrize(
    ("id", "language", "chosen"),
    [
        ("", "", DEFAULT),
        ("", "en", DEFAULT),
        ("", "en-US", DEFAULT),
        ("EN-us-chirp3-hd-puck", "", "en-US-Chirp3-HD-Puck"),
        ("", "es", "es-ES-Chirp3-HD-Kore"),
        ("", "es-US", "es-US-Chirp3-HD-Kore"),
        ("", "es-MX", "es-US-Chirp3-HD-Kore"),
        ("", "es-419", "es-US-Chirp3-HD-Kore"),
        ("", "en-GB", "en-GB-Chirp3-HD-Kore"),
        ("", "en-AU", DEFAULT),
        ("en-GB-Chirp3-HD-Kore", "en", "en-GB-Chirp3-HD-Kore"),
        ("en-GB-Chirp3-HD-Kore", "en-AU", "en-GB-Chirp3-HD-Kore"),
        ("es-ES-Neural2-A", "en", "en-US-Neural2-A"),
        ("en-US-Neural2-A", "es", "es-ES-Neural2-A"),
        ("en-US-Chirp3-HD-Puck", "es", "es-ES-Chirp3-HD-Kore"),
        ("", "pt", "pt-BR-Chirp3-HD-Kore"),
        ("", "pt_pt", "pt-PT-Chirp3-HD-Kore"),
        ("", "zh", "cmn-CN-Chirp3-HD-Kore"),
        ("", "zh-Hans-CN", "cmn-CN-Chirp3-HD-Kore"),
        ("", "zh-TW", "cmn-TW-Wavenet-A"),
        ("", "zh-HK", "yue-HK-Standard-A"),
        ("", "sv", "sv-SE-Neural2-B"),
        ("", "eu", "eu-ES-Standard-B"),
        ("", "no", "nb-NO-Chirp3-HD-Kore"),
        ("", "iw", "he-IL-Wavenet-A"),
        ("", "tl", "fil-PH-Neural2-A"),
        ("", "ar", "ar-XA-Chirp3-HD-Kore"),
    ],
)
def test_the_voice_follows_the_language(id: str, language: str, chosen: str) -> None:
    assert choose(VOICES, VoiceChoice(id, language), DEFAULT).id == chosen


@pytest.mark.parametrize("language", ["xx", "cy-GB", "english"])
def test_a_language_that_nobody_speaks_is_an_error(language: str) -> None:
    with pytest.raises(EngineError, match=f"no Google voice speaks '{language}'") as caught:
        choose(VOICES, VoiceChoice("", language), DEFAULT)
    assert not caught.value.retryable


def test_an_unknown_voice_names_some_that_there_are() -> None:
    with pytest.raises(EngineError) as caught:
        choose(VOICES, VoiceChoice("es-ES-Chirp3-HD-Nobody"), DEFAULT)
    assert str(caught.value) == (
        f"no voice 'es-ES-Chirp3-HD-Nobody'; there are {len(VOICES)}, such as "
        "es-ES-Chirp3-HD-Kore, es-ES-Neural2-A"
    )
    assert not caught.value.retryable
    with pytest.raises(EngineError) as caught:
        choose(VOICES, VoiceChoice("x" * 5_000, "es"), DEFAULT)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "family", "last", "streams", "renders_ssml"),
    [
        ("en-US-Chirp3-HD-Kore", "Chirp3-HD", "Kore", True, True),
        ("en-US-Chirp-HD-F", "Chirp-HD", "F", False, False),
        ("en-US-Studio-O", "Studio", "O", False, True),
        ("en-US-Wavenet-A", "Wavenet", "A", False, True),
    ],
)
def test_a_name_says_what_a_voice_is(
    name: str, family: str, last: str, streams: bool, renders_ssml: bool
) -> None:
    found = voice(name)
    assert (found.language, found.family, found.name) == ("en-US", family, last)
    assert (found.streams, found.renders_ssml) == (streams, renders_ssml)


def test_a_voice_without_a_language_in_its_name_is_left_out() -> None:
    assert parsed("Kore", ["en-US"], "female", 24_000) is None
    assert parsed("en-US-Kore", ["en-US"], "female", 24_000) is None


# ---------------------------------------------------------------- the list


class Listing:
    """Gives what it is told to, and counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.voices: list[GoogleVoice] = VOICES
        self.error: EngineError | None = None
        self.done = asyncio.Event()

    async def __call__(self) -> list[GoogleVoice]:
        self.asked += 1
        self.done.set()
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return self.voices


async def test_the_list_is_fetched_once_for_all_who_wait() -> None:
    listing = Listing()
    catalogue = VoiceCache(listing)
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(catalogue.voices()) for _ in range(5)]
    assert [task.result() for task in asking] == [VOICES] * 5
    assert listing.asked == 1
    await catalogue.close()


async def test_it_is_refreshed_beside_whoever_asks_and_kept_when_that_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listing = Listing()
    catalogue = VoiceCache(listing, refresh_seconds=0.0)
    await catalogue.voices()
    listing.done.clear()
    listing.error = EngineUnreachable("tts", "away")
    with caplog.at_level(logging.WARNING):
        assert await catalogue.voices() == VOICES
        await listing.done.wait()
        await catalogue.close()
        assert await catalogue.voices() == VOICES
        await catalogue.close()
    listing.error, listing.voices = None, VOICES[:3]
    listing.done.clear()
    await catalogue.voices()
    await listing.done.wait()
    await asyncio.sleep(0.01)
    assert await catalogue.voices() == VOICES[:3]
    await catalogue.close()


async def test_it_is_not_asked_for_within_the_hour() -> None:
    listing = Listing()
    catalogue = VoiceCache(listing)
    for _ in range(3):
        await catalogue.voices()
    await asyncio.sleep(0.01)
    assert listing.asked == 1


async def test_what_failed_at_first_is_asked_for_again() -> None:
    listing = Listing()
    listing.error = EngineUnreachable("tts", "away")
    catalogue = VoiceCache(listing)
    with pytest.raises(EngineUnreachable):
        await catalogue.voices()
    listing.error = None
    assert await catalogue.voices() == VOICES


# ---------------------------------------------------------------- pieces of a text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two three", ["one two", "three"]),
        ("one twoo three", ["one", "twoo", "three"]),
        ("onetwothree", ["onetwot", "hree"]),
        ("äöü äöü", ["äöü", "äöü"]),
        ("äöüäöü", ["äöü", "äöü"]),
        ("日本語", ["日本", "語"]),
        ("  ", []),
        ("", []),
    ],
)
def test_a_text_is_cut_at_words_and_counted_in_bytes(text: str, expected: list[str]) -> None:
    found = list(pieces(text, 7))
    assert found == expected
    assert all(len(piece.encode()) <= 7 for piece in found)
