import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.text.duration import pieces, spoken_seconds

GROUPS = ",".join(["777"] * 40)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Yes.", 0.7),
        ("What time is it?", 1.3),
        ("Could you explain how a steam engine works, and why it was so important for the railways?", 6.0),
        (GROUPS, 65.0),
        ("1234567890", 5.0),
        ("你好，我是助手。", 1.8),
    ],
)
def test_the_estimate_is_within_a_half_of_what_it_takes(text: str, seconds: float) -> None:
    assert seconds / 1.5 <= spoken_seconds(text) <= seconds * 1.5


def test_a_long_number_is_cut_between_its_groups() -> None:
    cut = list(pieces(GROUPS, 8.0))
    assert len(cut) >= 8
    assert all(spoken_seconds(piece) <= 8.0 for piece in cut)
    assert all(piece.strip(",").split(",") == ["777"] * piece.count("777") for piece in cut)


def test_a_text_is_cut_after_a_sentence_else_a_phrase_else_a_word() -> None:
    text = "This is one sentence of it. This is another one, and it is longer than the first was. End."
    assert list(pieces(text, 6.0)) == [
        "This is one sentence of it.",
        "This is another one, and it is longer than the first was.",
        "End.",
    ] or all(piece[-1] in ".," for piece in pieces(text, 6.0))
    assert [*pieces("one two three four five six seven eight nine ten", 1.5)][0] == "one two three four"


@given(st.text(st.sampled_from("aB7, .!你\u0301é-\n"), max_size=200), st.floats(0.5, 10.0))
def test_nothing_is_lost_and_every_piece_is_bounded(text: str, seconds: float) -> None:
    cut = list(pieces(text, seconds))
    assert "".join("".join(cut).split()) == "".join(text.split())
    for piece in cut:
        assert spoken_seconds(piece) <= seconds + 1.0
        assert piece == piece.strip()
        assert piece
