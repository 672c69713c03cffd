"""What two interims have in common: the share of the later one that stayed."""

import pytest

from voice_grpc.engines.whisper.local_agreement import agreement


@pytest.mark.parametrize(
    ("before", "now", "share"),
    [
        ("", "", 0.0),
        ("hello", "", 0.0),
        ("", "hello", 0.0),
        ("I would like", "I would like a table", 0.6),
        ("I would like a table", "I would like", 1.0),
        ("I wood like a table", "I would like a table", 0.2),
    ],
)
def test_words_that_stayed_from_the_beginning(before: str, now: str, share: float) -> None:
    assert agreement(before, now) == pytest.approx(share)
