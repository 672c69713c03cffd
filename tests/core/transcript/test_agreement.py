"""What two passes agreed on is stable, and one pass alone takes none of it back."""

import pytest

from voice_grpc.core.transcript.agreement import LocalAgreement


def stable(*passes: str) -> list[str | None]:
    """The stable part of each pass; None where it is not told."""
    agreement = LocalAgreement()
    found = [(text, agreement.take(text)) for text in passes]
    return [None if agreed is None else text[: agreed.stable_characters] for text, agreed in found]


@pytest.mark.parametrize(
    ("passes", "parts"),
    [
        ([""], [""]),
        (["hello", ""], ["", ""]),
        (["I would like", "I would like a table"], ["", "I would like"]),
        (["I would like a table", "I would like"], ["", "I would like"]),
        (["I wood like a table", "I would like a table"], ["", "I"]),
        (["What is the capital?", "What is the capital of France?"], ["", "What is the capital"]),
        (["so I", "So, I went."], ["", "So, I"]),
        (["東京は", "東京は雨"], ["", "東京は"]),
        (["What's 5 €?", "What's 5 € in dollars?"], ["", "What's 5 €"]),
    ],
)
def test_what_two_passes_in_a_row_say_is_stable(passes: list[str], parts: list[str]) -> None:
    assert stable(*passes) == parts


def test_one_pass_that_takes_back_what_was_stable_is_not_told() -> None:
    assert stable("my name is", "my name is Anna", "by name is Anna and", "my name is Anna and I") == [
        "",
        "my name is",
        None,
        "my name is",
    ]


def test_two_passes_take_back_what_was_stable() -> None:
    passes = "two tea", "two tea for", "to tee for us", "to tee for us all"
    assert stable(*passes) == ["", "two tea", None, "to tee for us"]


def test_words_that_are_gone_are_taken_back_as_well() -> None:
    assert stable("one two", "one two three", "one", "one") == ["", "one two", None, "one"]


def test_the_stable_part_never_falls_while_nothing_takes_it_back() -> None:
    texts = "a b c", "a b c d", "a b x", "a b c y z", "a b c y z"
    assert stable(*texts) == ["", "a b c", None, "a b c", "a b c y z"]


@pytest.mark.parametrize(("text", "share"), [("", 0.0), ("a b", 1.0), ("a b c d", 0.5)])
def test_stability_is_the_share_of_stable_words(text: str, share: float) -> None:
    agreement = LocalAgreement()
    agreement.take("a b")
    agreed = agreement.take(text)
    assert agreed is not None
    assert agreed.stability == share
