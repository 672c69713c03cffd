"""What may not be interrupted."""

from tests.script import ended, started
from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.commands import ReplyKind
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings

from .turn_script import HEARING, OVER, SPEAKING, THINKING, TO_APOLOGY, Talk, say, speaking, talk_in, typed


def test_speech_over_an_uninterruptible_say_is_forgotten() -> None:
    talk = speaking(TurnSettings(hold=0.5), say("listen", interruptible=False))
    assert talk.at(2.0, started()) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)
    assert talk.at(3.0, ended()) == [c.Forget()]
    assert talk.state is SPEAKING


def test_speech_before_an_uninterruptible_say_is_forgotten_too() -> None:
    talk = Talk()
    talk.at(0.0, say("listen", interruptible=False))
    assert talk.at(0.2, started()) == []
    assert talk.at(0.4, ended()) == [c.Forget()]
    assert (talk.state, talk.deadline) == (THINKING, TO_APOLOGY)


def test_speech_that_outlasts_an_uninterruptible_say_is_a_turn() -> None:
    talk = speaking(TurnSettings(hold=0.5), say("listen", interruptible=False))
    talk.at(2.0, started())
    assert talk.at(2.5, e.ReplyEnded(1)) == []
    assert (talk.state, talk.taker.turn) == (HEARING, 2)
    assert talk.at(3.0, ended()) == [c.AskTranscript(1)]


def test_an_uninterruptible_say_that_fails_leaves_the_floor_to_who_speaks() -> None:
    talk = Talk()
    talk.at(0.0, say("listen", interruptible=False))
    talk.at(1.0, started())
    apology = c.PrepareReply(2, 1, ReplyKind.APOLOGY, "", interruptible=False)
    assert talk.at(TO_APOLOGY, OVER)[1] == apology
    assert talk.at(TO_APOLOGY + 1.5, OVER)[1] == c.DiscardTurn(1, failed=True)
    assert (talk.state, talk.taker.turn) == (HEARING, 2)


def test_with_interruptions_off_speech_over_an_answer_is_forgotten() -> None:
    talk = talk_in(SPEAKING, TurnSettings(hold=0.5, interruption=Interruption.DISABLED))
    assert talk.at(3.0, started()) == []
    assert (talk.state, talk.deadline) == (SPEAKING, None)
    assert talk.at(4.0, ended()) == [c.Forget()]
    talk.at(5.0, started())
    talk.at(5.5, e.ReplyEnded(1))
    assert talk.state is HEARING


def test_text_interrupts_with_interruptions_off() -> None:
    talk = talk_in(SPEAKING, TurnSettings(hold=0.5, interruption=Interruption.DISABLED))
    assert talk.at(3.0, typed("stop"))[0] == c.CancelReply(1, e.CancelReason.TEXT)
