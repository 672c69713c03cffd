"""The rules by which an answer yields are changed while a voice is over it: that voice is judged by those it
began under, and the next one by the new ones.

The voice begins at 3.2, the answer is held from 3.33 on, and the voice ends at 3.68.
"""

from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import microphone, pause, script, sound, user
from ..rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
QUESTION = sound(user(1.28), pause(1.92))
TURNS = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
OBEYING = replace(CONFIG, turns=TURNS, has_playback_control=True, has_echo_cancellation=True)
HELD = (3.36, 3.6, 3.75)


def changed(
    at: float, mode: Interruption, words: str | Hearing, *voices: Samples, min_words: int = 0
) -> Recording:
    """`voices` over the story, the first of which is heard as `words`; `mode` comes at `at`."""
    turns = replace(TURNS, interruption=mode, min_words=min_words)
    update = i.ConfigUpdate(replace(OBEYING, turns=turns), 900)
    talk = converse(
        script(microphone(sound(QUESTION, *voices, pause(8.0))), [(at, update)]),
        scripted(["tell me a story", words, "and what then"], [STORY, "As you like."]),
        OBEYING,
    )
    check_rules(talk)
    assert talk.error is None
    assert not talk.left_over
    return talk


@pytest.mark.parametrize("at", HELD)
@pytest.mark.parametrize("mode", list(Interruption))
def test_a_listener_who_was_held_for_costs_nothing(at: float, mode: Interruption) -> None:
    talk = changed(at, mode, "Yeah.", user(0.48))
    assert not talk.all(o.Interrupted)
    assert talk.history == [("user", "tell me a story"), ("assistant", STORY)]


@pytest.mark.parametrize("at", HELD)
@pytest.mark.parametrize("mode", list(Interruption))
def test_who_goes_on_is_heard_as_soon(at: float, mode: Interruption) -> None:
    talk = changed(at, mode, "but what about the king", user(1.92), min_words=10)
    when, _ = talk.only(o.Interrupted)
    assert when < 3.2 + 0.9
    assert talk.history[2:] == [("user", "but what about the king"), ("assistant", "As you like.")]


def test_the_next_voice_is_judged_by_the_new_rules() -> None:
    talk = changed(3.6, Interruption.ON_SPEECH, "Yeah.", user(0.48), pause(0.8), user(0.48))
    assert talk.only(o.Interrupted)[0] > 4.0
    assert talk.finals()[1:] == [(0, "Yeah."), (2, "and what then")]


@pytest.mark.parametrize("mode", list(Interruption))
def test_a_second_voice_before_the_words_of_the_first_are_known(mode: Interruption) -> None:
    """The answer goes on meanwhile, and nothing may interrupt it any more where that was asked for."""
    late = Hearing("Yeah.", delay=1.5)
    talk = changed(4.0, mode, late, user(0.48), pause(0.64), user(0.48), pause(3.0))
    assert talk.words(1) == STORY or talk.all(o.Interrupted)
    if mode is Interruption.DISABLED:
        assert talk.history == [("user", "tell me a story"), ("assistant", STORY)]
