"""The answer comes back into the microphone, and is not taken for the user.

The question ends at 1.28 and is answered from 1.78 on. The scripted canceller takes out exactly what it is
given, so that a sample at the wrong place would be heard.
"""

import asyncio
import gc
import weakref
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import RATE_HZ, Frame, Samples, sample_count
from voice_grpc.core.config import AudioFormat, LiveConfig, SessionConfig
from voice_grpc.core.errors import EngineError
from voice_grpc.core.playout.pacer import Chunk, Pacer
from voice_grpc.core.turn.interruption import Interruption
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import Hearing, ScriptedEcho
from voice_grpc.session.hearing.audio_queue import AudioQueue
from voice_grpc.session.hearing.echo import CleanedAudio, EchoPath
from voice_grpc.session.telling.outbox import Outbox

from ..harness import CONFIG, Client, Recording, converse, scripted, virtual
from ..microphone import FRAME_SECONDS, pause, sound, user
from ..rules import check_rules

STORY = "Once upon a time there was a queen. She had a very long story to tell, and she told it."
QUESTION = sound(user(1.28), pause(1.92))
AIR = 14
"""Seconds that a talk lasts."""
FRAME = round(FRAME_SECONDS * RATE_HZ)
YIELD = TurnSettings(hold=0.5, interruption=Interruption.YIELD, duck=True)
RAW = replace(CONFIG, turns=YIELD, output=AudioFormat(rate_hz=RATE_HZ))
OBEYING = replace(RAW, has_playback_control=True)

Action = o.PlaybackAction


