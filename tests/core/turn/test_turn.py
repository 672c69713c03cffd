"""The table of `turn.py`, row by row, and whole conversations. Times are exact."""

import pytest

from tests.script import ended, events, pause, started, user
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.core.turn.state import State
from voice_grpc.core.turn.taker import TRANSITIONS, TurnTaker

from .turn_script import (
    ANSWER_HELLO,
    AWAITING,
    CANCEL,
    END,
    ENDING,
    HEARING,
    HOLD,
    INTERRUPT,
    LISTENING,
    OVER,
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
    talk_in,
    typed,
)

# ---------------------------------------------------------------- LISTENING


def test_listening_speech_started() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(0.0, started()) == []
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, 1, None)


def test_listening_text() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(5.0, typed("hello")) == [prepare(1, 1, "hello"), c.CommitReply(1, 1, "hello", None)]
    assert (talk.state, talk.deadline) == (THINKING, 5.0 + TO_APOLOGY)


def test_listening_text_alone() -> None:
    talk = talk_in(LISTENING)
    prepared, _ = talk.at(5.0, e.TextReceived("hello", text_only=True))
    assert prepared == c.PrepareReply(1, 1, ReplyKind.ANSWER, "hello", text_only=True)


def test_listening_say() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(5.0, say("welcome")) == [
        prepare(1, 1, "welcome", ReplyKind.VERBATIM),
        c.CommitReply(1, 1, "", None),
    ]
    assert talk.state is THINKING


def test_listening_button() -> None:
    talk = talk_in(LISTENING)
    assert talk.at(1.0, START) == []
    assert (talk.state, talk.taker.turn) == (HEARING, 1)


# ---------------------------------------------------------------- HEARING


def test_hearing_speech_ended() -> None:
    talk = talk_in(HEARING)
    assert talk.at(1.0, ended()) == [c.AskTranscript(1)]
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)


def test_hearing_speech_ended_long_ago() -> None:
    talk = talk_in(HEARING)
    talk.at(1.0, ended(silence=0.9))
    assert talk.deadline == 1.0


def test_hearing_transcribed() -> None:
    talk = talk_in(ENDING)
    talk.at(1.2, started())
    assert talk.at(1.3, e.Transcribed(1, "hello")) == []
    assert (talk.state, talk.taker.words) == (HEARING, "hello")


def test_hearing_audio_ended() -> None:
    talk = talk_in(HEARING)
    assert talk.at(1.0, END) == [c.AskTranscript(1)]
    assert (talk.state, talk.deadline) == (THINKING, 1.0 + TO_APOLOGY)


def test_hearing_text_is_answered_with_what_is_said() -> None:
    talk = talk_in(HEARING)
    assert talk.at(0.5, typed("look:")) == []
    talk.at(1.0, ended())
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.404, OVER) == [
        prepare(1, 1, "look: hello"),
        c.CommitReply(1, 1, "look: hello", "hello"),
    ]


# ---------------------------------------------------------------- ENDING


def test_ending_speech_started() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, started()) == []
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 1)
    assert talk.taker.words == "hello"


def test_ending_transcribed_without_speculation() -> None:
    talk = talk_in(ENDING)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == []
    assert (talk.state, talk.deadline) == (ENDING, 1.0 + HOLD)


def test_ending_patience_over() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.404, OVER) == ANSWER_HELLO
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_ending_patience_over_and_nothing_was_said() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, ""))
    assert talk.at(1.404, OVER) == [c.DiscardTurn(1)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_ending_patience_over_before_the_words_are_known() -> None:
    talk = talk_in(ENDING)
    assert talk.at(1.404, OVER) == []
    assert (talk.state, talk.deadline) == (THINKING, 1.404 + TO_APOLOGY)


def test_ending_audio_ended_commits_at_once() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, END) == ANSWER_HELLO


def test_ending_text_is_answered_with_what_was_said() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    assert talk.at(1.2, typed("quickly")) == []
    assert talk.at(1.404, OVER)[1] == c.CommitReply(1, 1, "quickly hello", "hello")


# ---------------------------------------------------------------- THINKING


def test_thinking_speech_started_gives_the_words_to_the_next_turn() -> None:
    talk = talk_in(THINKING)
    assert talk.at(1.5, started()) == [given_back(1)]
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 2, "hello")
    talk.at(2.0, ended())
    talk.at(2.1, e.Transcribed(2, "world"))
    assert talk.at(2.404, OVER) == [
        prepare(2, 2, "hello world"),
        c.CommitReply(2, 2, "hello world", "world"),
    ]


def test_thinking_transcribed() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.6, e.Transcribed(1, "hello")) == ANSWER_HELLO
    assert talk.state is THINKING


