"""An answer that came too early: who goes on as soon as it begins was not done."""

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind

from .turn_script import CANCEL, LISTENING, OVER, PATIENT, Talk, answering, prepare, score, scored


def interrupted(onset: float) -> Talk:
    """Somebody speaks over it from `onset` on, for a second."""
    talk = answering("turn off")
    talk.at(onset + 0.064, started(onset + 0.064))
    assert talk.at(onset + 0.25, OVER) == [c.CancelReply(1, e.CancelReason.SPEECH)]
    talk.at(onset + 1.0, ended(onset + 1.0))
    return talk


@pytest.mark.parametrize(("onset", "continues"), [(2.95, 1), (3.3, 1), (3.7, 1), (3.72, 0), (5.0, 0)])
def test_who_goes_on_as_soon_as_the_answer_begins_was_not_done(onset: float, continues: int) -> None:
    talk = interrupted(onset)
    asked = talk.at(onset + 1.1, e.Transcribed(2, "the light", language="en"))
    assert asked == [c.ScoreWords(2, "the light", continues)]
    prepared = talk.at(onset + 1.2, scored("the light", 0.9))
    assert prepared == [c.PrepareReply(2, 2, ReplyKind.ANSWER, "the light", continues=continues)]
    commit = talk.at(onset + 4.0, OVER)[-1]
    assert isinstance(commit, c.CommitReply)
    assert commit.continues == continues


@pytest.mark.parametrize("words", ["mhm", "Yeah.", "okay, right"])
def test_who_only_listens_goes_on_with_nothing(words: str) -> None:
    talk = interrupted(3.3)
    assert talk.at(4.4, e.Transcribed(2, words, language="en")) == [score(2, words)]
    assert talk.at(4.5, scored(words, 0.9)) == [prepare(2, 2, words)]
    commit = talk.at(7.0, OVER)[-1]
    assert isinstance(commit, c.CommitReply)
    assert commit.continues == 0


def test_words_that_are_given_back_still_go_on_with_it() -> None:
    talk = interrupted(3.3)
    talk.at(4.4, e.Transcribed(2, "the light", language="en"))
    talk.at(6.0, OVER)
    talk.at(6.5, started(6.5))
    talk.at(7.0, ended(7.0))
    asked = talk.at(7.1, e.Transcribed(3, "upstairs", language="en"))
    assert asked == [c.ScoreWords(3, "the light upstairs", 1)]


def test_the_judge_hears_one_sentence_where_the_recogniser_ended_one_at_a_pause() -> None:
    talk = Talk(PATIENT)
    talk.at(1.0, started(1.0))
    talk.at(2.0, ended(2.0))
    talk.at(2.1, e.Transcribed(1, "A slice of apple cake.", language="en"))
    talk.at(2.2, scored("A slice of apple cake.", 0.9))
    assert isinstance(talk.at(3.0, OVER)[-1], c.CommitReply)
    talk.at(3.1, started(3.1))
    talk.at(3.5, ended(3.5))
    asked = talk.at(3.6, e.Transcribed(2, "Please.", language="en"))
    words = "A slice of apple cake. Please."
    assert asked == [c.ScoreWords(2, words, unbroken="A slice of apple cake please.")]


def test_typed_words_that_join_go_on_with_it_too() -> None:
    talk = interrupted(3.3)
    talk.at(4.4, e.Transcribed(2, "the light", language="en"))
    talk.at(6.0, OVER)
    *_, prepared, commit = talk.at(6.5, e.TextReceived("upstairs"))
    assert prepared == c.PrepareReply(3, 3, ReplyKind.ANSWER, "the light upstairs", continues=1)
    assert commit == c.CommitReply(3, 3, "the light upstairs", None, 1)


@pytest.mark.parametrize("end", ["noise", "cancelled", "apology"])
def test_a_turn_that_comes_to_nothing_is_gone_on_with_by_no_later_one(end: str) -> None:
    talk = interrupted(3.3)
    if end == "cancelled":
        talk.at(4.4, CANCEL)
    else:
        talk.at(4.4, e.Transcribed(2, "", failed=end == "apology"))
        talk.at(7.0, OVER)
        if end == "apology":
            talk.at(7.5, e.ReplyAudible(2))
            talk.at(8.0, e.ReplyEnded(2))
    assert talk.state is LISTENING
    commit = talk.at(9.0, e.TextReceived("and now?"))[-1]
    assert isinstance(commit, c.CommitReply)
    assert commit.continues == 0
