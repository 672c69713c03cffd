"""Start early, commit late: answers prepared before the turn is over, and a voice that is lowered first."""

from dataclasses import replace

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.settings import Speculation, TurnSettings
from voice_grpc.core.turn.state import State

from .turn_script import (
    ANSWER_HELLO,
    AWAITING,
    CANCEL,
    EAGER,
    ENDING,
    HEARING,
    HOLD,
    LISTENING,
    OVER,
    SPEAKING,
    START,
    STOP,
    THINKING,
    TO_APOLOGY,
    Talk,
    prepare,
    score,
    scored,
    talk_in,
    typed,
)

# ---------------------------------------------------------------- speculation


def speculating() -> Talk:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == [score(1, "hello")]
    assert talk.at(1.15, scored("hello")) == [prepare(1, 1, "hello")]
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)
    return talk


def test_a_prepared_reply_is_committed_and_not_prepared_again() -> None:
    talk = speculating()
    assert talk.at(1.404, OVER) == [c.CommitReply(1, 1, "hello", "hello")]
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_a_prepared_reply_is_kept_over_a_breath() -> None:
    talk = speculating()
    assert talk.at(1.2, started()) == []
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 1, "hello")
    assert talk.at(1.4, ended()) == [c.AskTranscript(2)]
    assert talk.at(1.5, e.Transcribed(2, "Hello.")) == []
    assert talk.at(1.804, OVER) == [c.CommitReply(1, 1, "Hello.", "Hello.")]


def test_a_prepared_reply_is_dropped_when_the_next_transcript_says_more() -> None:
    talk = speculating()
    assert talk.at(1.2, started()) == []
    talk.at(2.0, ended())
    assert talk.at(2.1, e.Transcribed(2, "hello world")) == [
        c.CancelReply(1, e.CancelReason.SPEECH),
        score(1, "hello world"),
    ]
    assert talk.at(2.2, scored("hello world")) == [prepare(2, 1, "hello world")]
    assert talk.at(2.404, OVER) == [c.CommitReply(2, 1, "hello world", "hello world")]


@pytest.mark.parametrize(
    ("interim", "is_kept"),
    [("", True), ("hello", True), ("HELLO!", True), ("yellow", False), ("hello world", False)],
)
def test_a_prepared_reply_is_dropped_by_an_interim_that_says_other_words(interim: str, is_kept: bool) -> None:
    talk = speculating()
    talk.at(1.2, started())
    dropped = talk.at(1.5, e.InterimHeard(interim, ended(1.5).position))
    assert dropped == (
        [] if is_kept else [c.CancelReply(1, e.CancelReason.SPEECH), score(1, interim, is_early=True)]
    )


def test_a_prepared_reply_is_kept_by_an_interim_that_is_half_of_its_words() -> None:
    talk = talk_in(ENDING, EAGER)
    talk.at(1.1, e.Transcribed(1, "hello world"))
    talk.at(1.15, scored("hello world"))
    talk.at(1.2, started())
    interim = e.InterimHeard("hello", ended(1.0).position)
    assert talk.at(1.3, interim) == [score(1, "hello", is_early=True)]


def test_a_prepared_reply_is_dropped_by_an_early_transcript_that_says_more() -> None:
    talk = speculating()
    talk.at(1.2, started())
    assert talk.at(1.9, e.SpeechFaded(ended(2.0).position)) == [c.AskTranscript(2, is_early=True)]
    said = talk.at(1.95, e.Transcribed(2, "hello world"))
    assert said == [c.CancelReply(1, e.CancelReason.SPEECH)]
    assert talk.at(2.0, ended(2.0)) == [score(1, "hello world")]


def heard_at_fade(
    probability: float | None = 0.9, words: str = "hello world"
) -> tuple[Talk, list[c.Command]]:
    """The user said `words`, which were heard and scored while they were said; and what is done at the first
    silent window."""
    talk = Talk(EAGER)
    talk.at(0.0, started())
    talk.at(0.9, e.InterimHeard(words, ended(0.95).position, "en"))
    talk.at(0.92, scored(words, probability))
    return talk, talk.at(0.93, e.SpeechFaded(ended(1.0).position))


def test_an_answer_to_finished_words_is_prepared_at_the_first_silent_window() -> None:
    talk, commands = heard_at_fade()
    assert commands == [c.AskTranscript(1, is_early=True), prepare(1, 1, "hello world")]
    assert (talk.state, talk.deadline) == (HEARING, None)
    assert talk.at(1.0, ended(1.0)) == []
    assert talk.at(1.1, e.Transcribed(1, "Hello, world.", language="en")) == []
    assert talk.at(1.404, OVER) == [c.CommitReply(1, 1, "Hello, world.", "Hello, world.")]


