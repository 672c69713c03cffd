"""Nothing that means something is deleted: signs between operands are said, and digits never join."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voice_grpc.core.text.languages import find
from voice_grpc.core.text.languages.registry import LANGUAGES
from voice_grpc.core.text.normalization import speakable

SIGNS = {
    **{
        "*": "times",
        "×": "times",
        "·": "times",
        "+": "plus",
        "=": "equals",
        "==": "equals",
        ">": "greater than",
    },
    **{"<": "less than", "≤": "less than or equal to", ">=": "greater than or equal to", "÷": "divided by"},
    **{"≠": "is not equal to", "!=": "is not equal to", "≈": "about", "±": "plus or minus", "−": "minus"},
    **{"^": "to the power of"},
}
"""Between two operands, with spaces around it or without."""
NUMBERS = st.integers(4, 999).map(str)
NAMES = st.sampled_from(["x", "y", "n", "k", "z"])
OPERANDS = NUMBERS | NAMES
STEPS = st.tuples(st.sampled_from(sorted(SIGNS)), st.booleans(), OPERANDS)


@settings(max_examples=400, deadline=None)
@given(OPERANDS, st.lists(STEPS, min_size=1, max_size=5))
def test_every_sign_of_an_expression_is_said(first: str, steps: list[tuple[str, bool, str]]) -> None:
    written, words = first, [first]
    for sign, is_spaced, operand in steps:
        written += f" {sign} {operand}" if is_spaced else f"{sign}{operand}"
        words += [SIGNS[sign], operand]
    assert speakable(f"So {written} here.") == f"So {' '.join(words)} here."


@settings(max_examples=200, deadline=None)
@given(
    NUMBERS, NUMBERS, st.sampled_from(sorted(LANGUAGES)), st.sampled_from(["*", ">", "<", "=", "≠", "≤", "+"])
)
def test_every_language_has_a_word_for_it(low: str, high: str, code: str, sign: str) -> None:
    language = find(code)
    assert language is not None
    said = speakable(f"{low} {sign} {high}", code)
    assert re.fullmatch(rf"{low} [^\W\d]+( [^\W\d]+)* {high}", said), said


SEPARATORS = st.text(st.sampled_from("*_~^`\\#|<>=+-/:,.(){}@&%$€° \n"), min_size=1, max_size=3)
"""Without square brackets: what is in them is a footnote or a link."""


@settings(max_examples=600, deadline=None)
@given(st.lists(st.tuples(st.integers(11, 98).map(str), SEPARATORS), min_size=2, max_size=6))
@example([("12", "*"), ("12", " ")])
@example([("10", "^"), ("60", " ")])
def test_deleting_never_joins_digits(parts: list[tuple[str, str]]) -> None:
    """In a language without a module, where nothing is put into words, every number is still there."""
    text = "".join(number + separator for number, separator in parts)
    said = speakable(f"a {text} b", "nl")
    assert re.findall(r"\d+", said) == [number for number, _ in parts]


_DIGITS = {word: str(digit) for digit, word in enumerate(LANGUAGES["en"].digits)}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(100, 999).map(str), min_size=2, max_size=5),
    st.sampled_from(["*", " * ", " > ", "+", "**", "_", "~", "`", " | ", "\\", " & ", "@", " = ", "^"]),
)
def test_numbers_stay_apart_and_in_order(numbers: list[str], sign: str) -> None:
    said = speakable(sign.join(numbers))
    words = [_DIGITS.get(word.strip(","), word.strip(",.")) for word in said.split()]
    assert re.findall(r"\d+", " ".join(words)) == numbers


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Set x_1 and y_2.", "x 1 y 2"),
        ("un*frigging*believable", "frigging"),
        ("**12** and *34*", "12 34"),
        ("~~12~~34", "12 34"),
        ("`12`34", "12 34"),
        ("<b>12</b>34", "12 34"),
        ("12<br>34", "12 34"),
        ("5 <kbd> 6", "5 6"),
        ("12\u200b34", "12 34"),
    ],
)
def test_what_formats_goes_and_joins_nothing(text: str, kept: str) -> None:
    words = speakable(text)
    at = 0
    for word in kept.split():
        at = words.index(word, at) + len(word)
        assert not words[at : at + 1].isdigit()
