"""What is told of an answer that a voice was over."""

from clients.overlaps import Overlaps


def test_a_backchannel_is_told_by_how_long_it_was_held() -> None:
    overlaps = Overlaps()
    overlaps.lowered(1, 9.9)
    overlaps.held(1, 10.0)
    overlaps.lowered(1, 10.1)
    assert overlaps.went_on(1, 10.42) == "held 0.4 s, went on"
    assert overlaps.went_on(1, 11.0) == ""


def test_what_is_heard_again_is_told() -> None:
    overlaps = Overlaps()
    overlaps.held(1, 10.0)
    assert overlaps.went_on(1, 10.6, again=6_000) == "held 0.6 s, went on from 0.2 s before"


def test_a_click_and_an_interruption() -> None:
    overlaps = Overlaps()
    overlaps.lowered(1, 1.0)
    assert overlaps.went_on(1, 1.1) == "lowered 0.1 s, went on"
    overlaps.lowered(1, 2.0)
    overlaps.held(1, 2.1)
    assert overlaps.cut(1, 2.8) == "held 0.7 s, then cut"


def test_what_is_cut_without_a_voice_and_another_turn_are_not_told() -> None:
    overlaps = Overlaps()
    assert overlaps.cut(1, 1.0) == ""
    overlaps.held(1, 2.0)
    assert overlaps.cut(2, 2.5) == ""
    assert overlaps.went_on(1, 3.0) == "held 1.0 s, went on"
