"""The caller is gone, at every moment of a turn and in every way: nothing is left over, what was heard is."""

import asyncio
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core.conversation import Heard
from voice_grpc.core.errors import SlowClient
from voice_grpc.engines.scripted import Hearing, ScriptedAnswer, Voicing
from voice_grpc.session.reader import HungUp, one_error

from ..faults import UnwillingStt
from ..harness import Recording, converse, scripted
from ..microphone import microphone, pause, sound, user

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
EARS = microphone(sound(user(1.28), pause(3.52), user(0.96), pause(4.24)))
"""Asked from 0 to 1.28, answered from 2.48 on (0.7 s after the commit at 1.78), interrupted at 4.8 + 0.25,
asked again until 5.76."""
TIMES = [quarter / 4 for quarter in range(41)]


def hang_up(cancel_at: float | None = None, error: BaseException | None = None, at: float = 0.0) -> Recording:
    engines = scripted(
        [Hearing("tell me a story", 0.2), Hearing("stop it", 0.2)],
        [ScriptedAnswer(STORY, 0.4, 0.02), ScriptedAnswer("As you like.", 0.4)],
        Voicing(0.22),
    )
    ending = [] if error is None else [(at, error)]
    return converse([*EARS, *ending], engines, cancel_at=cancel_at, ends_at=None)


def leaves_what_was_heard(talk: Recording, at: float) -> None:
    assert talk.is_closed
    assert not talk.left_over
    assert talk.script.llm.open == 0
    assert talk.saved is not None
    # The decision is made at 1.78; before it nobody knows that these words are a turn, and before
    # 1.58 nobody knows the words.
    said = [text for role, text in talk.history if role == "user"]
    assert said[:1] == (["tell me a story"] if at > 1.6 else said[:1])
    answers = [text for role, text in talk.history if role == "assistant"]
    if 3.5 < at < 5.0:
        assert answers
        assert STORY.startswith(answers[0])
        assert answers[0] != STORY
    assert talk.saved.last_turn >= (1 if at > 0.1 else 0)


@pytest.mark.parametrize("at", TIMES)
def test_the_call_is_cancelled(at: float) -> None:
    talk = hang_up(cancel_at=at)
    assert isinstance(talk.error, asyncio.CancelledError)
    assert talk.ended_at == pytest.approx(at, abs=1e-5)
    leaves_what_was_heard(talk, at)


@pytest.mark.parametrize("at", TIMES)
def test_the_stream_of_requests_is_cancelled(at: float) -> None:
    talk = hang_up(error=asyncio.CancelledError(), at=at)
    assert isinstance(talk.error, asyncio.CancelledError)
    assert talk.ended_at == pytest.approx(at, abs=1e-5)
    leaves_what_was_heard(talk, at)


@pytest.mark.parametrize("at", TIMES)
def test_the_stream_of_requests_breaks(at: float) -> None:
    talk = hang_up(error=ConnectionResetError("gone"), at=at)
    assert isinstance(talk.error, ExceptionGroup)
    assert talk.error.subgroup(ConnectionResetError)
    assert talk.ended_at == pytest.approx(at, abs=1e-5)
    leaves_what_was_heard(talk, at)


@pytest.mark.parametrize("place", ["interim", "final", "close"])
@pytest.mark.parametrize("at", [0.8, 1.5, 3.0])
def test_a_recogniser_that_hangs_does_not_hold_up_the_end(place: str, at: float) -> None:
    engines = scripted()
    stt = UnwillingStt(place, hangs=True)
    talk = converse(EARS, engines, engines=replace(engines.engines, stt=stt), cancel_at=at, ends_at=None)
    assert talk.ended_at <= at + 2.001
    assert not talk.left_over


def test_what_was_heard_is_by_the_report_where_there_was_one() -> None:
    engines = scripted(answers=[STORY])
    report = (2.0, i.PlaybackReport(1, i.PlaybackState.PROGRESS, 12_000))
    talk = converse([(1.0, i.TextInput("a story")), report], engines, cancel_at=2.5, ends_at=None)
    # 0.5 s at 2.0, so 1.0 s at 2.5: of 20 beats in 2.1 s "a" ends at 0.84 s, half of "time" is at 1.0 s.
    assert talk.history[1] == ("assistant", "Once upon a time")
    assert talk.messages[1].heard is Heard.REPORTED


# ---------------------------------------------------------------- what a group of tasks failed of


def failed_of(*errors: BaseException) -> None:
    with one_error():
        raise BaseExceptionGroup("tasks", errors)


def test_an_error_of_ours_counts_more_than_that_nobody_is_there() -> None:
    for errors in ((SlowClient("slow"), HungUp()), (HungUp(), SlowClient("slow"))):
        with pytest.raises(SlowClient, match="slow"):
            failed_of(*errors)
        with pytest.raises(SlowClient, match="slow"):
            failed_of(BaseExceptionGroup("inner", errors))


def test_a_hang_up_alone_is_a_cancelled_call() -> None:
    with pytest.raises(asyncio.CancelledError):
        failed_of(HungUp())


def test_a_bug_stays_what_it_is() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        failed_of(SlowClient("slow"), KeyError("bug"), HungUp())
    assert any(isinstance(error, KeyError) for error in caught.value.exceptions)
