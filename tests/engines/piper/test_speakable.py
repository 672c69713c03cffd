"""The fear: a clause that keeps the voice to itself, and emoji read out by name."""

import pytest

from voice_grpc.core.text.duration import spoken_seconds
from voice_grpc.engines.piper.speakable import PIECE_SECONDS, speakable, speakable_pieces


@pytest.mark.parametrize(
    "text",
    [
        ",".join(["777"] * 40),
        "We went up the hill, and then we went down the hill again. " * 7,
        "7" * 160,
        "€5 + $7 = 12 % " * 10,
    ],
)
def test_no_piece_keeps_the_voice_to_itself(text: str) -> None:
    cut = list(speakable_pieces(text))
    assert max(map(spoken_seconds, cut)) <= PIECE_SECONDS
    assert "".join("".join(cut).split()) == "".join(speakable(text).split())


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
