"""A call whose line to a real server, with scripted engines, is lost: nothing that is said or heard shows it.
Before a server that does not resume conversations these are skipped."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest

from tests.clients.cut_line import CutLine, cut_line
from tests.serving import Served, noise, scripted, serving
from voice_grpc.client import Call, JitterBuffer, LineEvent, Reconnecting, Resumed
from voice_grpc.core.audio import Samples
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt
from voice_grpc.pb import voice_pb2 as pb

CONFIG = pb.SessionConfig(
    greeting="",
    session_id="mine",
    capabilities=pb.ClientCapabilities(playback_reports=True, playback_control=True, echo_cancellation=True),
)
FRAME, RATE_HZ = 480, 24_000
WITHIN = 60.0
ANSWER = "Let me tell you about a town by the sea, where nobody was in a hurry, and what became of it."
State = pb.TurnEvent.State


@dataclass
class Listener:
    """A client with a loudspeaker, which plays by the clock and reports."""

    call: Call
    playout: JitterBuffer = field(default_factory=lambda: JitterBuffer(RATE_HZ))
    responses: list[pb.ConverseResponse] = field(default_factory=list)
    events: list[LineEvent] = field(default_factory=list)
    heard: list[Samples] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self) -> None:
        self.call.on_line = self.events.append
        async for response in self.call:
            self.responses.append(response)
            now = asyncio.get_running_loop().time()
            if response.HasField("audio"):
                audio = response.audio
                samples = np.frombuffer(audio.data, "<i2").astype(np.int16)
                self.playout.receive(response.turn, samples, now, audio.is_last, audio.offset_samples)
            self._changed.set()

    async def play(self) -> None:
        loop, n = asyncio.get_running_loop(), 0
        begun = loop.time()
        while True:
            n += 1
            await asyncio.sleep(begun + n * FRAME / RATE_HZ - loop.time())
            self.heard.append(self.playout.take(FRAME, loop.time()))
            for report in self.playout.due(loop.time()):
                await self.call.send(report)
            self._changed.set()

    async def wait(self, found: Callable[[], bool]) -> None:
        async with asyncio.timeout(WITHIN):
            while not found():
                self._changed.clear()
                await self._changed.wait()

    async def until(self, state: "pb.TurnEvent.State", turn: int) -> None:
        await self.wait(
            lambda: (turn, state) in [(each.turn, each.turn_event.state) for each in self.responses]
        )

    @property
    def sound(self) -> list[int]:
        """What was heard, without the silence."""
        samples = np.concatenate(self.heard)
        return [int(sample) for sample in samples[samples != 0]]


@asynccontextmanager
async def listening(script: Script) -> AsyncIterator[tuple[Served, CutLine, Listener]]:
    async with (
        serving(script) as served,
        cut_line(served.target) as cut,
        Call.open(cut.target, CONFIG) as call,
        asyncio.TaskGroup() as tasks,
    ):
        await call.send(pb.Ping(id=1))
        while not (await anext(call)).HasField("pong"):
            pass
        if not call.comes_back:
            pytest.skip("this server does not resume conversations")
        listener = Listener(call)
        running = [
            tasks.create_task(listener.read(), name="read"),
            tasks.create_task(listener.play(), name="play"),
        ]
        yield served, cut, listener
        for task in running:
            task.cancel()


async def heard_whole(script: Script) -> list[int]:
    """By a client whose line holds."""
    async with listening(script) as (_, _, listener):
        await listener.call.send(pb.TextInput(text="Go on."))
        await listener.until(State.STATE_COMPLETED, 1)
        await listener.wait(lambda: listener.playout.is_idle)
        return listener.sound


@pytest.mark.parametrize("away", [False, True], ids=["at once", "after a while"])
async def test_an_answer_is_heard_whole_and_once(away: bool) -> None:
    whole = await heard_whole(scripted(ANSWER))
    async with listening(scripted(ANSWER)) as (_, cut, listener):
        await listener.call.send(pb.TextInput(text="Go on."))
        await listener.wait(lambda: listener.playout.position[1] > RATE_HZ)
        if away:
            cut.cut()
            silent = len(listener.heard) + 50
            await listener.wait(lambda: len(listener.heard) > silent)
            cut.mend()
        else:
            cut.reset()
        await listener.until(State.STATE_COMPLETED, 1)
        await listener.wait(lambda: listener.playout.is_idle)
        assert [type(event) for event in listener.events] == [Reconnecting, Resumed]
        assert listener.sound == whole


async def test_words_spoken_while_the_line_is_away_are_understood_as_one_turn() -> None:
    script = Script(ScriptedStt([Hearing("hello there")]), ScriptedLlm([ScriptedAnswer("Sure thing.")]))
    async with listening(script) as (served, cut, listener):
        sound = np.concatenate((noise(1.2), np.zeros(24_000, np.int16)))
        for n, at in enumerate(range(0, len(sound), 320)):
            data = sound[at : at + 320].astype("<i2").tobytes()
            await listener.call.send(pb.AudioInput(data=data, offset_samples=at))
            if n == 30:
                cut.cut()
            if n == 50:
                cut.mend()
        await listener.until(State.STATE_COMPLETED, 1)
        saved = (await served.stub.GetSession(pb.GetSessionRequest(session_id="mine"))).session
    finals = [each.transcript.text for each in listener.responses if each.transcript.is_final]
    assert finals == ["hello there"]
    assert [message.text for message in saved.messages] == ["hello there", "Sure thing."]


async def test_words_typed_while_the_line_is_away_are_answered_once() -> None:
    script = Script(llm=ScriptedLlm([ScriptedAnswer("One."), ScriptedAnswer("Two.")]))
    async with listening(script) as (served, cut, listener):
        await listener.call.send(pb.TextInput(text="first"))
        await listener.until(State.STATE_COMPLETED, 1)
        cut.cut()
        await listener.call.send(pb.TextInput(text="second"))
        cut.mend()
        await listener.until(State.STATE_COMPLETED, 2)
        saved = (await served.stub.GetSession(pb.GetSessionRequest(session_id="mine"))).session
    assert [message.text for message in saved.messages] == ["first", "One.", "second", "Two."]