@pytest.mark.parametrize("probability", [None, 0.0, 0.05, 0.1])
def test_none_is_prepared_there_for_words_that_are_not_known_to_be_finished(
    probability: float | None,
) -> None:
    _, commands = heard_at_fade(probability)
    assert commands == [c.AskTranscript(1, is_early=True)]


def test_none_is_prepared_there_for_words_that_are_open_however_they_are_scored() -> None:
    _, commands = heard_at_fade(0.5, "turn on the")
    assert commands == [c.AskTranscript(1, is_early=True)]


def test_none_is_prepared_there_for_words_of_long_before() -> None:
    talk = Talk(EAGER)
    talk.at(0.0, started())
    talk.at(0.6, e.InterimHeard("hello world", ended(0.6).position, "en"))
    talk.at(0.7, scored("hello world"))
    assert talk.at(0.93, e.SpeechFaded(ended(1.0).position)) == [c.AskTranscript(1, is_early=True)]


def test_one_that_was_prepared_at_a_stop_within_the_words_is_dropped_by_those_that_follow() -> None:
    talk, _ = heard_at_fade()
    dropped = talk.at(1.5, e.InterimHeard("hello world and all", ended(1.5).position, "en"))
    assert dropped[0] == c.CancelReply(1, e.CancelReason.SPEECH)


def test_a_prepared_reply_outlives_the_commit_while_the_words_are_awaited() -> None:
    talk = speculating()
    talk.at(1.2, started())
    talk.at(1.4, ended())
    assert talk.at(1.804, OVER) == []
    assert (talk.state, talk.deadline) == (THINKING, 1.804 + TO_APOLOGY)
    assert talk.at(1.9, e.ReplyAudible(1)) == []
    assert talk.at(2.0, e.Transcribed(2, "hello")) == [c.CommitReply(1, 1, "hello", "hello")]
    assert talk.deadline == 1.804 + TO_APOLOGY


@pytest.mark.parametrize(
    ("event", "commands"),
    [
        (e.Transcribed(2, ""), [c.CancelReply(1, e.CancelReason.SPEECH), c.DiscardTurn(1)]),
        (
            e.Transcribed(2, "goodbye"),
            [
                c.CancelReply(1, e.CancelReason.SPEECH),
                prepare(2, 1, "goodbye"),
                c.CommitReply(2, 1, "goodbye", "goodbye"),
            ],
        ),
        (
            OVER,
            [
                c.CancelReply(1, e.CancelReason.DEADLINE),
                prepare(2, 1, "", ReplyKind.APOLOGY),
                c.CommitReply(2, 1, "hello", "hello"),
            ],
        ),
    ],
)
def test_what_ends_a_prepared_reply_while_the_words_are_awaited(
    event: e.Event, commands: list[c.Command]
) -> None:
    talk = speculating()
    talk.at(1.2, started())
    talk.at(1.4, ended())
    talk.at(1.804, OVER)
    assert talk.at(1.804 + TO_APOLOGY, event) == commands


def test_a_stop_before_the_words_are_known_leaves_no_prepared_reply_alive() -> None:
    talk = talk_in(HEARING, EAGER)
    interim = e.InterimHeard("hello", ended(1.0).position)
    assert talk.at(0.9, interim) == [score(1, "hello", is_early=True)]
    assert talk.at(1.0, ended(1.0)) == [c.AskTranscript(1)]
    assert talk.at(1.1, scored("hello")) == [prepare(1, 1, "hello")]
    talk.at(1.404, OVER)
    assert talk.at(1.5, STOP) == [c.CancelReply(1, e.CancelReason.REQUEST), c.DiscardTurn(1)]
    assert talk.state is LISTENING


def test_no_more_is_prepared_in_a_turn_than_it_may() -> None:
    talk = Talk(replace(EAGER, speculation_tries=2))
    talk.at(0.0, started())
    prepared = []
    for n, at in enumerate((1.0, 2.0, 3.0), 1):
        text = f"number {n}"
        talk.at(at, ended())
        talk.at(at + 0.1, e.Transcribed(n, text))
        prepared.append(talk.at(at + 0.2, scored(text)))
        talk.at(at + 0.3, started())
    assert prepared == [[prepare(1, 1, "number 1")], [prepare(2, 1, "number 2")], []]


