"""Voices over an answer as Silero hears them, at its worst moments. What the detector says of each window is
computed first; what follows is on virtual time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.saying import said
from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import WINDOW, Floats, Samples, silence, to_float
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing, ScriptedVad
from voice_grpc.engines.silero import SileroVad

from ..harness import CONFIG, Client, Recording, converse, scripted
from ..microphone import microphone, script, sound
from ..rules import check_rules
from .shaped_line import FarClient

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
LENGTH = 0.06 * (35 + 50)
TURNS = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
PLAIN = replace(CONFIG, turns=TURNS, has_echo_cancellation=True)
OBEYING = replace(PLAIN, has_playback_control=True, has_playback_reports=True)
QUESTION = "But what about the king and his two sons?"
AGAIN = "No, I mean the other one."


class HeardVad(ScriptedVad):
    """Says what Silero said of the same sound."""

    def __init__(self, probabilities: Sequence[float]) -> None:
        super().__init__()
        self._all = probabilities
        self._next = iter(probabilities)

    def open(self) -> "HeardVad":
        return HeardVad(self._all)

    async def probability(self, window: Floats) -> float:
        return next(self._next, 0.0)


@cache
def voice(text: str) -> Samples:
    """From its first sound to its last."""
    samples = said(text)
    loud = np.flatnonzero(np.abs(samples.astype(int)) > 500)
    return samples[loud[0] : loud[-1]]


def heard_by_silero(samples: Samples) -> list[float]:
    async def hear() -> list[float]:
        vad = SileroVad()
        await vad.warm()
        stream, sound = vad.open(), to_float(samples)
        found = [
            await stream.probability(sound[at : at + WINDOW])
            for at in range(0, len(sound) - WINDOW + 1, WINDOW)
        ]
        await vad.close()
        return found

    return asyncio.run(hear())


def over(*voices: tuple[float, str], hears: Sequence[str | Hearing], obeys: bool = True) -> Recording:
    """Each voice begins at its second after the answer was asked for, by a text at 1.0."""
    ears = silence(voices[-1][0] + 14.0)
    for begins, text in voices:
        at = round((1.0 + begins) * 16_000)
        ears[at : at + len(voice(text))] = voice(text)
    engines = replace(scripted(hears, [STORY, "As you like.", "Well."]), vad=HeardVad(heard_by_silero(ears)))
    client: Client = FarClient(()) if obeys else Client(())
    talk = converse(
        script(microphone(sound(ears)), [(1.0, i.TextInput("a story"))]),
        engines,
        OBEYING if obeys else PLAIN,
        client=client,
        ends_at=len(ears) / 16_000,
    )
    check_rules(talk, lead=0.45)
    assert talk.error is None
    assert not talk.left_over
    return talk


BOTH = pytest.mark.parametrize("obeys", [False, True], ids=["plain", "obeying"])


@BOTH
@pytest.mark.parametrize("begins", [0.0, 0.02, 0.05, 1.0, LENGTH - 0.3, LENGTH - 0.05, LENGTH - 0.02])
def test_whoever_takes_the_turn_is_answered(begins: float, obeys: bool) -> None:
    """Within the first and the last 50 ms of an answer too: the words are one message of the history. An
    answer of which no word was heard is none of it."""
    talk = over((begins, QUESTION), hears=[QUESTION], obeys=obeys)
    asked, *cut = talk.history[:-2]
    assert asked == ("user", "a story")
    assert all(who == "assistant" and STORY.startswith(text) for who, text in cut)
    assert talk.history[-2:] == [("user", QUESTION), ("assistant", "As you like.")]


@BOTH
@pytest.mark.parametrize("begins", [0.0, 0.05, 1.0, 2.5, LENGTH - 0.8])
@pytest.mark.parametrize("words", ["Yeah.", "I see.", "Okay."])
def test_a_listener_costs_nothing(begins: float, words: str, obeys: bool) -> None:
    talk = over((begins, words), hears=[words], obeys=obeys)
    assert talk.history == [("user", "a story"), ("assistant", STORY)]
    assert not talk.all(o.Interrupted)


@BOTH
@pytest.mark.parametrize("apart", [2.2, 2.6, 3.0, 3.4])
def test_two_interruptions_in_quick_succession(apart: float, obeys: bool) -> None:
    talk = over((1.0, QUESTION), (1.0 + apart, AGAIN), hears=[QUESTION, AGAIN], obeys=obeys)
    users = [text for who, text in talk.history if who == "user"]
    assert users[0] == "a story"
    assert " ".join(users[1:]) in (f"{QUESTION} {AGAIN}", QUESTION)


@BOTH
@pytest.mark.parametrize("apart", [0.8, 1.0, 1.2, 1.5])
def test_an_interruption_while_the_answer_goes_on_again(apart: float, obeys: bool) -> None:
    """Behind a listener's word whose transcript is late."""
    hears: list[str | Hearing] = [Hearing("Yeah.", delay=0.3), QUESTION]
    talk = over((1.0, "Yeah."), (1.0 + apart, QUESTION), hears=hears, obeys=obeys)
    assert talk.history[2:] == [("user", QUESTION), ("assistant", "As you like.")]
    assert len(talk.all(o.Interrupted)) == 1
