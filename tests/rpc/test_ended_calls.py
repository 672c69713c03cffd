"""Calls of Transcribe and Synthesize that the server ends: idle, too old, read too slowly, drained.

They have the limits of a session, and are told by the same statuses.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from voice_grpc.core.audio import silence
from voice_grpc.engines.scripted import Hearing, Script, ScriptedStt, ScriptedTts, Voicing, tone
from voice_grpc.pb import voice_pb2 as pb

from ..serving import (
    LOCAL,
    OK,
    RATE_HZ,
    WITHIN,
    Ended,
    Served,
    assert_told,
    ended,
    scripted,
    serving,
    stub_of,
)

Code = grpc.StatusCode
CONFIG = pb.TranscribeRequest(config=pb.TranscribeConfig())
SPEECH = np.concatenate([silence(0.2), tone(0.5, rate_hz=RATE_HZ)])
TEXT = "Good morning. How are you today?"


def audio() -> list[pb.TranscribeRequest]:
    cuts = range(0, len(SPEECH), 1_600)
    return [pb.TranscribeRequest(audio=pb.AudioInput(data=SPEECH[at : at + 1_600].tobytes())) for at in cuts]


class Reading:
    """A call, read to its end by a task of its own."""

    def __init__(self, call: Any) -> None:
        self.call = call
        self.said: list[Any] = []
        self.how = OK
        self.begun, self.over = asyncio.Event(), asyncio.Event()

    async def read(self) -> None:
        try:
            while (response := await self.call.read()) is not grpc.aio.EOF:
                self.said.append(response)
                self.begun.set()
        except grpc.aio.AioRpcError as error:
            self.how = ended(error)
        finally:
            self.over.set()

    async def ended(self) -> Ended:
        async with asyncio.timeout(WITHIN):
            await self.over.wait()
        return self.how

    async def send(self, *requests: pb.TranscribeRequest) -> None:
        for request in requests:
            await self.call.write(request)

    @property
    def finals(self) -> list[str]:
        return [response.transcript.text for response in self.said if response.transcript.is_final]


@asynccontextmanager
async def reading(call: Any) -> AsyncIterator[Reading]:
    its = Reading(call)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(its.read(), name="read")
        try:
            yield its
        finally:
            call.cancel()
            task.cancel()


def synthesis(served: Served, text: str = TEXT) -> Any:
    return served.stub.Synthesize(pb.SynthesizeRequest(text=text))


HANGING = Script(tts=ScriptedTts(Voicing(hang_at=1)))
"""Says one clause, and nothing more for ever."""


# ---------------------------------------------------------------- idle


@pytest.mark.parametrize("has_spoken", [False, True])
async def test_a_dictation_on_which_nothing_comes_in_ends_well_and_leaves_its_place(has_spoken: bool) -> None:
    async with serving(idle_limit=0.3, max_sessions=1) as served:
        async with reading(served.stub.Transcribe()) as dictation:
            await dictation.send(CONFIG, *(audio() if has_spoken else []))
            assert await dictation.ended() == OK
            assert dictation.finals == (["hello there"] if has_spoken else [])
        await served.assert_serves()


async def test_messages_that_say_nothing_keep_no_dictation_open() -> None:
    async with serving(idle_limit=0.3) as served, reading(served.stub.Transcribe()) as dictation:
        await dictation.send(CONFIG)
        for _ in range(1_200):
            if dictation.over.is_set():
                break
            await dictation.send(pb.TranscribeRequest())
            await asyncio.sleep(0.05)
        assert await dictation.ended() == OK


async def test_a_voice_from_which_no_sound_comes_ends_the_call() -> None:
    async with serving(HANGING, idle_limit=0.3, max_sessions=1) as served:
        async with reading(synthesis(served)) as its:
            how = await its.ended()
            assert_told(how, Code.UNAVAILABLE, "ENGINE_TIMEOUT")
            assert how.message == "the voice gave no sound for 0.3 s"
        async with reading(served.stub.Transcribe()) as dictation:
            await dictation.send(CONFIG)
            assert await dictation.ended() == OK


# ---------------------------------------------------------------- too old


async def test_a_dictation_of_the_maximum_age_gives_its_last_final_and_is_told() -> None:
    async with (
        serving(max_age=0.5, drain_seconds=5.0) as served,
        reading(served.stub.Transcribe()) as dictation,
    ):
        await dictation.send(CONFIG, *audio())
        how = await dictation.ended()
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert how.message == "the stream reached its maximum age of 0.5 s; open another"
        assert dictation.finals == ["hello there"]


async def test_a_recogniser_that_hangs_holds_up_no_end() -> None:
    script = Script(stt=ScriptedStt([Hearing("late", delay=1e6)]))
    async with (
        serving(script, max_age=0.3, drain_seconds=0.2) as served,
        reading(served.stub.Transcribe()) as dictation,
    ):
        await dictation.send(CONFIG, *audio())
        assert_told(await dictation.ended(), Code.UNAVAILABLE, "DRAINING")


async def test_a_synthesis_of_the_maximum_age_is_told() -> None:
    async with serving(HANGING, max_age=0.2, drain_seconds=0.2) as served, reading(synthesis(served)) as its:
        how = await its.ended()
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert "maximum age" in how.message
        assert its.said


# ---------------------------------------------------------------- too slow


async def test_a_listener_that_takes_no_sound_is_ended(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its window is small, and the status comes behind what fills it."""
    monkeypatch.setattr("voice_grpc.rpc.streams.SEND_SECONDS", 0.3)
    caplog.set_level(logging.INFO, "voice_grpc")
    told = "the client took no message for 0.3 s; read as fast as they come"
    options = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384), *LOCAL)
    async with (
        serving(max_sessions=1) as served,
        grpc.aio.insecure_channel(served.target, options) as channel,
    ):
        call = stub_of(channel).Synthesize(pb.SynthesizeRequest(text="And so on. " * 700))
        for _ in range(1_200):
            if f"Synthesize: SlowClient: {told}" in caplog.messages:
                break
            await asyncio.sleep(0.05)
        await served.assert_serves()
        async with reading(call) as its:
            how = await its.ended()
        assert_told(how, Code.RESOURCE_EXHAUSTED, "SLOW_CLIENT")
        assert how.message == told


