import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_grpc.core.text.normalization import speakable

PIECES = st.sampled_from(
    [*" \n\t.,;:!?-—–…'\"*_`~#>|[](){}<>/\\&%$€£@°+=^−0123456789azZé"]
    + ["http://", "www.", "example.com", "me@example.com", "https://a.b/c?d=e", "[a](b)", "](", "&amp;"]
    + ["&lt;", "**", "```", "---", "- ", "1. ", "| a | b |", "<b>", "</b>", "😀", "👩‍👩", "\u200d", "\ufe0f"]
    + [
        "$5.50",
        "10:30",
        "km/h",
        "5 km",
        "1st",
        "1/2",
        "°C",
        "2026-11-28",
        "+15550100199",
        "v2.0.1",
        "Dr. ",
        "√",
        "²",
        "π",
        "→",
        "pm",
        "Louis XIV",
        "in 1984",
        " - ",
        "你好",
        "。",
        "नमस्ते",
        " word",
        "\ud83d",
        "\x00",
        "\u2028",
    ]
)
TEXTS = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=120)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello there, friend.", "Hello there, friend."),
        ("**Sure!** Here _it_ is.", "Sure! Here it is."),
        ("# A heading", "A heading."),
        ("- first item", "first item."),
        ("* first item;", "first item;"),
        ("1. Buy milk", "1. Buy milk"),
        ("\n2. Buy **bread**", "2. Buy bread."),
        (
            "To boil an egg:\n\n1. Boil water\n2. Add the egg!",
            "To boil an egg: 1. Boil water. 2. Add the egg!",
        ),
        ("> quoted words", "quoted words."),
        ("```python\nprint\n```", "print"),
        ("call `run` now", "call run now"),
        ("See [the docs](https://example.com/a?b=c) now.", "See the docs now."),
        ("![a cat](cat.png)", "a cat"),
        ("docs](https://example.com/a) now", "docs now"),
        ("As shown [1], it works[^2].", "As shown, it works."),
        ("| Name | Age |\n|---|---|\n| Ann | 7 |", "Name, Age. Ann, 7."),
        ("Great 😀👍🏽!", "Great!"),
        ("😀", ""),
        ("---", ""),
        ("...", ""),
        ("", ""),
        ("Visit https://www.example.com/a/b?c=d#e.", "Visit example dot com."),
        ("Visit example.com/shop, please", "Visit example dot com, please"),
        ("Use Node.js, e.g. here", "Use Node.js, for example here"),
        ("Write to jo.doe@mail.example.com.", "Write to jo dot doe at mail dot example dot com."),
        ("<b>Bold</b> &amp; <br/>brave", "Bold and brave"),
        ("It costs $5.50.", "It costs 5 dollars 50."),
        ("$1", "1 dollar"),
        ("$1,000 or €2.05", "1,000 dollars or 2 euros 5 cents"),
        ("$0.99", "99 cents"),
        ("$3.5 million", "3.5 million dollars"),
        ("$5k", "5 thousand dollars"),
        ("20€", "20 euros"),
        ("50% of it", "50 percent of it"),
        ("It is 20°C, or 68 °F.", "It is 20 degrees Celsius, or 68 degrees Fahrenheit."),
        ("It is -5 degrees", "It is minus 5 degrees"),
        ("salt & pepper", "salt and pepper"),
        ("and/or", "and or"),
        ("100 km/h", "100 kilometers per hour"),
        ("1 km, 5km", "1 kilometer, 5 kilometers"),
        ("at 10:30, 9:05 or 8:00", "at 10 30, 9 oh 5 or 8 o'clock"),
        ("at 3:30pm", "at 3 30 p.m."),
        ("the 1st, 22nd and 30th", "the first, twenty second and thirtieth"),
        ("1/2 a cup", "one half a cup"),
        ("5-10 minutes, 2020–2024", "5 to 10 minutes, twenty twenty to twenty twenty four"),
        ("call 555-1234", "call five five five, one two three four"),
        ("well-known facts", "well-known facts"),
        ("2 + 2", "2 plus 2"),
        ("snake_case", "snake case"),
        ("Really?!!! Yes.....", "Really?! Yes..."),
        ("你好，我是助手。", "你好，我是助手。"),
    ],
)
def test_english(text: str, said: str) -> None:
    assert speakable(text) == said


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("Dat kost **5,50 €** & 3 km/h.", "nl", "Dat kost 5,50 € & 3 km/h."),
        ("Om 10:30 bij 20°C, 50%", "nl-NL", "Om 10:30 bij 20°C, 50%"),
        ("Bezoek https://www.voorbeeld.nl/a", "nl", "Bezoek voorbeeld.nl"),
        ("नमस्ते 😀 दुनिया", "hi", "नमस्ते दुनिया"),
        ("Cześć, 5 > 3.", "pl", "Cześć, 5 > 3."),
    ],
)
def test_languages_without_a_module_keep_their_numbers(text: str, language: str, said: str) -> None:
    assert speakable(text, language) == said


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.sampled_from(["en", "de", "", "fr", "es", "it", "pt", "nl", "en-GB"]))
def test_twice_is_once(text: str, language: str) -> None:
    once = speakable(text, language)
    assert speakable(once, language) == once


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_what_is_left_can_be_said(text: str) -> None:
    said = speakable(text)
    assert not set(said) & set("*`~#|[]{}<>\\^_@&%$€£°\n\t\x00\ud83d😀")
    assert said == said.strip()


@pytest.mark.parametrize(
    "piece",
    ["[", "![", "[a](", "](", "<", "<a ", "<!--", "&", "*", "|", "- ", "> ", "`", "http://", "a.", "a@", "1,"]
    + [
        "1",
        "$1",
        "1:",
        "😀\u200d",
        " ",
        "\n",
        ".",
        "/",
        "-",
        "( ",
        '" ',
        "www.",
        "[[1]",
        "x",
        "1/",
        " .",
        "a.com/",
    ],
)
def test_time_grows_as_the_text_does(piece: str) -> None:
    started = time.process_time()
    speakable(piece * (100_000 // len(piece)))
    assert time.process_time() - started < 10.0, "seconds where hundredths are usual: a pattern has blown up"
