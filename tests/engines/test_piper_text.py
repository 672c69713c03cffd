"""The fear: a clause that keeps the voice to itself, and emoji read out by name."""

import pytest

from voice_grpc.engines.piper import pieces, speakable


def test_pieces_keep_every_word_and_end_at_sentences() -> None:
    text = "We went up the hill, and then we went down the hill again. " * 7
    cut = list(pieces(text.strip()))
    assert " ".join(cut) == text.strip()
    assert all(piece.endswith(".") and len(piece) <= 160 for piece in cut)


def test_pieces_of_what_has_no_spaces() -> None:
    assert [len(piece) for piece in pieces("a" * 400)] == [160, 160, 80]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Great 🎉 news", "Great news"),
        ("20 °C", "20 °C"),
        ("say [[hello]]", "say hello]]"),
        ("naïve", "naïve"),
    ],
)
def test_speakable(text: str, expected: str) -> None:
    assert speakable(text) == expected
