"""When an utterance is over where nobody answers. Times are exact."""

from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.dictation import UtteranceTaker
from voice_grpc.core.turn_state import TurnSettings

SETTINGS = TurnSettings(hold=0.5, turn_deadline=8.0)


def taker() -> UtteranceTaker:
    return UtteranceTaker(lambda: SETTINGS)


def started() -> e.SpeechStarted:
    return e.SpeechStarted(0, 0.06, 0.9)


def ended() -> e.SpeechEnded:
    return e.SpeechEnded(0, 0.1, 0.1)


def test_an_utterance_ends_once_its_silence_lasted_and_its_words_are_there() -> None:
    talk = taker()
    assert talk.receive(started(), 0.0) == []
    assert talk.is_open
    assert talk.receive(ended(), 1.0) == [c.AskTranscript(1)]
    assert talk.deadline == 9.0
    assert talk.receive(e.Transcribed(1, "hello"), 1.2) == []
    assert talk.deadline == 1.4
    assert talk.receive(e.PatienceOver(), 1.4) == [c.FinishUtterance()]
    assert talk.deadline is None
    assert talk.is_at_rest


def test_words_that_come_after_the_hold_end_it_at_once() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    assert talk.receive(e.Transcribed(1, "hello"), 2.0) == [c.FinishUtterance()]


def test_who_goes_on_is_transcribed_again_and_the_first_words_end_nothing() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    assert talk.receive(started(), 1.2) == []
    assert talk.receive(e.Transcribed(1, "hel"), 1.3) == []
    assert talk.deadline is None
    assert talk.receive(ended(), 2.0) == [c.AskTranscript(2)]
    assert talk.receive(e.Transcribed(1, "hel"), 3.0) == []
    assert talk.receive(e.Transcribed(2, "hello"), 3.1) == [c.FinishUtterance()]


def test_a_microphone_that_closes_ends_it_without_the_hold() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    assert talk.receive(e.ActivityEnded(), 1.0) == [c.AskTranscript(1)]
    assert talk.receive(e.Transcribed(1, "hello"), 1.2) == [c.FinishUtterance()]


def test_one_that_closes_in_the_hold_waits_for_the_words_that_were_asked_for() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    assert talk.receive(e.ActivityEnded(), 1.1) == []
    assert talk.receive(e.Transcribed(1, "hello"), 1.2) == [c.FinishUtterance()]


def test_one_that_closes_where_nobody_spoke_ends_nothing() -> None:
    talk = taker()
    assert talk.receive(e.ActivityEnded(), 1.0) == []
    assert talk.is_at_rest


def test_words_that_do_not_come_are_given_up() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    assert talk.receive(e.PatienceOver(), 9.0) == [c.GiveUpTranscript(8.0), c.FinishUtterance()]
    assert talk.is_at_rest


def test_a_timer_that_is_early_ends_nothing() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    talk.receive(e.Transcribed(1, "hello"), 1.1)
    assert talk.receive(e.PatienceOver(), 1.3) == []
    assert talk.receive(e.PatienceOver(), 1.4) == [c.FinishUtterance()]
