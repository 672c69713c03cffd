"""A turn that is too long for one message: its beginning becomes one, and nothing is lost or said twice."""

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.turn.settings import Speculation, TurnSettings

from .turn_script import CANCEL, END, HEARING, LISTENING, OVER, STOP, THINKING, Talk, prepare, score, scored

LIMIT = e.TurnLimitReached()


def test_a_turn_that_is_too_long_is_a_message_and_goes_on() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    assert talk.at(60.0, LIMIT) == [c.SplitUtterance()]
    assert (talk.state, talk.deadline, talk.taker.turn) == (HEARING, None, 1)
    assert talk.at(61.0, e.PartTranscribed("once upon")) == [c.KeepPart(1, "once upon", "once upon")]
    talk.at(70.0, ended(70.0))
    talk.at(70.1, e.Transcribed(1, "a time"))
    assert talk.at(70.404, OVER) == [
        prepare(1, 1, "once upon a time"),
        c.CommitReply(1, 1, "once upon a time", "a time"),
    ]


def test_a_part_is_waited_for() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(60.0, LIMIT)
    talk.at(61.0, ended(61.0))
    talk.at(61.1, e.Transcribed(1, "a time"))
    assert talk.at(61.404, OVER) == []
    assert talk.state is THINKING
    assert talk.at(63.0, e.PartTranscribed("once upon")) == [
        c.KeepPart(1, "once upon", "once upon"),
        prepare(1, 1, "once upon a time"),
        c.CommitReply(1, 1, "once upon a time", "a time"),
    ]
    assert talk.deadline == 61.404 + 6.5


def test_a_part_that_comes_in_the_silence_is_scored_with_the_rest() -> None:
    talk = Talk(TurnSettings(hold=0.5, speculation=Speculation.LLM))
    talk.at(0.0, started())
    talk.at(60.0, LIMIT)
    talk.at(61.0, ended(61.0))
    assert talk.at(61.1, e.Transcribed(1, "a time")) == []
    assert talk.at(61.2, e.PartTranscribed("once upon"))[1:] == [score(1, "once upon a time")]


def test_a_prepared_reply_waits_for_the_part_that_may_be_all_its_words() -> None:
    talk = Talk(TurnSettings(hold=0.5, speculation=Speculation.LLM))
    talk.at(0.0, started())
    talk.at(59.0, ended(59.0))
    talk.at(59.1, e.Transcribed(1, "once upon"))
    talk.at(59.2, scored("once upon"))
    talk.at(59.3, started(59.3))
    talk.at(60.0, LIMIT)
    talk.at(61.0, ended(61.0))
    assert talk.at(61.1, e.Transcribed(2, "")) == []
    part = talk.at(61.2, e.PartTranscribed("Once upon"))
    assert part == [c.KeepPart(1, "Once upon", "Once upon")]
    assert talk.at(61.404, OVER) == [c.CommitReply(1, 1, "Once upon", "")]


def test_a_part_that_fails_keeps_what_was_known_of_it() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(50.0, ended(50.0))
    talk.at(50.1, e.Transcribed(1, "once upon"))
    talk.at(50.2, started(50.2))
    talk.at(60.0, LIMIT)
    assert talk.taker.words == "once upon"
    assert talk.at(61.0, e.PartTranscribed("")) == [c.KeepPart(1, "once upon", "once upon")]
    assert talk.taker.words == "once upon"


def test_a_transcript_from_before_the_split_says_nothing_twice() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(59.9, e.SpeechFaded(ended(60.0).position))
    talk.at(60.0, LIMIT)
    talk.at(60.5, e.PartTranscribed("once upon"))
    assert talk.at(61.0, e.Transcribed(1, "once upon")) == []
    assert talk.taker.words == "once upon"
    assert talk.at(62.0, ended(60.0)) == [c.AskTranscript(2)]


def test_a_limit_that_is_reached_in_a_silence_splits_once_the_user_goes_on() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(60.0, ended(60.0))
    assert talk.at(60.1, LIMIT) == []
    assert talk.at(60.2, started(60.2)) == [c.SplitUtterance()]
    assert talk.at(60.3, LIMIT) == [c.SplitUtterance()]


def test_a_limit_that_is_reached_in_the_last_silence_splits_nothing() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(60.0, ended(60.0))
    talk.at(60.1, LIMIT)
    talk.at(60.2, e.Transcribed(1, "once"))
    talk.at(60.404, OVER)
    talk.at(61.0, e.ReplyEnded(1))
    talk.at(62.0, started(62.0))
    talk.at(62.5, ended(62.5))
    assert talk.at(62.6, started(62.6)) == []


def test_a_cancelled_turn_takes_its_parts_along() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(60.0, LIMIT)
    talk.at(61.0, e.PartTranscribed("once upon"))
    assert talk.at(62.0, CANCEL) == [c.TakeBackSpeech(), c.DiscardTurn(1)]
    assert talk.taker.words == ""


def test_a_stop_while_a_part_is_awaited_answers_nothing() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(60.0, LIMIT)
    talk.at(61.0, END)
    assert talk.at(61.5, STOP) == [c.DiscardTurn(1)]
    assert talk.at(62.0, e.PartTranscribed("once upon")) == []
    assert talk.state is LISTENING


def test_an_answer_nobody_heard_gives_all_parts_back() -> None:
    talk = Talk(TurnSettings(hold=0.5))
    talk.at(0.0, started())
    talk.at(60.0, LIMIT)
    talk.at(61.0, e.PartTranscribed("once upon"))
    talk.at(62.0, ended(62.0))
    talk.at(62.1, e.Transcribed(1, "a time"))
    talk.at(62.404, OVER)
    assert talk.at(62.5, started(62.5)) == [c.CancelReply(1, e.CancelReason.SPEECH, returns_words=True)]
    assert talk.taker.words == "once upon a time"
