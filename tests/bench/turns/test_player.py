"""A case is said by the clock whatever the server does, and what is noted is when something was heard.

The servers are real ones on scripted engines. Sound is played in real time: what is asserted has seconds of
room, or is an order.
"""

import numpy as np
import pytest

from voice_grpc.bench.load import FRAME, FRAME_SECONDS
from voice_grpc.bench.turns import player
from voice_grpc.bench.turns.material import TurnCase, cut, whole
from voice_grpc.bench.turns.player import Ear, TurnNotes, play
from voice_grpc.client import CallFailed
from voice_grpc.core.audio import RATE_HZ, sample_count, seconds, silence
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import Script, ScriptedAnswer, ScriptedLlm, tone
from voice_grpc.pb import voice_pb2 as pb

from ...serving import serving

HUM = tone(0.4, 200.0, RATE_HZ)
WHOLE = whole("hello", HUM)


def held(pause: float) -> TurnCase:
    return cut("hello, … there", np.concatenate((HUM, HUM)), len(HUM), pause)


def hold(milliseconds: int) -> pb.TurnDetection:
    detection = pb.TurnDetection()
    detection.hold.FromMilliseconds(milliseconds)
    return detection


# ---------------------------------------------------------------- the ear


def test_sound_is_heard_when_it_comes() -> None:
    assert Ear().audible(1, tone(0.1), 24_000, 5.0) == 5.0


def test_silence_before_it_is_played_first() -> None:
    sound = np.concatenate((silence(0.1, 24_000), tone(0.1)))
    assert Ear().audible(1, sound, 24_000, 5.0) == pytest.approx(5.1)


def test_silent_chunks_that_came_all_at_once_are_played_one_after_the_other() -> None:
    ear = Ear()
    assert [ear.audible(1, silence(0.1, 24_000), 24_000, at) for at in (5.0, 5.01)] == [None, None]
    assert ear.audible(1, tone(0.1), 24_000, 5.02) == pytest.approx(5.2)


def test_what_comes_after_a_gap_is_heard_when_it_comes_and_turns_do_not_wait_for_each_other() -> None:
    ear = Ear()
    ear.audible(1, silence(0.1, 24_000), 24_000, 5.0)
    assert ear.audible(1, tone(0.1), 24_000, 6.0) == pytest.approx(6.0)
    ear.audible(2, silence(3.0, 24_000), 24_000, 6.0)
    assert ear.audible(3, tone(0.1), 24_000, 6.1) == pytest.approx(6.1)


# ---------------------------------------------------------------- whose answer it is


def test_the_end_is_answered_by_a_turn_that_was_over_and_heard_after_it() -> None:
    notes = TurnNotes(committed={1: 1.0, 2: 2.5, 3: 3.5}, audible={1: 2.2, 2: 2.8, 3: 4.0})
    assert notes.answer_to(2.0) == 2
    assert notes.answer_to(0.5) == 1
    assert notes.answer_to(3.0) == 3
    assert notes.answer_to(4.5) == 0


def test_an_apology_is_no_answer() -> None:
    assert TurnNotes(committed={1: 2.5}, audible={1: 2.8}, failed={1}).answer_to(2.0) == 0


# ---------------------------------------------------------------- with a server


async def test_a_finished_sentence_is_answered_after_the_hold() -> None:
    async with serving() as served:
        notes = await play(served.channel, WHOLE, hold(300))
    end = seconds(WHOLE.end)
    turn = notes.answer_to(end)
    assert turn == 1
    assert end + 0.3 - 0.032 <= notes.committed[turn] <= notes.audible[turn]
    assert notes.metrics[turn].tts_characters > 0
    assert notes.failure == ""


async def test_frames_leave_by_the_clock_until_it_is_answered() -> None:
    async with serving() as served:
        notes = await play(served.channel, WHOLE, hold(300))
    assert min(notes.lateness) >= 0
    said = len(notes.lateness) * FRAME_SECONDS
    assert said == pytest.approx(notes.audible[1], abs=0.5)


async def test_a_pause_longer_than_the_hold_is_answered_and_the_end_again() -> None:
    case = held(1.5)
    async with serving() as served:
        notes = await play(served.channel, case, hold(200))
    start, stop = (seconds(at) for at in case.pauses[0].span)
    first, last = min(notes.audible), notes.answer_to(seconds(case.end))
    assert start < notes.committed[first] <= notes.audible[first] < stop
    assert last > first
    assert {first, last} <= notes.metrics.keys()


async def test_a_pause_shorter_than_the_hold_is_waited_for() -> None:
    case = held(0.3)
    async with serving() as served:
        notes = await play(served.channel, case, hold(1500))
    assert len(notes.audible) == 1
    assert min(notes.committed.values()) > seconds(case.end)


async def test_who_is_never_answered_stops_at_the_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "ANSWER_WITHIN", 0.6)
    script = Script(llm=ScriptedLlm([ScriptedAnswer("", hangs=True)]))
    async with serving(script) as served:
        notes = await play(served.channel, WHOLE, hold(200))
    assert notes.committed
    assert notes.audible == {}
    assert len(notes.lateness) == (WHOLE.end + sample_count(0.6)) // FRAME


async def test_an_apology_that_is_heard_is_noted_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player, "ANSWER_WITHIN", 1.5)
    script = Script(llm=ScriptedLlm([ScriptedAnswer("", error=EngineError("llm", "it broke"))]))
    async with serving(script) as served:
        notes = await play(served.channel, WHOLE, hold(200))
    assert notes.audible.keys() == notes.failed
    assert notes.answer_to(seconds(WHOLE.end)) == 0


async def test_a_call_that_ends_too_early_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(max_age=0.5, drain_seconds=0.1) as served:
        notes = await play(served.channel, held(2.0), hold(3000))
    assert notes.failure
    assert notes.answer_to(0.0) == 0


async def test_a_server_that_refuses_is_told() -> None:
    async with serving(is_open=False) as served:
        with pytest.raises(CallFailed):
            await play(served.channel, WHOLE, hold(200))