def test_nothing_more_is_prepared_once_a_vendor_refused() -> None:
    talk = talk_in(ENDING, EAGER)
    talk.at(1.05, e.SpeculationRefused())
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, scored("hello")) == []
    assert talk.at(1.404, OVER) == ANSWER_HELLO


@pytest.mark.parametrize("probability", [0.0, 0.01])
def test_nothing_is_prepared_for_words_that_are_not_finished(probability: float) -> None:
    talk = talk_in(ENDING, EAGER)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, scored("hello", probability)) == []


def test_words_nobody_could_score_are_prepared_for() -> None:
    talk = talk_in(ENDING, EAGER)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, scored("hello", None)) == [prepare(1, 1, "hello")]


def test_a_score_of_other_words_prepares_nothing() -> None:
    talk = talk_in(ENDING, EAGER)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, scored("hell")) == []


def test_a_score_of_words_that_typed_ones_joined_prepares_nothing() -> None:
    talk = speculating()
    talk.at(1.2, typed("quickly"))
    assert talk.at(1.25, e.SoundScored(1, 0.9)) == []


@pytest.mark.parametrize("speculation", [Speculation.OFF, Speculation.STT])
def test_how_far_an_answer_is_prepared(speculation: Speculation) -> None:
    talk = Talk(TurnSettings(hold=0.5, speculation=speculation))
    talk.at(0.0, started())
    assert talk.at(0.95, e.SpeechFaded(10)) == (
        [c.AskTranscript(1, is_early=True)] if speculation is Speculation.STT else []
    )
    asked = talk.at(1.0, ended()) + talk.at(1.404, OVER)
    revision = 2 if speculation is Speculation.STT else 1
    assert asked == [c.AskTranscript(revision)]
    assert talk.at(1.5, e.Transcribed(revision, "hello")) == ANSWER_HELLO


def test_with_nothing_begun_early_all_is_asked_for_again_once_the_user_went_on() -> None:
    """The transcript of a first silence is not taken for that of the second."""
    talk = Talk(TurnSettings(hold=0.5, speculation=Speculation.OFF))
    talk.at(0.0, started())
    talk.at(1.0, ended())
    assert talk.at(1.404, OVER) == [c.AskTranscript(1)]
    talk.at(1.5, started())
    talk.at(1.6, e.Transcribed(1, "hello"))
    assert talk.at(2.0, ended()) == []
    assert talk.at(2.404, OVER) == [c.AskTranscript(2)]
    assert talk.at(2.5, e.Transcribed(2, "hello world"))[1] == c.CommitReply(
        1, 1, "hello world", "hello world"
    )


def test_a_prepared_reply_is_dropped_when_typed_words_join() -> None:
    talk = speculating()
    assert talk.at(1.2, typed("quickly")) == [c.CancelReply(1, e.CancelReason.TEXT)]
    assert talk.at(1.404, OVER) == [
        prepare(2, 1, "quickly hello"),
        c.CommitReply(2, 1, "quickly hello", "hello"),
    ]


@pytest.mark.parametrize(
    ("event", "why", "state"),
    [(START, e.CancelReason.ACTIVITY, HEARING), (CANCEL, e.CancelReason.ACTIVITY, LISTENING)],
)
def test_a_prepared_reply_is_dropped_by_the_button(event: e.Event, why: e.CancelReason, state: State) -> None:
    talk = speculating()
    assert talk.at(1.2, event)[0] == c.CancelReply(1, why)
    assert talk.state is state


def test_nothing_is_prepared_for_nothing() -> None:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "")) == []


def test_words_that_come_after_the_hold_are_prepared_and_committed_at_once() -> None:
    talk = talk_in(AWAITING, EAGER)
    assert talk.at(1.6, e.Transcribed(1, "hello")) == ANSWER_HELLO


def test_a_prepared_reply_cannot_be_heard_or_end() -> None:
    talk = speculating()
    assert talk.at(1.2, e.ReplyAudible(1)) == []
    assert talk.at(1.3, e.ReplyEnded(1)) == []
    assert talk.state is ENDING


# ---------------------------------------------------------------- ducking

DUCKING = TurnSettings(hold=0.5, duck=True)


def test_the_voice_is_lowered_while_it_is_not_known_whether_the_user_interrupts() -> None:
    talk = talk_in(SPEAKING, DUCKING)
    assert talk.at(3.0, started()) == [c.Duck(1)]
    assert talk.at(3.1, ended()) == [c.Unduck(1), c.Forget()]
    assert talk.at(4.0, started()) == [c.Duck(1)]
    assert talk.at(4.186, OVER) == [c.CancelReply(1, e.CancelReason.SPEECH)]
