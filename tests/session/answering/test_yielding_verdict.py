"""How soon an answer goes on, or stops for good, after a short voice over it: counted in steps, with a
detector and a recogniser of given delays.

The steps after the last sample of a voice: the detector lets go of it (64 ms), its window ends (up to 32 ms)
and the frame that brought it (20 ms); there the transcript of all begins. Silence is an end after 96 ms.
Interim transcripts go on all the while, one after the other.
"""

import asyncio
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Floats, Samples
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import ScriptedStt, ScriptedVad
from voice_grpc.ports import SttOptions, Transcription

from ..harness import CONFIG, Recording, converse, scripted
from ..microphone import microphone, pause, sound, user
from ..rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
QUESTION = sound(user(1.28), pause(1.92))
ONSET = 3.2
OBEYING = replace(
    CONFIG,
    turns=TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True),
    has_playback_control=True,
)
LAG_WINDOWS = 2
"""For which Silero goes on after a voice, in the median."""
WHISPER = 0.25
"""Seconds of a transcript of a short voice on two quiet cores."""
ONE_PASS = 0.8
"""Share of it that an interim takes."""
LENGTHS = (0.24, 0.32, 0.4, 0.48, 0.56, 0.64, 0.72)
SPOKEN = 0.1
"""Seconds of a word: half of one is not heard."""


class LaggingVad(ScriptedVad):
    def open(self) -> "LaggingVad":
        return LaggingVad()

    def __init__(self) -> None:
        super().__init__()
        self._left = 0

    async def probability(self, window: Floats) -> float:
        if await super().probability(window):
            self._left = LAG_WINDOWS
            return 1.0
        self._left -= 1
        return float(self._left >= 0)


@dataclass
class _Stream:
    stt: "SlowStt"
    text: str
    takes: float
    voiced: int = 0

    def feed(self, samples: Samples) -> None:
        self.voiced += int(np.count_nonzero(samples))

    async def interim(self) -> Transcription | None:
        self.stt.running += 1
        words = self.text.split()[: int(self.voiced / RATE_HZ / SPOKEN)]
        try:
            await asyncio.sleep(ONE_PASS * self.takes)
        finally:
            self.stt.running -= 1
        return Transcription(" ".join(words), "en")

    async def final(self) -> Transcription:
        text = self.text if self.voiced else ""
        await asyncio.sleep(self.takes)
        self.stt.finals += 1
        return Transcription(text, "en")

    async def close(self) -> None:
        """Nothing is held."""


class SlowStt(ScriptedStt):
    """In this process, alone, with two threads: one for an interim, and one for a final."""

    is_embedded = True

    def __init__(self, *texts: str, takes: float) -> None:
        """The first text, which is no overlap, takes `WHISPER`; `takes` those that follow."""
        super().__init__([])
        self._texts, self._takes = texts, takes
        self.running = 0

    def has_room(self) -> bool:
        return not self.running

    def is_alone(self) -> bool:
        return not self.running

    def open(self, options: SttOptions) -> _Stream:  # type: ignore[override]
        self.opened.append(options)
        text = self._texts[min(len(self.opened), len(self._texts)) - 1]
        return _Stream(self, text, WHISPER if len(self.opened) == 1 else self._takes)


@cache
def over(voice: float, words: str, takes: float = WHISPER) -> Recording:
    talk = scripted(answers=[STORY, "As you like."])
    engines = replace(talk.engines, vad=LaggingVad(), stt=SlowStt("tell me a story", words, takes=takes))
    ears = sound(QUESTION, user(voice), pause(6.0))
    found = converse(microphone(ears), talk, OBEYING, engines=engines)
    check_rules(found)
    assert not found.left_over
    return found


def when(talk: Recording, action: o.PlaybackAction) -> list[float]:
    return [at for at, control in talk.all(o.PlaybackControl) if control.action is action]


@pytest.mark.parametrize("voice", LENGTHS)
@pytest.mark.parametrize("words", ["yeah", "mm-hmm okay", ""])
def test_a_listener_is_let_off_within_300_ms(voice: float, words: str) -> None:
    talk = over(voice, words)
    (resumed,) = when(talk, o.PlaybackAction.RESUME)
    assert resumed - (ONSET + voice) <= 0.3
    assert not talk.all(o.Interrupted)
    assert talk.words(1) == STORY
    assert talk.finals() == [(1, "tell me a story"), *([(0, words)] if words else [])]


@pytest.mark.parametrize("voice", LENGTHS)
@pytest.mark.parametrize("words", ["stop", "what", "no no", "hold on"])
def test_an_order_ends_the_answer_within_300_ms(voice: float, words: str) -> None:
    """But one that is over before an interim of it begins: its transcript of all is the first."""
    at, _ = over(voice, words).only(o.Interrupted)
    assert at - (ONSET + voice) <= (0.3 if voice >= 0.3 else 0.1 + WHISPER)


@pytest.mark.parametrize("takes", [0.5, 0.9, 1.5])
@pytest.mark.parametrize("voice", LENGTHS)
def test_nobody_who_listens_waits_for_a_slow_recogniser(voice: float, takes: float) -> None:
    talk = over(voice, "yeah", takes)
    (resumed,) = when(talk, o.PlaybackAction.RESUME)
    assert resumed - (ONSET + voice) <= 0.3
    assert not talk.all(o.Interrupted)
    assert talk.finals()[1:] == [(0, "yeah")]


@pytest.mark.parametrize("voice", [0.24, 0.48, 0.64])
def test_who_means_it_is_answered_however_slow_the_recogniser(voice: float) -> None:
    talk = over(voice, "Rome", 1.5)
    assert len(when(talk, o.PlaybackAction.RESUME)) == 1
    at, _ = talk.only(o.Interrupted)
    assert at <= ONSET + voice + 0.15 + 1.5
    assert talk.finals()[1:] == [(2, "Rome")]
    assert talk.words(2) == "As you like."


def test_words_that_never_come_cost_the_answer_nothing() -> None:
    talk = over(0.48, "yeah", 100.0)
    assert talk.words(1) == STORY
    assert talk.when(o.TurnPhase.COMPLETED, 1)
    assert not talk.all(o.Interrupted)
