"""Whisper's languages: one list of names and codes, and which of them is meant."""

import pytest

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.whisper.languages import (
    CODES,
    LANGUAGES,
    NAMES,
    known_to,
    likeliest,
    told_language,
    whisper_codes,
)


def test_names_and_codes_are_one_list() -> None:
    assert len(NAMES) == 100
    assert {CODES[name] for name in NAMES.values()} == set(NAMES) == set(CODES.values())
    assert NAMES["es"] == "spanish"
    assert CODES["spanish"] == CODES["castilian"] == "es"
    assert set(NAMES) - LANGUAGES == {"yue"}
    assert known_to("small.en") == {"en"}


def test_the_list_is_that_of_the_library() -> None:
    tokenizer = pytest.importorskip("faster_whisper.tokenizer")
    assert set(NAMES) == set(tokenizer._LANGUAGE_CODES)  # noqa: SLF001 - it has no public name


def test_languages_are_chosen_among_those_that_are_spoken() -> None:
    known = {"en", "de", "no", "jw"}
    assert whisper_codes(("en-US", "de_DE", "en-GB", "xx"), known) == ("en", "de")
    assert whisper_codes(("nb-NO", "jv"), known) == ("no", "jw")
    assert whisper_codes((), known) == ()
    assert whisper_codes((), {"en"}) == ("en",)
    with pytest.raises(EngineError, match="does not understand fr, it; it knows English only"):
        whisper_codes(("fr", "it"), {"en"})
    detected = [("<|la|>", 0.5), ("<|de|>", 0.3), ("<|en|>", 0.1)]
    assert likeliest(detected, ())[0] == "la"
    code, probability = likeliest(detected, ("en", "de"))
    assert code == "de"
    assert probability == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ("english", "en"), ("English", "en"), ("en", "en"), ("en-US", "en"), ("zh_TW", "zh"), ("jw", "jv"),
        ("haitian creole", "ht"), ("castilian", "es"), ("cantonese", "yue"), ("", ""), ("unknown", ""),
        ("<|en|>", ""), (None, ""), (7, ""), ("n/a", ""),
    ],
)  # fmt: skip
def test_a_language_is_told_in_many_ways(told: object, code: str) -> None:
    assert told_language(told) == code
