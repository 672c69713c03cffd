"""What people say as a whole is known to be whole, and what goes on behind it is not."""

import pytest

from voice_grpc.core.text.endings import TextEnding, ending, words_of
from voice_grpc.core.text.formulas import _FORMULAS, is_formula


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Can you help me?", "en"),
        ("Good morning.", "en-GB"),
        ("Hi, what time is it?", "en"),
        ("What's up?", "en"),
        ("Wie heißt du?", "de"),
        ("Qu'est-ce que tu peux faire ?", "fr"),
        ("¿Qué hora es?", "es"),
        ("Che ore sono?", "it"),
        ("Hoe laat is het?", "nl"),
    ],
)
def test_what_everybody_says_is_whole(text: str, language: str) -> None:
    assert ending(text, language) is TextEnding.WHOLE


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("Can you help me with", "en", TextEnding.OPEN),
        ("Can you help me carry this?", "en", TextEnding.CLOSED),
        ("What time is it in", "en", TextEnding.LOOSE),
        ("Hello", "en", TextEnding.CLOSED),
        ("Can you help me?", "de", TextEnding.CLOSED),
        ("Can you help me?", "sv", TextEnding.CLOSED),
    ],
)
def test_what_goes_on_or_is_of_another_language_is_not(
    text: str, language: str, expected: TextEnding
) -> None:
    assert ending(text, language) is expected


@pytest.mark.parametrize("code", _FORMULAS)
def test_each_is_found_as_a_recogniser_writes_it(code: str) -> None:
    for formula in _FORMULAS[code].split(","):
        written = formula.strip().capitalize() + "?"
        assert is_formula(words_of(written), code), written
