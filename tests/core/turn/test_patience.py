"""How long a silence must last: what each kind of evidence does to it, and what none can do."""

from dataclasses import replace
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.text.endings import Expectation, TextEnding
from voice_grpc.core.turn.patience import (
    BOUNDS,
    LONGEST,
    SHORTEST,
    Bounds,
    Evidence,
    Profile,
    finished,
    hold,
)
from voice_grpc.core.turn.settings import TurnSettings

TALK = BOUNDS[Profile.CONVERSATION]

PROBABILITIES = st.floats(0, 1)
EVIDENCE = st.builds(
    Evidence,
    st.sampled_from(TextEnding),
    st.sampled_from(Expectation),
    st.integers(0, 40),
    st.none() | PROBABILITIES,
    st.none() | PROBABILITIES,
)
PAUSES = st.lists(st.floats(0, 10), max_size=8)

ORDER = [TextEnding.OPEN, TextEnding.SPELLED, TextEnding.LOOSE, TextEnding.UNKNOWN, TextEnding.CLOSED]
"""Endings, from those that ask for more to those that do not."""


@given(EVIDENCE, PROBABILITIES, PROBABILITIES)
def test_the_likelier_the_end_the_shorter_the_silence(evidence: Evidence, one: float, other: float) -> None:
    low, high = sorted((one, other))
    for less, more in (
        (replace(evidence, text_end=low), replace(evidence, text_end=high)),
        (replace(evidence, acoustic_end=low), replace(evidence, acoustic_end=high)),
    ):
        assert finished(less) <= finished(more)
        assert hold(less, TALK) >= hold(more, TALK)


@given(EVIDENCE)
def test_the_more_closed_the_ending_the_shorter_the_silence(evidence: Evidence) -> None:
    spoken = replace(evidence, expects=Expectation.NOTHING)
    holds = [hold(replace(spoken, ending=ending), TALK) for ending in ORDER]
    assert holds == sorted(holds, reverse=True)
    assert hold(replace(spoken, ending=TextEnding.FILLER), TALK) == holds[0]


@given(EVIDENCE)
def test_a_short_answer_that_was_asked_for_is_the_likelier_end(evidence: Evidence) -> None:
    long, nothing, short = (
        finished(replace(evidence, expects=expects))
        for expects in (Expectation.LONG, Expectation.NOTHING, Expectation.SHORT)
    )
    assert long <= nothing <= short


@pytest.mark.parametrize(("words", "counts"), [(0, False), (1, True), (3, True), (4, False)])
def test_only_a_few_words_are_a_short_answer(words: int, counts: bool) -> None:
    answer = Evidence(TextEnding.CLOSED, Expectation.SHORT, words)
    assert (finished(answer) > finished(Evidence(TextEnding.CLOSED))) is counts


@pytest.mark.parametrize("ending", [TextEnding.OPEN, TextEnding.FILLER, TextEnding.LOOSE])
def test_words_that_ask_for_more_are_no_answer(ending: TextEnding) -> None:
    assert finished(Evidence(ending, Expectation.SHORT, 2)) == finished(Evidence(ending))


@given(EVIDENCE, st.tuples(st.floats(SHORTEST, LONGEST), st.floats(SHORTEST, LONGEST)), PAUSES)
def test_bounds_are_kept(evidence: Evidence, ends: tuple[float, float], pauses: list[float]) -> None:
    bounds = Bounds(*sorted(ends))
    assert bounds.min_hold <= hold(evidence, bounds, pauses) <= bounds.max_hold + 1e-9


@given(EVIDENCE, PAUSES, PAUSES)
def test_who_pauses_longer_is_given_no_less_time(
    evidence: Evidence, one: list[float], more: list[float]
) -> None:
    count = min(len(one), len(more))
    short = [min(pair) for pair in zip(one, more, strict=False)][:count]
    long = [max(pair) for pair in zip(one, more, strict=False)][:count]
    assert hold(evidence, TALK) <= hold(evidence, TALK, short) <= hold(evidence, TALK, long)


def test_own_pauses_are_waited_out_unless_the_words_are_surely_whole() -> None:
    likely = Evidence(TextEnding.CLOSED, text_end=0.3)
    certain = Evidence(TextEnding.CLOSED, text_end=0.99, acoustic_end=0.99)
    assert hold(likely, TALK) < 0.9 < hold(likely, TALK, [0.8, 0.9, 1.0]) < 1.2
    assert hold(certain, TALK, [0.8, 0.9, 1.0]) == hold(certain, TALK) < 0.35
    assert hold(likely, TALK, [9.0]) == TALK.max_hold


