"""A client that reads slowly is waited for; one that does not read at all is ended, and nothing is kept."""

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.errors import SlowClient
from voice_grpc.session.telling.outbox import SEND_SECONDS

from ..harness import Client, converse, scripted
from ..microphone import Action, microphone, pause, sound, user
from ..rules import at, check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
QUESTION = microphone(sound(user(1.28), pause(10.0)))


@pytest.mark.parametrize("stops", [0.0, 1.0, 1.5, 2.5])
@pytest.mark.parametrize("ends_at", [None, 3.0])
def test_a_client_that_never_reads_is_ended(stops: float, ends_at: float | None) -> None:
    engines = scripted(answers=[STORY])
    talk = converse(QUESTION, engines, client=Client((), stops_reading_at=stops), ends_at=ends_at)
    assert isinstance(talk.error, SlowClient)
    assert "read" in str(talk.error)
    # The first message after it stopped waits for so long; there is one within 4 s.
    assert talk.ended_at <= stops + 4.0 + SEND_SECONDS
    assert not talk.left_over
    assert talk.is_closed
    assert engines.llm.open == 0


def test_what_was_heard_is_kept() -> None:
    client = Client((), stops_reading_at=2.5)
    talk = converse(QUESTION, scripted(answers=[STORY]), client=client, ends_at=None)
    assert talk.history[0] == ("user", "hello there")
    assert STORY.startswith(talk.history[1][1])


def test_a_flood_for_a_client_that_never_reads_is_bounded() -> None:
    pings: list[Action] = [(1.0, i.Ping(number)) for number in range(2_000)]
    talk = converse(pings, client=Client((), stops_reading_at=0.5), ends_at=None)
    assert isinstance(talk.error, SlowClient)
    assert talk.ended_at == at(1.0)


@pytest.mark.parametrize("seconds", [0.005, 0.02])
def test_a_slow_client_gets_everything(seconds: float) -> None:
    talk = converse(QUESTION, scripted(answers=[STORY]), client=Client((), send_seconds=seconds))
    check_rules(talk, lead=1.0)
    assert talk.words(1) == STORY
    assert talk.error is None


def test_a_client_that_is_slower_than_the_sound_keeps_what_matters_first() -> None:
    # 60 ms for a chunk of 40 ms: the sound piles up, a pong overtakes it.
    actions: list[Action] = [(0.0, i.TextInput("a story")), (4.0, i.Ping(1))]
    talk = converse(actions, scripted(answers=[STORY]), client=Client((), send_seconds=0.06))
    check_rules(talk, lead=10.0)
    assert talk.only(o.Pong)[0] <= 4.0 + 2 * 0.06
    assert talk.words(1) == STORY


def test_a_stop_button_overtakes_sound_that_waits() -> None:
    actions: list[Action] = [(0.0, i.TextInput("a story")), (4.0, i.Interrupt(0))]
    talk = converse(actions, scripted(answers=[STORY]), client=Client((), send_seconds=0.06))
    check_rules(talk, lead=10.0)
    assert talk.only(o.Interrupted)[0] <= 4.0 + 2 * 0.06
