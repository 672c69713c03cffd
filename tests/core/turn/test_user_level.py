"""How loud the user is, and who is too far away to be the user."""

import pytest

from voice_grpc.core.turn.user_level import FAR_DB, FEWEST_WINDOWS, MOST_WINDOWS, UserLevel, VoiceLevel


def level(*rms: float) -> float | None:
    voice = VoiceLevel()
    for each in rms:
        voice.add(each)
    return voice.db


def user(*db: float, at: float = 0.0) -> UserLevel:
    found = UserLevel()
    for each in db:
        found.learn(each, at)
    return found


def test_the_level_is_that_of_the_louder_windows() -> None:
    assert level(*[0.1] * 10) == pytest.approx(-20.0)
    assert level(*[0.1] * 10, *[0.001] * 10) == pytest.approx(-20.0)
    assert level(*[0.1] * 20, 1.0) == pytest.approx(-20.0), "one plosive is no voice"


def test_a_syllable_has_no_level() -> None:
    assert level(*[0.1] * (FEWEST_WINDOWS - 1)) is None
    assert level(*[0.0] * FEWEST_WINDOWS) is not None


def test_who_is_far_quieter_is_somebody_else() -> None:
    found = user(-20.0)
    assert not found.is_far(-20.0 - FAR_DB, 0.0)
    assert found.is_far(-20.0 - FAR_DB - 0.1, 0.0)
    assert not found.is_far(-10.0, 0.0)


def test_nobody_is_far_before_the_user_was_heard() -> None:
    assert not UserLevel().is_far(-60.0, 0.0)
    assert not user(-20.0).is_far(None, 0.0)
    found = UserLevel()
    found.learn(None, 0.0)
    assert not found.is_far(-60.0, 0.0)


def test_shouts_do_not_shut_the_user_out() -> None:
    assert not user(-20.0, -20.0, 0.0).is_far(-25.0, 0.0)
    assert not user(0.0, 0.0, 0.0).is_far(-26.0, 0.0)


def test_who_moved_away_is_heard_again_after_a_while() -> None:
    found = user(-20.0)
    assert found.is_far(-36.0, 10.0)
    assert not found.is_far(-36.0, 60.0)


def test_what_is_kept_is_bounded() -> None:
    voice, found = VoiceLevel(), UserLevel()
    for _ in range(10_000):
        voice.add(0.1)
        found.learn(-20.0, 0.0)
    assert len(voice._windows) == MOST_WINDOWS  # noqa: SLF001 - what it holds is what is bounded
    assert len(found._turns) == 8  # noqa: SLF001