# ---------------------------------------------------------------- drained


async def test_a_drain_lets_a_synthesis_finish() -> None:
    script = Script(tts=ScriptedTts(Voicing(first_audio=0.5)))
    async with serving(script) as served, reading(synthesis(served)) as its:
        await its.begun.wait()
        assert not its.over.is_set()
        await served.server.drain(WITHIN)
        assert await its.ended() == OK
        assert its.said[-1].audio.is_last


async def test_a_drain_lets_a_dictation_finish() -> None:
    async with (
        serving() as served,
        reading(served.stub.Transcribe()) as dictation,
        asyncio.TaskGroup() as tasks,
    ):
        await dictation.send(CONFIG, *audio()[:4])
        await dictation.begun.wait()
        tasks.create_task(served.server.drain(WITHIN), name="drain")
        await asyncio.sleep(0.5)
        await dictation.send(*audio()[4:])
        await dictation.call.done_writing()
        assert await dictation.ended() == OK
        assert dictation.finals == ["hello there"]


async def test_a_drain_ends_a_dictation_that_goes_on_with_its_last_final() -> None:
    async with serving() as served, reading(served.stub.Transcribe()) as dictation:
        await dictation.send(CONFIG, *audio())
        await dictation.begun.wait()
        began = asyncio.get_running_loop().time()
        await served.server.drain(0.5)
        assert asyncio.get_running_loop().time() - began >= 0.5
        how = await dictation.ended()
        assert_told(how, Code.UNAVAILABLE, "DRAINING")
        assert how.message == "the server goes away; call again elsewhere"
        assert how.comes_again_by_chance
        assert dictation.finals == ["hello there"]


async def test_a_drain_ends_a_synthesis_that_goes_on() -> None:
    async with serving(HANGING) as served, reading(synthesis(served)) as its:
        await its.begun.wait()
        await served.server.drain(0.3)
        assert_told(await its.ended(), Code.UNAVAILABLE, "DRAINING")


async def test_a_draining_server_takes_no_new_call() -> None:
    async with serving(HANGING) as served, reading(synthesis(served)) as its, asyncio.TaskGroup() as tasks:
        await its.begun.wait()
        draining = tasks.create_task(served.server.drain(WITHIN), name="drain")
        await asyncio.sleep(0.1)
        for call in (synthesis(served), served.stub.Transcribe()):
            async with reading(call) as late:
                assert_told(await late.ended(), Code.UNAVAILABLE, "DRAINING")
        assert not draining.done()
        its.call.cancel()


async def test_calls_of_all_kinds_are_drained_together() -> None:
    script = scripted()
    script.tts.voicing = Voicing(first_audio=0.3)
    async with (
        serving(script) as served,
        served.talk() as talk,
        reading(synthesis(served)) as its,
        reading(served.stub.Transcribe()) as dictation,
    ):
        await talk.config()
        await talk.text("Hello.")
        await talk.next("audio")
        await dictation.send(CONFIG, *audio())
        await its.begun.wait()
        await dictation.begun.wait()
        await served.server.drain(2.0)
        assert_told(await talk.ended(), Code.UNAVAILABLE, "DRAINING")
        assert talk.terminals(1) == [pb.TurnEvent.STATE_COMPLETED]
        assert await its.ended() == OK
        assert_told(await dictation.ended(), Code.UNAVAILABLE, "DRAINING")