def test_thinking_transcribed_and_nothing_was_said() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.6, e.Transcribed(1, "")) == [c.DiscardTurn(1)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_thinking_the_wait_for_the_words_counts_against_the_deadline() -> None:
    talk = talk_in(AWAITING)
    talk.at(6.0, e.Transcribed(1, "hello"))
    assert talk.deadline == 1.404 + TO_APOLOGY


def test_thinking_speech_started_before_the_words_are_known_goes_on_with_the_turn() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(1.5, started()) == []
    assert (talk.state, talk.taker.turn, talk.deadline) == (HEARING, 1, None)
    assert talk.at(2.0, ended()) == [c.AskTranscript(2)]
    assert talk.at(2.1, e.Transcribed(1, "hello")) == []
    talk.at(2.2, e.Transcribed(2, "hello world"))
    assert talk.at(2.404, OVER)[1] == c.CommitReply(1, 1, "hello world", "hello world")


def test_thinking_patience_over_is_an_apology() -> None:
    talk = talk_in(THINKING)
    at = 1.404 + TO_APOLOGY
    assert talk.at(at, OVER) == [
        c.CancelReply(1, e.CancelReason.DEADLINE),
        prepare(2, 1, "", ReplyKind.APOLOGY),
        c.CommitReply(2, 1, "", None),
    ]
    assert (talk.state, talk.deadline) == (THINKING, at + 1.5)
    assert talk.at(at + 0.1, e.ReplyAudible(2)) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)


def test_thinking_patience_over_twice_is_a_failure() -> None:
    talk = talk_in(THINKING)
    talk.at(7.904, OVER)
    assert talk.at(9.404, OVER) == [c.CancelReply(2, e.CancelReason.DEADLINE), c.DiscardTurn(1, failed=True)]
    assert (talk.state, talk.deadline) == (LISTENING, None)


def test_thinking_reply_audible() -> None:
    talk = talk_in(THINKING)
    assert talk.at(2.0, e.ReplyAudible(1)) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)


def test_thinking_reply_ended() -> None:
    talk = talk_in(THINKING)
    assert talk.at(2.0, e.ReplyEnded(1)) == []
    assert (talk.state, talk.deadline) == (LISTENING, None)


# ---------------------------------------------------------------- SPEAKING


def test_speaking_speech_started() -> None:
    talk = talk_in(SPEAKING)
    assert talk.at(3.0, started()) == []
    assert (talk.state, talk.deadline) == (YIELDING, 3.0 + INTERRUPT)


def test_speaking_speech_that_is_noticed_late_interrupts_sooner() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, started(speech=0.2))
    assert talk.deadline == 3.05
    talk = talk_in(SPEAKING)
    talk.at(3.0, started(speech=2.0))
    assert talk.deadline == 3.0


def test_speaking_reply_ended() -> None:
    talk = talk_in(SPEAKING)
    assert talk.at(3.0, e.ReplyEnded(1)) == []
    assert talk.state is LISTENING


# ---------------------------------------------------------------- YIELDING


def test_yielding_speech_ended_is_a_cough() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, ended()) == [c.Forget()]
    assert (talk.state, talk.deadline) == (SPEAKING, None)


def test_speech_that_comes_all_at_once_interrupts_however_soon_its_end_is_told() -> None:
    """Behind a stall of the line: 0.64 s of it within 0.08 s."""
    talk = talk_in(SPEAKING)
    talk.at(3.0, e.SpeechStarted(48_000, 0.064, 1.0))
    assert talk.state is YIELDING
    told = talk.at(3.08, e.SpeechEnded(48_000 + 10_240, 0.096, 0.0))
    assert told[0] == c.CancelReply(1, e.CancelReason.SPEECH)
    assert c.Forget() not in told
    assert (talk.state, talk.taker.turn) == (ENDING, 2)


def test_a_cough_that_comes_all_at_once_is_one() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, e.SpeechStarted(48_000, 0.064, 1.0))
    assert talk.at(3.08, e.SpeechEnded(48_000 + 1_600, 0.096, 0.0)) == [c.Forget()]
    assert talk.state is SPEAKING


def test_yielding_patience_over_interrupts() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.186, OVER) == [c.CancelReply(1, e.CancelReason.SPEECH)]
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 2)
    assert talk.taker.words == ""


