"""An answer by Google's streaming voice, which gives no word times, is held, goes on and is stopped at random
samples: what is kept as heard, against the words that truly were.

The voice is recorded from the fake of the vendor's stream, which speaks as espeak-ng and stops 0.3 s behind
each clause; what follows is on virtual time.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import pytest
import soxr

from tests.engines.google_tts.harness import opened, say
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.google_tts_sound import PAUSE
from tests.word_places import by_espeak
from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples, silence, to_float, to_pcm16
from voice_grpc.core.conversation import Heard
from voice_grpc.core.text.segmentation import ClauseSplitter
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing, ScriptedTts
from voice_grpc.ports import Clause, Speech, VoiceChoice

from ..harness import CONFIG, Client, Recording, converse, scripted
from ..microphone import microphone, pause, script, sound, user
from .shaped_line import RATE_HZ, FarClient

ANSWER = " ".join(
    (
        "Once upon a time there was a queen who had a very long story to tell.",
        "It was a dark and stormy night; nobody knew who had left the door open.",
        "She asked him whether he had seen the keys, but he was already asleep.",
    )
)
_splitter = ClauseSplitter()
CLAUSES = tuple(clause.strip() for clause in (*_splitter.feed(ANSWER), *_splitter.flush()))
"""As the session cuts it for the voice."""
TIMES = 24
"""Places at which it is stopped, all over the answer."""
TURNS = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
OBEYING = replace(CONFIG, turns=TURNS, has_playback_control=True, has_playback_reports=True)
ASKED_AT = 1.28 + 0.5


@cache
def recorded() -> tuple[Speech, ...]:
    """What the engine makes of the answer."""

    async def speaker(text: str, language: str, rate_hz: int, speaking_rate: float) -> Samples:
        spoken = by_espeak(text.strip())
        made = to_pcm16(soxr.resample(to_float(spoken.samples), spoken.rate_hz, rate_hz))
        return np.concatenate([made, silence(PAUSE, rate_hz)])

    async def record() -> tuple[Speech, ...]:
        async with opened(FakeGoogleTts(speaker=speaker)) as (_, tts):
            return tuple(await say(tts, *CLAUSES))

    return asyncio.run(record())


@cache
def places() -> tuple[tuple[str, float], ...]:
    """The words of the answer, each with the second of its middle in the sound."""
    found, at = list[tuple[str, float]](), 0.0
    for text in CLAUSES:
        spoken = by_espeak(text)
        for word, (start, end) in zip(text.split(), spoken.words, strict=True):
            found.append((word, at + (start + end) / 2 / spoken.rate_hz))
        at += len(spoken.samples) / spoken.rate_hz + PAUSE
    return tuple(found)


def words_in(played: int) -> int:
    """How many of them were heard in so many samples."""
    return sum(played / RATE_HZ > middle for _, middle in places())


class RecordedVoice(ScriptedTts):
    def __init__(self) -> None:
        super().__init__()
        self.sound = recorded()

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async for clause in clauses:
            for speech in self.sound:
                if CLAUSES[speech.clause_index] == clause.text.strip():
                    yield replace(speech, clause_index=clause.index)


def told(stopped_at: float, config: object, client: Client) -> Recording:
    """A listener's "yeah" over the first sentence, and an order at `stopped_at`."""
    engines = replace(scripted(["a story", Hearing("Yeah.")], [ANSWER]), tts=RecordedVoice())
    ears = sound(user(1.28), pause(1.92), user(0.48), pause(20.0))
    return converse(
        script(microphone(ears), [(stopped_at, i.Interrupt(0))]),
        engines,
        config,  # type: ignore[arg-type]
        client=client,
        ends_at=25.0,
    )


@dataclass(slots=True)
class PlainLoudspeaker(Client):
    """Plays on whatever came, from the moment at which it came, and says nothing of it."""

    played: int = 0
    _until: float = field(default=0.0)

    async def send(self, message: o.ConverseResponse, seq: int = 0) -> None:
        await Client.send(self, message, seq)
        now = asyncio.get_running_loop().time()
        match message:
            case o.AudioOutput(duration=duration):
                self._until = max(self._until, now) + duration / RATE_HZ
                self.played += duration
            case o.PlaybackControl(action=o.PlaybackAction.FLUSH):
                self.played -= max(0, round((self._until - now) * RATE_HZ))


def moments() -> list[float]:
    chance = random.Random(7)
    return [chance.uniform(ASKED_AT + 2.6, ASKED_AT + 13.0) for _ in range(TIMES)]


def off(talk: Recording, played: int) -> int:
    heard = talk.messages[1].text.split()
    assert heard == ANSWER.split()[: len(heard)]
    return abs(len(heard) - words_in(played))


def test_by_the_pacing_it_is_within_one_word() -> None:
    errors = []
    for at in moments():
        client = PlainLoudspeaker(())
        talk = told(at, replace(CONFIG, turns=TURNS), client)
        assert talk.error is None
        assert talk.messages[1].heard is Heard.ESTIMATED
        errors.append(off(talk, client.played))
    assert sum(error <= 1 for error in errors) >= TIMES - 1, errors
    assert max(errors) <= 2


def test_by_the_client_s_reports_it_is_within_one_word() -> None:
    """Through a hold and what is heard again behind it. The last report comes after the cut, and counts."""
    errors = []
    for at in moments():
        client = FarClient(())
        talk = told(at, OBEYING, client)
        assert talk.error is None
        actions = [control.action for _, control in talk.all(o.PlaybackControl)]
        assert actions[1:3] == [o.PlaybackAction.HOLD, o.PlaybackAction.RESUME]
        assert talk.messages[1].heard is Heard.REPORTED
        errors.append(off(talk, client.cleared))
    assert sum(error <= 1 for error in errors) >= TIMES - 1, errors
    assert max(errors) <= 2


@pytest.mark.parametrize("late", [0.5, 2.0])
def test_a_late_report_corrects_it(late: float) -> None:
    """What was told at the cut was a guess."""
    guesses = 0
    for at in moments()[:6]:
        client = FarClient(())
        client.up.rtt = 2 * late
        talk = told(at, OBEYING, client)
        guesses += talk.only(o.Interrupted)[1].heard_text != talk.messages[1].text
        assert off(talk, client.cleared) <= 1
    assert guesses
