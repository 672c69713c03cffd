"""Somebody at the other end of the room: the detector hears a voice, and it is nobody's turn."""

from dataclasses import replace

import numpy as np

from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import microphone, pause, sound, user
from ..rules import check_rules

NEAR = replace(
    CONFIG, turns=TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True, near_field_only=True)
)
STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."


def far(seconds: float) -> Samples:
    """20 dB below the user, and voice for the detector still."""
    return (user(seconds) * 10 ** (-20 / 20)).astype(np.int16)


def talk(*parts: Samples, hears: list[str], answers: list[str]) -> Recording:
    found = converse(microphone(sound(*parts)), scripted(hears, answers), NEAR)
    check_rules(found)
    return found


def test_a_far_voice_is_no_turn() -> None:
    found = talk(
        user(1.28), pause(3.2), far(1.28), pause(2.0), hears=["hello", "pass me the salt"], answers=["Hi."]
    )
    assert [turn for _, turn, _ in found.phases(o.TurnPhase.THINKING)] == [1]
    (_, discarded) = [m for m in found.all(o.TurnEvent) if m[1].phase is o.TurnPhase.DISCARDED][0]
    assert discarded.reason == "the voice was far quieter than the user's"
    assert [text for _, text in found.history] == ["hello", "Hi."]


def test_a_far_voice_interrupts_nothing_however_long() -> None:
    found = talk(
        user(1.28), pause(1.92), far(1.92), pause(6.0), hears=["a story", "and so on and on"], answers=[STORY]
    )
    assert not found.all(o.Interrupted)
    assert found.words(1) == STORY
