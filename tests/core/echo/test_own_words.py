"""Which words are the assistant's own, come back."""

import pytest

from voice_grpc.core.echo.own_words import SpokenWords, is_echo, is_repeated

SPOKEN = (
    "Once upon a time there was a lighthouse on a small island. Nobody had lived on that island "
    "for many years."
)


@pytest.mark.parametrize(
    "heard",
    [
        "there was a lighthouse on a small island",
        "Once upon a time.",
        "nobody had lived",
        "upon a time there was a light house on a small island nobody",
        "time there is a lighthouse on the small island",
        "a lighthouse on a small island, nobody had leaved on that island",
    ],
)
def test_a_stretch_of_what_was_spoken_is_an_echo_however_badly_it_was_heard(heard: str) -> None:
    assert is_echo(heard, SPOKEN)


@pytest.mark.parametrize(
    "heard",
    [
        "",
        "island",
        "small island",
        "stop it now",
        "what about the island",
        "who lived on that small island before",
        "island small a on lighthouse a was there",
        "tell me more about the lighthouse please",
        "once there lived many",
    ],
)
def test_other_words_are_none(heard: str) -> None:
    assert not is_echo(heard, SPOKEN)


def test_nothing_was_spoken() -> None:
    assert not is_echo("once upon a time", "")


def test_two_words_have_to_be_the_very_same() -> None:
    assert is_repeated("Small island.", SPOKEN)
    assert not is_repeated("big island", SPOKEN)
    assert not is_repeated("island", SPOKEN)
    assert not is_repeated("lighthouse island", SPOKEN)


def test_words_are_forgotten_after_a_while_two_alone_soon() -> None:
    words, answer = SpokenWords(), object()
    words.speak(answer, 0, "Once upon a time there was a queen.", 10.0)
    words.speak(answer, 0, "Once upon a time there was a queen.", 12.0)
    words.speak(answer, 1, "She told a story.", 13.0)
    assert words.is_echo("there was a queen", 24.0)
    assert words.is_echo("was a queen she told a story", 24.0)
    assert not words.is_echo("there was a queen", 24.1)
    assert words.is_echo("a story", 15.9)
    assert not words.is_echo("a story", 16.1)


def test_however_much_is_spoken_little_is_kept() -> None:
    words = SpokenWords()
    for n in range(1_000):
        words.speak(words, n, f"clause {n} of many", 1.0)
    assert words.is_echo("clause 999 of many", 1.0)
    assert not words.is_echo("clause one of none", 1.0)
    assert not words.is_echo("clause 17 of none", 1.0)
