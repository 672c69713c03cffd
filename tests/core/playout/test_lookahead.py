"""When a voice is given more, and when more is taken of it: one plain case each."""

import pytest

from voice_grpc.core.playout.lookahead import (
    CHARACTERS_A_SECOND,
    GIVE_BELOW,
    SILENT_SECONDS,
    TAKE_BELOW,
    Lookahead,
)

SHORT = "Hello there."
START = 1_000.0


def begun(*texts: str) -> Lookahead:
    """These were given, and the first of them has sounded whole."""
    ahead = Lookahead()
    for index, text in enumerate(texts):
        ahead.gave(index, text, START)
    ahead.sounded(0, 60.0, START)
    return ahead


def test_before_any_sound_there_is_the_clause_that_comes_first_and_one() -> None:
    ahead = Lookahead()
    assert ahead.gives_at(0.0, START) == START
    ahead.gave(0, SHORT, START)
    assert ahead.gives_at(0.0, START) == START
    ahead.gave(1, SHORT, START)
    assert ahead.gives_at(0.0, START) == START + SILENT_SECONDS


def test_once_it_sounds_there_is_one_clause_beyond_it() -> None:
    ahead = begun(SHORT)
    assert ahead.gives_at(0.0, START) == START
    ahead.gave(1, SHORT, START)
    assert ahead.gives_at(3.0, START) == START + 3.0 - SILENT_SECONDS
    ahead.sounded(1, 0.2, START)
    assert ahead.gives_at(3.0, START) == START


def test_the_ear_has_enough() -> None:
    ahead = begun(SHORT)
    assert ahead.gives_at(GIVE_BELOW, START) == START
    assert ahead.gives_at(GIVE_BELOW + 7.0, START) == START + 7.0


def test_what_is_owed_counts_as_sound() -> None:
    long = "a" * round(2.0 * CHARACTERS_A_SECOND)
    ahead = begun(SHORT, long)
    ahead.sounded(1, 0.5, START)
    assert ahead.gives_at(GIVE_BELOW, START) == pytest.approx(START + 1.5)


def test_a_clause_that_is_owed_and_long_is_waited_for() -> None:
    ahead = Lookahead()
    ahead.gave(0, "a" * 150, START)
    assert ahead.gives_at(0.0, START) is None
    ahead.sounded(0, 1.0, START)
    assert ahead.gives_at(0.0, START) == START


def test_of_what_nothing_sounds_the_rest_is_not_held_up() -> None:
    ahead = begun(SHORT, "…")
    assert ahead.gives_at(2.0, START) == START + 1.0
    assert ahead.gives_at(0.0, START + 1.0) == START + 1.0


def test_a_fast_voice_owes_less() -> None:
    slow, fast = Lookahead(0.5), Lookahead(2.0)
    for ahead in (slow, fast):
        ahead.gave(0, "a" * 100, START)
    assert slow.gives_at(0.0, START) is None
    assert fast.gives_at(0.0, START) == START


def test_sound_is_taken_until_the_ear_has_enough() -> None:
    ahead = begun(SHORT)
    assert ahead.takes_at(TAKE_BELOW, START) == START
    assert ahead.takes_at(TAKE_BELOW + 1.0, START) == START + 1.0
