"""What of a transcript somebody said, by the text alone: `said.tsv`, a text a line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.transcript.belief import VoiceTrack, unsaid
from voice_grpc.core.transcript.text import has_words, kept, without

SECONDS = 4.0
ROWS = [
    line.split("\t")
    for line in Path(__file__).with_name("said.tsv").read_text().splitlines()
    if not line.startswith("#")
]


def said(text: str, seconds: float = SECONDS) -> str:
    return without(text, unsaid(text, (), VoiceTrack(seconds)))


@pytest.mark.parametrize(("text", "expected"), ROWS)
def test_what_nobody_said_is_left_out(text: str, expected: str) -> None:
    assert said(text) == expected


def test_what_was_said_faster_than_anybody_speaks_was_not() -> None:
    text = "I would like to book a table for four people on Friday evening please"
    assert said(text, 2.0) == text
    assert said(text, 1.5) == ""


def test_words_with_times_go_with_their_places() -> None:
    text = "(laughs) Yes please. [yes]"
    words = ["(laughs)", "Yes", "please.", "[yes]"]
    assert kept(text, unsaid(text, (), VoiceTrack(SECONDS)), words) == [False, True, True, False]


PIECES = st.sampled_from(
    [
        "yes",
        "no",
        "(",
        ")",
        "[",
        "]",
        "♪",
        "*",
        "_",
        "<",
        ">",
        "…",
        "笑",
        " ",
        ". ",
        ", ",
        "7",
        ">>",
        "{",
        "】",
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join))
def test_what_is_left_is_part_of_the_text_or_nothing(text: str) -> None:
    """Whatever is mixed, no letter is added, and no place lies outside of the text."""
    cuts = unsaid(text, (), VoiceTrack(60.0))
    assert all(0 <= start <= end <= len(text) for start, end in cuts)
    left = without(text, cuts)
    letters = iter(text)
    assert all(character in letters for character in left if character != " ")
    assert not left or has_words(left)


@given(st.lists(st.sampled_from(["yes", "please", "turn", "lights", "seven"]), max_size=12, unique=True))
def test_plain_words_are_left_alone(words: list[str]) -> None:
    assert said(" ".join(words)) == " ".join(words)
