"""Speech to text alone.

Speech that ends at E on the grid has its soft end at E + 0.1 and its final at E + 0.5, the hold.
"""

import asyncio
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.errors import BadField, EngineError, SlowClient
from voice_grpc.engines.scripted import HANG, Hearing

from ..faults import BusyVad, UnwillingStt
from ..harness import CONFIG, Client, Recording, changed, dictate, scripted
from ..microphone import Action, microphone, pause, script, sound, user
from ..rules import at

TWO = sound(user(1.28), pause(1.92), user(0.96), pause(1.28))
"""Until 1.28, and from 3.2 to 4.16."""


def finals(talk: Recording) -> list[tuple[float, str]]:
    return [(when, m.text) for when, m in talk.all(o.Transcript) if m.is_final]


def closing(when: float) -> list[Action]:
    return [(when, None)]


def ends_well(talk: Recording) -> None:
    assert talk.error is None
    assert not talk.left_over
    transcripts = [m for _, m in talk.all(o.Transcript)]
    places = [(m.segment, m.revision) for m in transcripts]
    assert places == sorted(set(places))
    segments = [m.segment for m in transcripts if m.is_final]
    assert segments == list(range(len(segments)))


def test_a_final_an_utterance() -> None:
    talk = dictate(script(microphone(TWO), closing(6.0)), scripted(["one two", "three four"]))
    ends_well(talk)
    assert finals(talk) == [(at(1.78), "one two"), (at(4.66), "three four")]
    assert talk.ended_at == at(6.0)
    assert {m.turn for _, m in talk.all(o.Transcript)} == {0}
    speaking = [m.speaking for _, m in talk.all(o.SpeechEvent)]
    assert speaking == [o.SpeechKind.STARTED, o.SpeechKind.STOPPED] * 2


def test_a_short_pause_is_part_of_the_utterance() -> None:
    ears = sound(user(0.96), pause(0.28), user(0.68), pause(1.28))
    talk = dictate(script(microphone(ears), closing(6.0)))
    ends_well(talk)
    assert finals(talk) == [(at(2.42), "hello there")]


def test_the_hold_is_a_setting() -> None:
    talk = dictate(script(microphone(TWO), closing(6.0)), config=changed(hold=1.0))
    assert [when for when, _ in finals(talk)] == [at(2.28), at(5.16)]


@pytest.mark.parametrize("closes", [0.5, 1.0, 1.28, 1.4, 1.7])
def test_half_close_gives_the_last_final(closes: float) -> None:
    ears = [action for action in microphone(TWO) if action[0] <= closes]
    talk = dictate([*ears, *closing(closes)])
    ends_well(talk)
    assert finals(talk) == [(at(closes), "hello there")]
    assert talk.ended_at == at(closes)


def test_half_close_waits_for_a_slow_transcript() -> None:
    ears = [action for action in microphone(TWO) if action[0] <= 1.0]
    talk = dictate([*ears, *closing(1.0)], scripted([Hearing("hello there", 2.0)]))
    assert finals(talk) == [(at(3.0), "hello there")]


def test_audio_end_is_the_end_of_the_utterance() -> None:
    talk = dictate([*microphone(user(1.28)), (1.3, i.AudioInputEnd()), *closing(3.0)])
    ends_well(talk)
    assert finals(talk) == [(at(1.3), "hello there")]


def test_silence_alone_gives_nothing() -> None:
    talk = dictate([*microphone(pause(2.0)), *closing(2.0)])
    ends_well(talk)
    assert not talk.said
    assert talk.ended_at == at(2.0)


def test_nothing_at_all_gives_nothing() -> None:
    talk = dictate(closing(0.0))
    ends_well(talk)
    assert not talk.said


def test_an_engine_that_fails_costs_one_utterance() -> None:
    engines = scripted([Hearing("", error=EngineError("stt", "no")), "three four"])
    talk = dictate(script(microphone(TWO), closing(6.0)), engines)
    ends_well(talk)
    assert talk.notices() == [("stt", "ENGINE_ERROR")]
    assert finals(talk) == [(at(1.78), ""), (at(4.66), "three four")]


def test_an_engine_that_hangs_costs_one_utterance() -> None:
    # Asked for at 1.38, given up 8 s later.
    ears = microphone(sound(user(1.28), pause(14.72), user(1.28), pause(2.0)))
    talk = dictate(script(ears, closing(20.0)), scripted([Hearing("", HANG), "three four"]))
    ends_well(talk)
    assert talk.notices() == [("stt", "ENGINE_TIMEOUT")]
    assert finals(talk) == [(at(9.38), ""), (at(17.78), "three four")]


def test_an_engine_that_hangs_does_not_hold_up_the_end() -> None:
    ears = [action for action in microphone(TWO) if action[0] <= 1.0]
    talk = dictate([*ears, *closing(1.0)], scripted([Hearing("", HANG)]))
    assert finals(talk) == [(at(9.0), "")]
    assert talk.ended_at == at(9.0)
    assert not talk.left_over


@pytest.mark.parametrize("place", ["open", "feed", "interim", "close"])
def test_a_recogniser_that_fails_anywhere(place: str) -> None:
    engines = replace(scripted(), stt=UnwillingStt(place))
    talk = dictate(script(microphone(TWO), closing(6.0)), engines)
    ends_well(talk)
    first = "" if place in ("open", "feed") else "hello there"
    assert [text for _, text in finals(talk)] == [first, "hello there"]


def test_a_caller_s_error_in_mid_stream_comes_out_as_it_is() -> None:
    error = BadField("config", "a second config", "config once")
    talk = dictate([*microphone(user(1.28)), (1.0, error)])
    assert talk.error is error
    assert not talk.left_over


def test_a_caller_who_hangs_up_leaves_nothing() -> None:
    talk = dictate([*microphone(user(1.28)), (1.0, asyncio.CancelledError())])
    assert isinstance(talk.error, asyncio.CancelledError)
    assert not talk.left_over


def test_a_caller_who_does_not_read_is_ended() -> None:
    client = Client((), stops_reading_at=0.0)
    talk = dictate(script(microphone(TWO), closing(6.0)), client=client)
    assert isinstance(talk.error, SlowClient)
    assert not talk.left_over


def test_sound_that_comes_faster_than_it_is_spoken() -> None:
    """A recording as fast as the caller can send it: the detector is waited for, and nothing is lost.

    No silence lasts by the clock, so all of it is one utterance.
    """
    recording = sound(*[user(1.28), pause(0.32)] * 10)
    burst: list[Action] = [(0.0, action) for _, action in microphone(recording)]
    engines = scripted(["all of it"])
    talk = dictate([*burst, *closing(0.0)], replace(engines, vad=BusyVad()))
    ends_well(talk)
    assert not talk.notices()
    (final,) = [m for _, m in talk.all(o.Transcript) if m.is_final]
    # To the third window of the last silence, at which it was asked for.
    assert (final.start, final.end) == (0, len(recording) - round((0.32 - 0.096) * 16_000))


def test_interims_can_be_left_out() -> None:
    talk = dictate(script(microphone(TWO), closing(6.0)), config=replace(CONFIG, sends_interims=False))
    assert all(m.is_final for _, m in talk.all(o.Transcript))
