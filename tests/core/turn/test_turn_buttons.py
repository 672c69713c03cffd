"""Push to talk, and the stop button."""

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.core.turn.state import State

from .turn_script import (
    ANSWER_HELLO,
    AWAITING,
    CANCEL,
    END,
    ENDING,
    HEARING,
    LISTENING,
    SPEAKING,
    START,
    STOP,
    THINKING,
    TO_APOLOGY,
    YIELDING,
    Talk,
    given_back,
    prepare,
    say,
    speaking,
    talk_in,
    typed,
)

# ---------------------------------------------------------------- the button


@pytest.mark.parametrize(
    ("state", "commands", "turn"),
    [
        (HEARING, [], 1),
        (ENDING, [], 1),
        (THINKING, [given_back(1, e.CancelReason.ACTIVITY)], 2),
        (AWAITING, [], 1),
        (SPEAKING, [c.CancelReply(1, e.CancelReason.ACTIVITY)], 2),
        (YIELDING, [c.CancelReply(1, e.CancelReason.ACTIVITY)], 2),
    ],
)
def test_start_takes_the_floor_at_once(state: State | str, commands: list[c.Command], turn: int) -> None:
    talk = talk_in(state)
    assert talk.at(3.1, START) == commands
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, turn, None)


def test_start_stops_even_what_speech_may_not() -> None:
    talk = speaking(TurnSettings(interruption=Interruption.DISABLED), say("listen", interruptible=False))
    assert talk.at(1.5, START) == [c.CancelReply(1, e.CancelReason.ACTIVITY)]


def test_between_start_and_end_no_silence_ends_the_turn() -> None:
    talk = talk_in(LISTENING)
    talk.at(0.0, START)
    for at in (1.0, 3.0, 5.0):
        talk.at(at, started())
        assert talk.at(at + 1.0, ended()) == []
        assert (talk.state, talk.deadline) == (HEARING, None)
    assert talk.at(9.0, END) == [c.AskTranscript(1)]
    assert talk.at(9.1, e.Transcribed(1, "hello")) == ANSWER_HELLO


def test_after_end_silence_ends_turns_again() -> None:
    talk = talk_in(LISTENING)
    talk.at(0.0, START)
    talk.at(1.0, END)
    talk.at(1.1, e.Transcribed(1, ""))
    talk.at(2.0, started())
    assert talk.at(3.0, ended()) == [c.AskTranscript(2)]
    assert talk.state is ENDING


@pytest.mark.parametrize("state", [HEARING, ENDING, AWAITING])
def test_cancel_forgets_what_was_said(state: State | str) -> None:
    talk = talk_in(state)
    assert talk.at(1.5, CANCEL) == [c.TakeBackSpeech(), c.DiscardTurn(1)]
    assert (talk.state, talk.deadline, talk.taker.words) == (LISTENING, None, "")


def test_cancel_still_answers_what_an_earlier_turn_gave_back() -> None:
    talk = talk_in(THINKING)
    talk.at(1.5, START)
    talk.at(2.0, CANCEL)
    answer = [(2.0, prepare(2, 2, "hello")), (2.0, c.CommitReply(2, 2, "hello", ""))]
    assert talk.log[1:] == [(2.0, c.TakeBackSpeech()), *answer]
    assert (talk.state, talk.deadline) == (THINKING, 2.0 + TO_APOLOGY)


def test_cancel_forgets_what_is_known_already() -> None:
    talk = talk_in(THINKING)
    talk.at(1.5, started())
    talk.at(2.0, ended())
    talk.at(2.1, e.Transcribed(2, "not meant"))
    assert talk.at(2.2, CANCEL)[2] == c.CommitReply(2, 2, "hello", "")


def test_cancel_ends_the_hold_of_the_button() -> None:
    talk = talk_in(LISTENING)
    talk.at(0.0, START)
    talk.at(1.0, CANCEL)
    talk.at(2.0, started())
    talk.at(3.0, ended())
    assert talk.state is ENDING


def test_the_rest_of_what_was_cancelled_is_forgotten() -> None:
    talk = talk_in(HEARING)
    talk.at(0.5, CANCEL)
    assert talk.at(1.0, ended()) == [c.Forget()]
    assert (talk.state, talk.taker.turn) == (LISTENING, 1)


def test_a_transcript_of_a_cancelled_turn_is_not_the_next_ones() -> None:
    talk = talk_in(ENDING)
    talk.at(1.05, CANCEL)
    talk.at(1.1, started())
    assert talk.at(1.2, e.Transcribed(1, "not meant")) == []
    assert talk.taker.words == ""


# ---------------------------------------------------------------- the stop button


def test_stop_before_the_answer_is_heard() -> None:
    talk = talk_in(THINKING)
    assert talk.at(1.5, STOP) == [c.CancelReply(1, e.CancelReason.REQUEST)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_stop_before_the_words_are_known() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.5, STOP) == [c.DiscardTurn(1)]
    assert talk.state is LISTENING
    assert talk.at(1.6, e.Transcribed(1, "hello")) == []


def test_stop_keeps_the_words_that_are_known_and_answers_none() -> None:
    talk = talk_in(AWAITING)
    talk.at(1.5, typed("quickly"))
    assert talk.at(1.6, STOP) == [
        prepare(1, 1, "quickly"),
        c.CommitReply(1, 1, "quickly", ""),
        c.CancelReply(1, e.CancelReason.REQUEST),
    ]
    assert (talk.state, talk.taker.words, talk.deadline) == (LISTENING, "", None)


def test_stop_while_speaking() -> None:
    talk = talk_in(SPEAKING)
    assert talk.at(3.0, STOP) == [c.CancelReply(1, e.CancelReason.REQUEST)]
    assert talk.state is LISTENING


def test_stop_while_yielding_leaves_the_floor_to_the_user() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, STOP) == [c.CancelReply(1, e.CancelReason.REQUEST)]
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 2)


def test_stop_lets_the_next_be_said() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, say("by the way"))
    assert talk.at(3.1, STOP)[1:] == [
        prepare(2, 2, "by the way", ReplyKind.VERBATIM),
        c.CommitReply(2, 2, "", None),
    ]


@pytest.mark.parametrize("audible", [False, True])
def test_stop_of_what_speech_may_not_interrupt_while_the_user_speaks(audible: bool) -> None:
    talk = Talk()
    talk.at(0.0, say("listen", interruptible=False))
    if audible:
        talk.at(0.5, e.ReplyAudible(1))
    talk.at(1.0, started())
    assert talk.at(1.5, STOP) == [c.CancelReply(1, e.CancelReason.REQUEST)]
    assert (talk.state, talk.taker.turn) == (HEARING, 2)