def test_yielding_reply_ended() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1, e.ReplyEnded(1)) == []
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 2)


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (LISTENING, e.Transcribed(0, "late")),
        (LISTENING, OVER),
        (LISTENING, e.ReplyAudible(1)),
        (LISTENING, e.ReplyEnded(1)),
        (LISTENING, END),
        (LISTENING, CANCEL),
        (LISTENING, STOP),
        (HEARING, started()),
        (HEARING, OVER),
        (HEARING, e.ReplyAudible(1)),
        (HEARING, e.ReplyEnded(1)),
        (HEARING, STOP),
        (ENDING, ended()),
        (ENDING, e.ReplyAudible(1)),
        (ENDING, e.ReplyEnded(1)),
        (ENDING, STOP),
        (THINKING, e.Transcribed(1, "again")),
        (THINKING, END),
        (THINKING, CANCEL),
        (SPEAKING, e.Transcribed(1, "again")),
        (SPEAKING, OVER),
        (SPEAKING, e.ReplyAudible(1)),
        (SPEAKING, END),
        (SPEAKING, CANCEL),
        (YIELDING, started()),
        (YIELDING, e.Transcribed(1, "again")),
        (YIELDING, e.ReplyAudible(1)),
        (YIELDING, END),
        (YIELDING, CANCEL),
        (AWAITING, ended()),
        (AWAITING, END),
    ],
)
def test_empty_cells_are_ignored(state: State | str, event: e.Event) -> None:
    talk = talk_in(state)
    before = (talk.state, talk.deadline, talk.taker.turn, talk.taker.words, talk.taker.waiting)
    assert talk.at(10.0 if event is not OVER else 3.1, event) == []
    assert (talk.state, talk.deadline, talk.taker.turn, talk.taker.words, talk.taker.waiting) == before


def test_no_state_lacks_a_row() -> None:
    assert set(TRANSITIONS) == set(State)


# ---------------------------------------------------------------- whole conversations


def test_a_turn_from_a_script() -> None:
    talk = Talk()
    talk.play(user(0.5, 1.2, "hello"), pause(0.3), user(0.0, 0.5, "there"))
    assert talk.log == [
        (1.796, c.AskTranscript(1)),
        (2.596, c.AskTranscript(2)),
    ]
    talk.at(2.7, e.Transcribed(2, "hello there"))
    assert talk.deadline == 3.0
    talk = Talk()
    talk.play(user(0.5, 1.2, "hello"), pause(0.3), user(0.0, 0.5, "there"), user(9.0, 0.1, "bye"))
    assert talk.log[2:5] == [
        (3.0, prepare(1, 1, "hello there")),
        (3.0, c.CommitReply(1, 1, "hello there", "hello there")),
        (9.5, c.CancelReply(1, e.CancelReason.DEADLINE)),
    ]


def test_a_pause_longer_than_the_hold_makes_two_turns_of_which_the_second_has_all_words() -> None:
    talk = Talk()
    talk.play(user(0.0, 1.0, "what is"), pause(0.7), user(0.0, 1.0, "the time"), user(9.0, 1.0, ""))
    commits = [(at, command) for at, command in talk.log if isinstance(command, c.CommitReply)]
    assert commits[:2] == [
        (1.5, c.CommitReply(1, 1, "what is", "what is")),
        (3.2, c.CommitReply(2, 2, "what is the time", "the time")),
    ]
    assert (1.764, given_back(1)) in talk.log


def test_two_turns() -> None:
    talk = talk_in(SPEAKING)
    talk.at(3.0, e.ReplyEnded(1))
    talk.at(4.0, started())
    assert talk.at(5.0, ended()) == [c.AskTranscript(2)]
    talk.at(5.1, e.Transcribed(2, "again"))
    assert talk.at(5.404, OVER) == [prepare(2, 2, "again"), c.CommitReply(2, 2, "again", "again")]
    talk.at(6.0, e.ReplyAudible(2))
    assert talk.state is SPEAKING


def test_a_barge_in_from_a_script() -> None:
    talk = talk_in(SPEAKING)
    for at, event in events([user(3.0, 1.0, "stop it")]):
        if talk.taker.deadline is not None and talk.taker.deadline < at:
            talk.at(talk.taker.deadline, OVER)
        talk.at(at, event)
    assert talk.log == [(3.25, c.CancelReply(1, e.CancelReason.SPEECH)), (4.096, c.AskTranscript(2))]


# ---------------------------------------------------------------- settings


def test_new_settings_count_from_the_next_decision() -> None:
    talk = talk_in(ENDING)
    talk.settings = TurnSettings(hold=2.0)
    assert talk.deadline == 1.0 + HOLD
    talk.at(1.1, started())
    talk.at(2.0, ended())
    assert talk.deadline == 2.0 + 2.0 - 0.096


def test_turns_go_on_from_the_last_one_of_the_session() -> None:
    taker = TurnTaker(TurnSettings, last_turn=41)
    taker.receive(started(), 0.0)
    assert taker.turn == 42
