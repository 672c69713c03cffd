"""Start early, commit late: answers prepared before the turn is over, and a voice that is lowered first."""

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.turn_state import State, TurnSettings

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
    THINKING,
    TO_APOLOGY,
    Talk,
    prepare,
    talk_in,
    typed,
)

# ---------------------------------------------------------------- speculation


def speculating() -> Talk:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == [prepare(1, 1, "hello")]
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)
    return talk


def test_a_prepared_reply_is_committed_and_not_prepared_again() -> None:
    talk = speculating()
    assert talk.at(1.404, OVER) == [c.CommitReply(1, 1, "hello", "hello")]
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_a_prepared_reply_is_dropped_in_silence_when_the_user_goes_on() -> None:
    talk = speculating()
    assert talk.at(1.2, started()) == [c.CancelReply(1, e.CancelReason.SPEECH)]
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 1, "hello")
    talk.at(2.0, ended())
    assert talk.at(2.1, e.Transcribed(2, "hello world")) == [prepare(2, 1, "hello world")]
    assert talk.at(2.404, OVER) == [c.CommitReply(2, 1, "hello world", "hello world")]


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

DUCKING = TurnSettings(duck=True)


def test_the_voice_is_lowered_while_it_is_not_known_whether_the_user_interrupts() -> None:
    talk = talk_in(SPEAKING, DUCKING)
    assert talk.at(3.0, started()) == [c.Duck(1)]
    assert talk.at(3.1, ended()) == [c.Unduck(1), c.Forget()]
    assert talk.at(4.0, started()) == [c.Duck(1)]
    assert talk.at(4.186, OVER) == [c.CancelReply(1, e.CancelReason.SPEECH)]
