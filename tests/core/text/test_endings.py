"""How the words of a turn end, by `endings.tsv`, and what a question asks for, by `expectations.tsv`."""

from pathlib import Path

import pytest

from voice_grpc.core.text.endings import (
    Expectation,
    TextEnding,
    ending,
    expectation,
    is_backchannel,
    words_of,
)


def rows(name: str) -> list[list[str]]:
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


ENDINGS, EXPECTATIONS = rows("endings.tsv"), rows("expectations.tsv")


@pytest.mark.parametrize(("language", "text", "expected"), ENDINGS)
def test_how_a_text_ends(language: str, text: str, expected: str) -> None:
    assert ending(text, language) is TextEnding(expected)


@pytest.mark.parametrize(("language", "text", "expected"), ENDINGS)
def test_case_and_a_full_stop_are_no_evidence(language: str, text: str, expected: str) -> None:
    assert ending(text.upper(), language) is TextEnding(expected)
    if text[-1].isalnum():
        assert ending(f"{text}.", language) is TextEnding(expected)


def test_the_table_has_enough_of_every_language_and_ending() -> None:
    told = [(language[:2], how) for language, _, how in ENDINGS]
    assert len(ENDINGS) >= 200
    assert len({(language, text) for language, text, _ in ENDINGS}) == len(ENDINGS), (
        "a text stands there twice"
    )
    for language in ("en", "de", "es", "fr", "it", "pt"):
        for how in set(TextEnding) - {TextEnding.UNKNOWN}:
            assert told.count((language, how.value)) >= 2, (language, how)


@pytest.mark.parametrize(("language", "said", "expected"), EXPECTATIONS)
def test_what_a_question_asks_for(language: str, said: str, expected: str) -> None:
    assert expectation(said, language) is Expectation(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What time is it?", "what time is it"),
        ("It’s fine.", "it's fine"),
        ("caf\u00e9", "cafe\u0301"),
        ("'hello'", "hello"),
        ("well, then", "well then"),
        ("STRASSE", "straße"),
    ],
)
def test_transcripts_of_the_same_words(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("turn it on", "turn it off"),
        ("कि", "की"),
        ("it costs 5 €", "it costs 5 $"),
        ("3.5", "35"),
        ("10:30", "1030"),
        ("5%", "5"),
        ("can", "can't"),
        ("hello", ""),
    ],
)
def test_transcripts_of_other_words(one: str, other: str) -> None:
    assert words_of(one) != words_of(other)


@pytest.mark.parametrize(
    "text",
    [
        "Yeah.",
        "uh-huh",
        "Mhm, yeah.",
        "I see.",
        "Got it",
        "of course",
        "Genau.",
        "ach so",
        "d'accord",
        "sí, claro",
    ],
)
def test_who_only_listens(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text", ["", "no", "stop", "yeah but", "of", "right now", "yes yes yes yes", "i", "and the address"]
)
def test_who_has_something_to_say(text: str) -> None:
    assert not is_backchannel(text)
