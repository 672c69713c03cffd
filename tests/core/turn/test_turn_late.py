"""What comes too late, and transcripts that fail."""

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind

from .turn_script import (
    ANSWER_HELLO,
    AWAITING,
    EAGER,
    ENDING,
    HEARING,
    OVER,
    SPEAKING,
    THINKING,
    TO_APOLOGY,
    YIELDING,
    Talk,
    prepare,
    score,
    scored,
    talk_in,
    typed,
)

# ---------------------------------------------------------------- what comes too late


def test_a_dead_reply_changes_nothing() -> None:
    talk = talk_in(THINKING)
    talk.at(1.5, typed("quickly"))
    assert talk.at(1.6, e.ReplyAudible(1)) == []
    assert talk.at(1.7, e.ReplyEnded(1)) == []
    assert (talk.state, talk.deadline) == (THINKING, 1.5 + TO_APOLOGY)
    talk.at(2.0, e.ReplyAudible(2))
    assert talk.at(2.1, e.ReplyEnded(1)) == []
    assert talk.state is SPEAKING


def test_a_transcript_that_was_overtaken_changes_nothing() -> None:
    talk = talk_in(ENDING)
    talk.at(1.05, started())
    talk.at(1.5, ended())
    assert talk.at(1.6, e.Transcribed(1, "hel")) == []
    assert talk.taker.words == ""
    talk.at(1.7, e.Transcribed(2, "hello"))
    assert talk.taker.words == "hello"


def test_a_transcript_that_comes_twice_counts_once() -> None:
    talk = talk_in(ENDING, EAGER)
    assert talk.at(1.1, e.Transcribed(1, "hello")) == [score(1, "hello")]
    assert talk.at(1.15, scored("hello")) == [prepare(1, 1, "hello")]
    assert talk.at(1.2, e.Transcribed(1, "yellow")) == []
    assert talk.at(1.404, OVER) == [c.CommitReply(1, 1, "hello", "hello")]


def test_a_timer_that_was_overtaken_changes_nothing() -> None:
    talk = talk_in(ENDING)
    assert talk.at(1.4, OVER) == []
    assert talk.state is ENDING


def test_a_timer_that_rounds_is_on_time() -> None:
    talk = talk_in(YIELDING)
    assert talk.at(3.1859999, OVER) == [c.CancelReply(1, e.CancelReason.SPEECH)]


# ---------------------------------------------------------------- transcripts that fail


def test_a_failed_transcript_keeps_what_an_earlier_one_knew() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    talk.at(1.2, started())
    talk.at(2.0, ended())
    talk.at(2.1, e.Transcribed(2, "", failed=True))
    assert talk.at(2.404, OVER) == ANSWER_HELLO


def test_a_failed_transcript_and_nothing_known_is_an_apology() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "", failed=True))
    assert talk.at(1.404, OVER) == [prepare(1, 1, "", ReplyKind.APOLOGY), c.CommitReply(1, 1, "", "")]


def test_a_failed_transcript_that_comes_late_leaves_time_for_the_apology() -> None:
    talk = talk_in(AWAITING)
    talk.at(7.8, e.Transcribed(1, "", failed=True))
    assert talk.log == [(7.8, prepare(1, 1, "", ReplyKind.APOLOGY)), (7.8, c.CommitReply(1, 1, "", ""))]
    assert talk.deadline == 1.404 + 8.0


def test_words_that_are_never_known_end_in_an_apology() -> None:
    talk = talk_in(AWAITING)
    assert talk.at(7.904, OVER) == [prepare(1, 1, "", ReplyKind.APOLOGY), c.CommitReply(1, 1, "", "")]
    assert talk.deadline == 9.404
    assert talk.at(8.0, e.Transcribed(1, "hello")) == []


def test_an_apology_for_a_late_transcript_remembers_what_was_known() -> None:
    talk = talk_in(ENDING)
    talk.at(1.1, e.Transcribed(1, "hello"))
    talk.at(1.2, started())
    talk.at(2.0, ended())
    talk.at(2.404, OVER)
    assert talk.at(8.904, OVER)[1] == c.CommitReply(1, 1, "hello", "hello")
    assert talk.taker.words == ""


def test_an_apology_keeps_to_text_where_the_answer_would_have() -> None:
    talk = Talk()
    talk.at(0.0, e.TextReceived("hello", text_only=True))
    apology = c.PrepareReply(2, 1, ReplyKind.APOLOGY, "", text_only=True)
    assert talk.at(TO_APOLOGY, OVER)[1] == apology


def test_the_user_may_speak_over_an_apology_nobody_heard_yet() -> None:
    talk = talk_in(THINKING)
    talk.at(7.904, OVER)
    assert talk.at(8.0, started()) == [c.CancelReply(2, e.CancelReason.SPEECH)]
    assert (talk.state, talk.taker.turn, talk.taker.words) == (HEARING, 2, "")


def test_a_failed_transcript_of_what_an_interim_one_heard_whole_is_answered_by_that() -> None:
    talk = talk_in(HEARING)
    talk.at(0.9, e.InterimHeard("hello", ended(1.0).position))
    talk.at(1.0, ended(1.0))
    talk.at(1.1, e.Transcribed(1, "", failed=True))
    assert talk.at(1.404, OVER) == ANSWER_HELLO


def test_a_failed_transcript_of_which_an_interim_one_heard_half_is_an_apology() -> None:
    talk = talk_in(HEARING)
    talk.at(0.6, e.InterimHeard("hel", ended(0.6).position))
    talk.at(1.0, ended(1.0))
    talk.at(1.1, e.Transcribed(1, "", failed=True))
    assert talk.at(1.404, OVER) == [prepare(1, 1, "", ReplyKind.APOLOGY), c.CommitReply(1, 1, "", "")]