def test_evidence_that_agrees_comes_near_the_bounds() -> None:
    over = Evidence(TextEnding.CLOSED, Expectation.SHORT, 1, text_end=0.99, acoustic_end=0.99)
    half = Evidence(TextEnding.OPEN, text_end=0.0, acoustic_end=0.01)
    assert TALK.min_hold <= hold(over, TALK) < TALK.min_hold + 0.02
    assert TALK.max_hold - 0.02 < hold(half, TALK) <= TALK.max_hold


@given(EVIDENCE, st.integers(1, 40), st.integers(1, 40))
def test_the_more_was_said_the_likelier_it_is_all(evidence: Evidence, one: int, other: int) -> None:
    fewer, more = sorted((one, other))
    spoken = replace(evidence, expects=Expectation.NOTHING)
    assert finished(replace(spoken, word_count=fewer)) <= finished(replace(spoken, word_count=more))


@pytest.mark.parametrize(
    ("evidence", "least", "most"),
    [
        (Evidence(TextEnding.CLOSED, word_count=6, text_end=0.5, acoustic_end=0.95), 0.25, 0.35),
        (Evidence(TextEnding.CLOSED, word_count=5, text_end=0.3, acoustic_end=0.95), 0.3, 0.6),
        (Evidence(TextEnding.CLOSED, word_count=8, text_end=0.1, acoustic_end=0.97), 0.4, 0.8),
        (Evidence(TextEnding.CLOSED, word_count=4, text_end=0.08, acoustic_end=0.95), 1.1, 2.0),
        (Evidence(TextEnding.CLOSED, word_count=6, text_end=0.1, acoustic_end=0.03), 1.1, 2.3),
        (Evidence(TextEnding.OPEN, word_count=3, text_end=0.001, acoustic_end=0.98), 2.0, 2.4),
    ],
)
def test_what_people_said_is_held_for_about_as_long_as_they_stop(
    evidence: Evidence, least: float, most: float
) -> None:
    """Evidence as recordings gave it: three sentences that were whole, three that were broken off."""
    assert least <= hold(evidence, TALK) <= most


def test_one_judge_alone_does_not_outweigh_the_others() -> None:
    assert finished(Evidence(TextEnding.OPEN, acoustic_end=1.0)) < 0.5
    assert finished(Evidence(TextEnding.CLOSED, text_end=0.9, acoustic_end=0.0)) > 0.5


@given(EVIDENCE)
def test_a_quicker_profile_waits_no_longer(evidence: Evidence) -> None:
    quick, talk, dictation = (hold(evidence, BOUNDS[profile]) for profile in Profile)
    assert quick < talk < dictation


def test_every_profile_has_bounds_that_may_be_set() -> None:
    for profile in Profile:
        assert SHORTEST <= BOUNDS[profile].min_hold < BOUNDS[profile].max_hold <= LONGEST


@pytest.mark.parametrize(
    ("least", "most", "bounds"),
    [
        (None, None, Bounds(0.25, 2.4)),
        (0.5, None, Bounds(0.5, 2.4)),
        (None, 1.0, Bounds(0.25, 1.0)),
        (3.0, None, Bounds(3.0, 3.0)),
        (None, 0.2, Bounds(0.2, 0.2)),
        (0.5, 0.5, Bounds(0.5, 0.5)),
        (0.3, 4.0, Bounds(0.3, 4.0)),
        (2.0, 1.0, Bounds(2.0, 2.0)),
    ],
)
def test_bounds_that_are_set_count_before_the_profiles(
    least: float | None, most: float | None, bounds: Bounds
) -> None:
    assert TurnSettings(min_hold=least, max_hold=most).bounds == bounds


@pytest.mark.parametrize("probability", [nan, inf, -inf, -0.1, 1.1])
def test_what_is_no_probability_says_nothing(probability: float) -> None:
    evidence = Evidence(TextEnding.CLOSED, text_end=probability, acoustic_end=probability)
    assert evidence == Evidence(TextEnding.CLOSED)
    assert replace(Evidence(TextEnding.CLOSED), text_end=probability) == evidence


@pytest.mark.parametrize("probability", [None, 0.0, 0.5, 1.0])
def test_a_probability_is_kept(probability: float | None) -> None:
    evidence = Evidence(text_end=probability, acoustic_end=probability)
    assert (evidence.text_end, evidence.acoustic_end) == (probability, probability)


def test_what_is_said_as_a_whole_is_answered_soon_though_the_language_model_expects_more() -> None:
    said = Evidence(TextEnding.WHOLE, word_count=4, text_end=0.0)
    held = hold(said, BOUNDS[Profile.CONVERSATION])
    assert held == hold(replace(said, text_end=0.9), BOUNDS[Profile.CONVERSATION]) < 0.4
    drawn = hold(replace(said, acoustic_end=0.01), BOUNDS[Profile.CONVERSATION])
    assert drawn > 1.5 * held, "unless it sounds as if more came"
