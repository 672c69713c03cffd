"""When an utterance is over where nobody answers. Times are exact."""

from dataclasses import replace

import pytest

from voice_grpc.core import commands as c
from voice_grpc.core import events as e
from voice_grpc.core.dictation import UtteranceTaker
from voice_grpc.core.turn.patience import Profile
from voice_grpc.core.turn.settings import TurnSettings

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


def test_words_that_are_late_are_not_given_up_early() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    assert talk.receive(e.PatienceOver(), 1.4) == []
    assert talk.deadline == 9.0
    assert talk.receive(e.Transcribed(1, "hello"), 1.5) == [c.FinishUtterance()]


# ---------------------------------------------------------------- silences that last as the words ask

PATIENT = TurnSettings(profile=Profile.DICTATION)


def patient(settings: TurnSettings = PATIENT) -> UtteranceTaker:
    """Silent since 0.9 s, which is noticed at 1 s."""
    talk = UtteranceTaker(lambda: settings)
    talk.receive(started(), 0.0)
    talk.receive(ended(), 1.0)
    return talk


def over_at(talk: UtteranceTaker, text: str, now: float = 1.1, language: str = "en") -> float:
    talk.receive(e.Transcribed(1, text, language=language), now)
    assert talk.deadline is not None
    return talk.deadline


def test_an_open_end_is_waited_for_longer_than_a_whole_one() -> None:
    whole, unknown, half = (over_at(patient(), text) for text in ("I went to the city", "", "I went to the"))
    assert 0.9 + 0.8 < whole < unknown < half < 0.9 + 3.0


def test_bounds_hold_in_a_dictation_too() -> None:
    settings = replace(PATIENT, min_hold=1.0, max_hold=1.2)
    assert 1.9 <= over_at(patient(settings), "I went home") < over_at(patient(settings), "and the") <= 2.1


def test_an_open_end_that_is_known_late_still_makes_the_silence_longer() -> None:
    assert over_at(patient(), "I went to the", now=2.6) == over_at(patient(), "I went to the")
    talk = patient()
    assert talk.receive(e.Transcribed(1, "I went home", language="en"), 2.6) == [c.FinishUtterance()]


def test_a_language_that_is_not_told_again_is_the_last() -> None:
    talk = patient()
    talk.receive(e.Transcribed(1, "I went home", language="en"), 1.1)
    talk.receive(started(), 1.2)
    talk.receive(ended(), 2.0)
    talk.receive(e.Transcribed(2, "I went home to the"), 2.1)
    told = talk.deadline
    assert told is not None
    assert round(told - 1.9, 6) == round(over_at(patient(), "I went home to the") - 0.9, 6)


@pytest.mark.parametrize("ahead", [True, False])
def test_a_microphone_that_closed_makes_no_silence_longer(ahead: bool) -> None:
    talk = patient()
    if ahead:
        talk.receive(e.Transcribed(1, "and the", language="en"), 1.1)
        assert talk.receive(e.ActivityEnded(), 1.2) == [c.FinishUtterance()]
    else:
        talk.receive(e.ActivityEnded(), 1.1)
        assert talk.receive(e.Transcribed(1, "and the", language="en"), 1.2) == [c.FinishUtterance()]


# ---------------------------------------------------------------- utterances that are too long

LIMIT = e.TurnLimitReached()


def test_a_long_utterance_is_told_in_parts() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    for n in (1, 2):
        assert talk.receive(LIMIT, n * 60.0) == [c.SplitUtterance()]
        part = talk.receive(e.PartTranscribed(f"part {n}"), n * 60.0 + 1)
        assert part == [c.KeepPart(0, f"part {n}", f"part {n}")]
    talk.receive(ended(), 130.0)
    talk.receive(e.Transcribed(3, "the end"), 130.1)
    assert talk.receive(e.PatienceOver(), 130.4) == [c.FinishUtterance()]
    assert talk.is_at_rest


def test_its_end_waits_for_all_of_its_parts() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(LIMIT, 60.0)
    talk.receive(ended(), 61.0)
    talk.receive(e.Transcribed(2, "the end"), 61.1)
    assert talk.deadline is None
    assert talk.receive(e.PatienceOver(), 61.5) == []
    assert not talk.is_at_rest
    assert talk.receive(e.PartTranscribed("once"), 62.0) == [
        c.KeepPart(0, "once", "once"),
        c.FinishUtterance(),
    ]


def test_a_limit_in_a_silence_splits_once_the_user_goes_on() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 60.0)
    assert talk.receive(LIMIT, 60.1) == []
    assert talk.receive(started(), 60.2) == [c.SplitUtterance()]
    # What was asked for in the silence would say the part's words again.
    assert talk.receive(e.Transcribed(1, "once"), 60.3) == []
    assert talk.deadline is None


def test_a_limit_in_the_last_silence_splits_nothing() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 60.0)
    talk.receive(LIMIT, 60.1)
    talk.receive(e.Transcribed(1, "once"), 60.2)
    assert talk.receive(e.PatienceOver(), 60.4) == [c.FinishUtterance()]
    assert talk.receive(started(), 61.0) == []
    assert taker().receive(LIMIT, 1.0) == []


def test_a_part_that_fails_is_told_as_it_was_known() -> None:
    talk = taker()
    talk.receive(started(), 0.0)
    talk.receive(ended(), 50.0)
    talk.receive(e.Transcribed(1, "once"), 50.1)
    talk.receive(started(), 50.2)
    talk.receive(LIMIT, 60.0)
    assert talk.receive(e.PartTranscribed(""), 61.0) == [c.KeepPart(0, "once", "once")]
    talk.receive(LIMIT, 120.0)
    assert talk.receive(e.PartTranscribed(""), 121.0) == [c.KeepPart(0, "", "")]
