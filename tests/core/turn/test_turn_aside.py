"""A listener's word in the last moment of an answer, which is over by the time that the word is."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings

from .turn_script import LISTENING, OVER, SPEAKING, START, THINKING, Talk, talk_in, typed

YIELD = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
TOLD, ASKED = "That is all there is to it.", "That is all. Shall I go on?"


def said(talk: Talk, words: str, *, until: float = 3.5) -> list[c.Command]:
    """The voice ends, is transcribed, and silence follows; returns what came of it."""
    talk.at(until, ended(until))
    revision = next(one.revision for _, one in reversed(talk.log) if isinstance(one, c.AskTranscript))
    talk.at(until + 0.1, e.Transcribed(revision, words, language="en"))
    return talk.at(until + 0.5, OVER)


def under_voice(said_last: str = TOLD, settings: TurnSettings = YIELD) -> Talk:
    """The answer ends at 3.05, under a voice from 2.936 on."""
    talk = talk_in(SPEAKING, settings)
    talk.at(3.0, started(3.0))
    talk.at(3.05, e.ReplyEnded(1, said_last))
    return talk


def noticed_late(said_last: str = TOLD) -> Talk:
    """The answer ends at 2.95, and the voice of 2.936 is known at 3.0."""
    talk = talk_in(SPEAKING, YIELD)
    talk.at(2.95, e.ReplyEnded(1, said_last))
    talk.at(3.0, started(3.0))
    return talk


@pytest.mark.parametrize("words", ["Yeah.", "Mm-hmm.", "I see.", "Okay, yeah."])
@pytest.mark.parametrize("began", [under_voice, noticed_late])
def test_nobody_answers_it(began: Callable[..., Talk], words: str) -> None:
    talk = began()
    assert said(talk, words) == [c.DiscardTurn(2)]
    assert (talk.state, talk.taker.words) == (LISTENING, "")
    assert not [one for _, one in talk.log if isinstance(one, c.PrepareReply | c.CommitReply)]


@pytest.mark.parametrize("words", ["Yeah, but why?", "Two.", "Stop.", "And tomorrow?", "Really?", "Go on."])
@pytest.mark.parametrize("began", [under_voice, noticed_late])
def test_other_words_are_a_turn(began: Callable[..., Talk], words: str) -> None:
    talk = began()
    committed = said(talk, words)[-1]
    assert isinstance(committed, c.CommitReply)
    assert committed.message == words


@pytest.mark.parametrize("began", [under_voice, noticed_late])
def test_it_answers_a_question_that_was_just_asked(began: Callable[..., Talk]) -> None:
    committed = said(began(ASKED), "Yeah.")[-1]
    assert isinstance(committed, c.CommitReply)


def test_a_word_that_began_behind_the_answer_is_a_turn() -> None:
    talk = talk_in(SPEAKING, YIELD)
    talk.at(2.9, e.ReplyEnded(1, TOLD))
    talk.at(3.0, started(3.0))
    assert isinstance(said(talk, "Yeah.")[-1], c.CommitReply)


def test_it_counts_where_nothing_may_interrupt_too() -> None:
    talk = under_voice(settings=replace(YIELD, interruption=Interruption.DISABLED))
    assert said(talk, "Yeah.") == [c.DiscardTurn(2)]


def test_a_button_means_it() -> None:
    talk = under_voice()
    talk.at(3.1, START)
    assert talk.at(3.4, e.ActivityEnded())[-1:] == [c.AskTranscript(2)]
    talk.at(3.5, e.Transcribed(2, "Yeah.", language="en"))
    assert talk.state is THINKING
    assert talk.taker.turn == 2
    assert [one for _, one in talk.log if isinstance(one, c.CommitReply)]


def test_words_that_were_typed_with_it_are_answered() -> None:
    talk = under_voice()
    talk.at(3.2, typed("and tomorrow?"))
    committed = said(talk, "Yeah.")[-1]
    assert isinstance(committed, c.CommitReply)
    assert committed.message == "and tomorrow? Yeah."


def test_the_next_turn_is_a_turn() -> None:
    talk = under_voice()
    said(talk, "Yeah.")
    talk.at(5.0, started(5.0))
    committed = said(talk, "Yeah.", until=5.5)[-1]
    assert isinstance(committed, c.CommitReply)
    assert committed.message == "Yeah."