@dataclass(slots=True)
class Room(Client):
    """What the client plays comes back into its microphone, `late` seconds later and `gain` times as loud."""

    ears: Samples = field(default_factory=lambda: QUESTION)
    late: float = 0.0
    gain: float = 1.0
    obeys: bool = False
    reports: bool = False
    seconds: int = AIR
    _air: Samples = field(default_factory=lambda: np.zeros(AIR * RATE_HZ, np.int16))
    _sent: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    _turn: int = 0
    _end: float = 0.0
    """When all that came was played."""

    async def act(self) -> None:
        loop = asyncio.get_running_loop()
        heard = np.resize(np.pad(self.ears, (0, len(self._air))), len(self._air))
        for n in range(self.seconds * RATE_HZ // FRAME):
            await asyncio.sleep((n + 1) * FRAME_SECONDS - loop.time())
            at = n * FRAME
            back = max(0, at - sample_count(self.late))
            echo = (self._air[back : back + FRAME] * self.gain).astype(np.int16)
            self._requests.put_nowait(i.AudioInput((heard[at : at + FRAME] + echo).tobytes(), seq=n + 1))
            if self.reports and self._turn and n % 10 == 0:
                played = len(self._sent) - sample_count(max(0.0, self._end - loop.time()))
                self._requests.put_nowait(i.PlaybackReport(self._turn, i.PlaybackState.PROGRESS, played))
        self._requests.put_nowait(None)

    async def send(self, message: o.ConverseResponse, seq: int = 0) -> None:
        now = asyncio.get_running_loop().time()
        match message:
            case o.AudioOutput():
                if message.turn != self._turn:
                    self._turn, self._sent = message.turn, self._sent[:0]
                samples = np.frombuffer(message.data, np.int16)
                self._sent = np.concatenate((self._sent, samples))
                self._play(samples, max(now, self._end))
            case o.PlaybackControl(action=Action.HOLD | Action.FLUSH):
                self._air[sample_count(now) :] = 0
                self._end = now
            case o.PlaybackControl(action=Action.RESUME):
                self._play(self._sent[message.position :], now)
        await super(Room, self).send(message, seq)

    def _play(self, samples: Samples, at: float) -> None:
        start = sample_count(at)
        self._air[start : start + len(samples)] = samples
        self._end = at + len(samples) / RATE_HZ


def talk_in(
    room: Room, config: SessionConfig = RAW, *words: str | Hearing, echo: ScriptedEcho | None = None
) -> Recording:
    engines = replace(scripted(["tell me a story", *words], [STORY, "As you like."]), echo=echo)
    talk = converse((), engines, config, client=room, ends_at=None)
    check_rules(talk)
    assert not talk.left_over
    return talk


def spoken(talk: Recording) -> list[tuple[int, o.TurnPhase]]:
    return [(turn, phase) for _, turn, phase in talk.phases() if phase is not o.TurnPhase.LISTENING]


@pytest.mark.parametrize("config", [RAW, OBEYING])
def test_an_answer_that_comes_back_interrupts_nothing(config: SessionConfig) -> None:
    canceller = ScriptedEcho()
    talk = talk_in(Room(()), config, "nobody said that", echo=canceller)
    assert not talk.all(o.Interrupted)
    assert not talk.all(o.PlaybackControl)
    assert spoken(talk)[-1] == (1, o.TurnPhase.COMPLETED)
    assert talk.finals() == [(1, "tell me a story")]
    assert canceller.opened == 1


def test_reports_leave_it_where_it_is() -> None:
    talk = talk_in(Room((), reports=True), replace(RAW, has_playback_reports=True), echo=ScriptedEcho())
    assert not talk.all(o.Interrupted)
    assert spoken(talk)[-1] == (1, o.TurnPhase.COMPLETED)
    assert talk.all(o.TurnMetrics)[0][1].echo_loss == pytest.approx(60.0)


def test_without_a_canceller_it_would() -> None:
    talk = talk_in(Room(()), RAW, "nobody said that")
    assert talk.all(o.Interrupted)
    assert talk.all(o.TurnMetrics)[0][1].echo_loss is None


def test_how_much_was_cancelled_is_in_the_metrics() -> None:
    (metrics,) = [m for _, m in talk_in(Room(()), echo=ScriptedEcho()).all(o.TurnMetrics)]
    assert metrics.echo_loss == pytest.approx(60.0)
    softer = Room((), gain=0.5)
    (metrics,) = [m for _, m in talk_in(softer, echo=ScriptedEcho()).all(o.TurnMetrics)[:1]]
    assert metrics.echo_loss == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(
    "config", [replace(RAW, has_echo_cancellation=True), replace(RAW, is_half_duplex=True)]
)
def test_whose_client_cancels_or_is_deaf_needs_none(config: SessionConfig) -> None:
    canceller = ScriptedEcho()
    talk = talk_in(Room((), gain=0.0), config, echo=canceller)
    assert canceller.opened == 0
    assert talk.all(o.TurnMetrics)[0][1].echo_loss is None


def test_it_costs_nothing_while_nothing_is_played() -> None:
    canceller = ScriptedEcho()
    talk = talk_in(Room((), ears=sound(QUESTION, pause(6.0))), echo=canceller)
    played = talk.when(o.TurnPhase.COMPLETED, 1) - talk.when(o.TurnPhase.SPEAKING, 1)
    assert canceller.blocks == pytest.approx((played + 1.0) * 100, abs=4)


@pytest.mark.parametrize("obeys", [False, True])
def test_an_answer_that_waited_for_a_listener_is_cancelled_where_it_goes_on(obeys: bool) -> None:
    ears = sound(QUESTION, user(0.48), pause(4.0))
    config = OBEYING if obeys else RAW
    talk = talk_in(Room((), ears=ears), config, "yeah", "nobody said that", echo=ScriptedEcho())
    assert not talk.all(o.Interrupted)
    assert talk.finals() == [(1, "tell me a story"), (0, "yeah")]
    actions = [control.action for _, control in talk.all(o.PlaybackControl)]
    assert actions == ([Action.DUCK, Action.HOLD, Action.RESUME] if obeys else [])


def test_the_user_is_heard_over_it_and_at_the_place_where_they_spoke() -> None:
    ears = sound(QUESTION, user(1.28), pause(4.0))
    clean = talk_in(Room((), ears=ears, gain=0.0), RAW, "but what about the king")
    echoed = talk_in(Room((), ears=ears), RAW, "but what about the king", echo=LateEcho())
    for talk in (clean, echoed):
        assert talk.only(o.Interrupted)
        assert talk.finals()[1] == (2, "but what about the king")
    places = [[m.start for _, m in talk.all(o.Transcript) if m.is_final] for talk in (clean, echoed)]
    assert places[0] == places[1]


class LateEcho(ScriptedEcho):
    """Holds back what a real one does."""

    delay = 128

    def __init__(self) -> None:
        super().__init__()
        self._held: Samples = np.zeros(self.delay, np.int16)

    async def cleaned(self, near: Samples, far: Samples) -> Samples:
        both = np.concatenate((self._held, await super().cleaned(near, far)))
        self._held = both[len(near) :]
        return both[: len(near)]


class WaryEcho(ScriptedEcho):
    """As a real one that has heard no echo yet: it takes whatever comes in over the answer for one."""

    async def cleaned(self, near: Samples, far: Samples) -> Samples:
        return np.zeros(len(near), np.int16) if far.any() else near


@pytest.mark.parametrize("config", [RAW, OBEYING])
def test_where_nothing_comes_back_a_voice_over_the_answer_is_the_users(config: SessionConfig) -> None:
    """A headset: the answer is silent in the microphone for more than a second, and then there is a voice."""
    ears = sound(QUESTION, user(0.96), pause(6.0))
    talk = talk_in(Room((), ears=ears, gain=0.0), config, "but what of the king", echo=WaryEcho())
    assert talk.only(o.Interrupted)[1].turn == 1
    assert talk.finals()[-1] == (2, "but what of the king")


def test_a_canceller_that_fails_is_said_once_and_the_sound_goes_on() -> None:
    broken = ScriptedEcho(EngineError("session", "the echo canceller failed"))
    talk = talk_in(Room((), gain=0.0), echo=broken)
    assert len([n for n in talk.notices() if n[0] == "session"]) == 1
    assert spoken(talk)[-1] == (1, o.TurnPhase.COMPLETED)


class TrackedEcho(ScriptedEcho):
    """Knows which of its streams somebody still holds."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: list[weakref.ref[ScriptedEcho]] = []

    def open(self) -> ScriptedEcho:
        stream = ScriptedEcho()
        self.streams.append(weakref.ref(stream))
        return stream


def test_a_hundred_sessions_leave_no_stream() -> None:
    canceller = TrackedEcho()
    for _ in range(100):
        room = Room((), ears=pause(0.1), seconds=1)
        talk_in(room, replace(RAW, greeting="Hello there."), echo=canceller)
    gc.collect()
    assert len(canceller.streams) == 100
    assert [stream for stream in canceller.streams if stream() is not None] == []


# ---------------------------------------------------------------- the second line: words


@pytest.mark.parametrize("words", ["there was a queen", "Once upon a time.", "upon a time their was a queen"])
def test_words_of_the_answer_are_nobodys(words: str) -> None:
    ears = sound(QUESTION, user(0.48), pause(6.0))
    talk = talk_in(Room((), ears=ears, gain=0.0), RAW, words)
    assert not talk.all(o.Interrupted)
    assert talk.finals() == [(1, "tell me a story")]
    assert talk.words(1) == STORY


def test_in_an_interim_too_before_the_voice_is_long_enough_to_stop_it() -> None:
    ears = sound(QUESTION, user(1.12), pause(6.0))
    talk = talk_in(Room((), ears=ears, gain=0.0), RAW, "upon a time there was a")
    assert not talk.all(o.Interrupted)
    assert [m for _, m in talk.all(o.Transcript) if m.turn != 1] == []


@pytest.mark.parametrize("words", ["tell me about the queen", "stop"])
def test_other_words_are_the_users(words: str) -> None:
    ears = sound(QUESTION, user(0.48), pause(6.0))
    talk = talk_in(Room((), ears=ears, gain=0.0), RAW, words)
    assert talk.only(o.Interrupted)


def test_whose_client_cancels_may_say_them_again() -> None:
    ears = sound(QUESTION, user(0.48), pause(6.0))
    talk = talk_in(
        Room((), ears=ears, gain=0.0), replace(RAW, has_echo_cancellation=True), "there was a queen"
    )
    assert talk.only(o.Interrupted)


# ---------------------------------------------------------------- positions, whatever the frames


class Counting:
    """Sound whose every sample says where it is."""

    def __init__(self) -> None:
        self.audio, self.canceller = AudioQueue(), LateEcho()
        self.now = 0.0
        self.path = EchoPath(self.canceller, LiveConfig(RAW), lambda: self.now)
        self.near = CleanedAudio(self.audio, self.path, Outbox())
        self.pacer = Pacer(RATE_HZ, 0.4)
        self.position = 0

    def play(self, seconds: float) -> None:
        """Silence, as an answer: cancelling it changes nothing."""
        self.pacer.feed(np.zeros(sample_count(seconds), np.int16), 0)
        for chunk in self.pacer.due(self.now):
            self.path.leave(self.pacer, Chunk(chunk.samples, 0, False), ["la la la"].__getitem__)

    async def hear(self, count: int) -> Frame | None:
        samples = (np.arange(self.position, self.position + count) % 30_000).astype(np.int16)
        self.now += count / RATE_HZ
        self.audio.put(Frame(samples, self.position))
        self.position += count
        return await self.near.take()


@pytest.mark.parametrize("size", [320, 101, 512, 160, 7])
def test_no_sample_is_lost_or_shifted_when_cancelling_begins_and_ends(size: int) -> None:
    async def hear() -> None:
        world = Counting()
        place = 0
        for n in range(5 * RATE_HZ // size):
            if n * size <= RATE_HZ < (n + 1) * size:
                world.play(0.3)
            frame = await world.hear(size)
            assert frame is not None
            assert frame.position == place
            assert np.array_equal(frame.samples, np.arange(place, place + len(frame.samples)) % 30_000)
            assert frame.arrived == world.position
            place += len(frame.samples)
        assert world.canceller.blocks > 100
        assert place == world.position

    virtual(hear())


def test_what_is_held_back_is_heard_before_the_microphone_is_closed() -> None:
    async def hear() -> None:
        world = Counting()
        world.play(0.3)
        before = await world.hear(200)
        world.audio.close()
        last = await world.near.take()
        assert before is not None
        assert last is not None
        assert (last.position, last.end) == (before.end, 200)
        assert not world.near.is_empty
        assert await world.near.take() is None
        assert world.near.is_empty

    virtual(hear())


def test_lost_sound_leaves_nothing_of_before() -> None:
    async def hear() -> None:
        world = Counting()
        world.play(0.3)
        await world.hear(200)
        world.position += 1_000
        frame = await world.hear(320)
        assert frame is not None
        assert frame.position == 1_200
        assert frame.samples[0] == 1_200

    virtual(hear())
