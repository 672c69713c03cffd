"""Words that are typed, or to be said verbatim, beside those that are spoken."""

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.state import State

from .turn_script import (
    AWAITING,
    ENDING,
    HEARING,
    OVER,
    SPEAKING,
    THINKING,
    TO_APOLOGY,
    YIELDING,
    given_back,
    prepare,
    say,
    talk_in,
    typed,
)

# ---------------------------------------------------------------- typed words


def test_text_while_thinking_joins_what_was_not_answered_yet() -> None:
    talk = talk_in(THINKING)
    assert talk.at(1.5, typed("quickly")) == [
        given_back(1, e.CancelReason.TEXT),
        prepare(2, 2, "hello quickly"),
        c.CommitReply(2, 2, "hello quickly", None),
    ]
    assert talk.taker.words == ""
    assert talk.deadline == 1.5 + TO_APOLOGY


def test_text_before_the_words_are_known_joins_them() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.5, typed("quickly")) == []
    assert talk.at(1.6, e.Transcribed(1, "hello"))[1] == c.CommitReply(1, 1, "quickly hello", "hello")


@pytest.mark.parametrize("state", [SPEAKING])
def test_text_interrupts_an_answer_at_once(state: State) -> None:
    talk = talk_in(state)
    assert talk.at(3.5, typed("stop")) == [
        c.CancelReply(1, e.CancelReason.TEXT),
        prepare(2, 2, "stop"),
        c.CommitReply(2, 2, "stop", None),
    ]
    assert talk.state is THINKING


def test_text_while_yielding_is_answered_with_what_is_being_said() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, typed("stop")) == [c.CancelReply(1, e.CancelReason.TEXT)]
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, 2, None)
    talk.at(3.5, ended())
    talk.at(3.6, e.Transcribed(2, "please"))
    assert talk.at(3.904, OVER)[1] == c.CommitReply(2, 2, "stop please", "please")


@pytest.mark.parametrize("state", [THINKING, SPEAKING, YIELDING])
def test_text_that_does_not_interrupt_waits_for_the_end(state: State) -> None:
    talk = talk_in(state)
    assert talk.at(3.1, typed("next", interrupts=False)) == []
    assert (talk.state, talk.taker.waiting) == (state, 1)
    if state is YIELDING:
        talk.at(3.15, ended())
    assert talk.at(5.0, e.ReplyEnded(1)) == [prepare(2, 2, "next"), c.CommitReply(2, 2, "next", None)]
    assert (talk.state, talk.taker.waiting, talk.deadline) == (THINKING, 0, 5.0 + TO_APOLOGY)


@pytest.mark.parametrize("state", [HEARING, ENDING, THINKING, AWAITING, SPEAKING, YIELDING])
def test_say_waits(state: State | str) -> None:
    talk = talk_in(state)
    assert talk.at(3.1, say("by the way")) == []
    assert (talk.state, talk.taker.waiting) == (THINKING if state == AWAITING else state, 1)


@pytest.mark.parametrize("state", [THINKING, AWAITING])
def test_even_a_greeting_does_not_take_an_unheard_answer_from_the_user(state: State | str) -> None:
    talk = talk_in(state)
    assert talk.at(1.5, e.TextReceived("welcome", verbatim=True)) == []
    assert talk.taker.waiting == 1


def test_say_is_spoken_after_the_answer() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, say("by the way"))
    assert talk.at(5.0, e.ReplyEnded(1)) == [
        prepare(2, 2, "by the way", ReplyKind.VERBATIM),
        c.CommitReply(2, 2, "", None),
    ]


def test_say_is_spoken_after_a_turn_that_was_none() -> None:
    talk = talk_in(ENDING)
    talk.at(1.05, say("by the way"))
    talk.at(1.1, e.Transcribed(1, ""))
    assert talk.at(1.404, OVER) == [
        c.DiscardTurn(1),
        prepare(1, 2, "by the way", ReplyKind.VERBATIM),
        c.CommitReply(1, 2, "", None),
    ]


def test_what_waits_is_said_one_at_a_time_and_the_user_comes_first() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, say("one"))
    talk.at(3.1, say("two"))
    talk.at(3.2, started())
    talk.at(3.3, e.ReplyEnded(1))
    assert (talk.state, talk.taker.waiting) == (HEARING, 2)
    talk.at(3.4, ended())
    talk.at(3.5, e.Transcribed(2, ""))
    commands = talk.at(3.804, OVER)
    assert commands[1] == prepare(2, 3, "one", ReplyKind.VERBATIM)
    assert talk.taker.waiting == 1
