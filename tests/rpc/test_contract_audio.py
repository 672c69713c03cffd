"""The rules of the contract that are about sound, by number, over a real server in real time.

6  chunk index and offset are contiguous from 0; `is_last` once
7  sound runs at most `max_playout_lead` ahead of what was played
10 control leaves ahead of queued sound

The others are in `test_contract.py`.
"""

import asyncio
from dataclasses import replace
from typing import TypeAlias

import grpc.aio
import numpy as np
import pytest
from google.protobuf.duration_pb2 import Duration

from voice_grpc.core.audio import Floats
from voice_grpc.engines.scripted import ScriptedVad
from voice_grpc.pb import voice_pb2 as pb

from ..serving import LOCAL, LONG, WITHIN, answered, scripted, serving, stub_of

Stream: TypeAlias = "grpc.aio.StreamStreamCall[pb.ConverseRequest, pb.ConverseResponse]"

# ---------------------------------------------------------------- 6

LATE = 0.5
"""Seconds that a busy machine takes for what takes none; all of the sound at once is a second ahead."""


@pytest.mark.parametrize("lead_ms", [100, 200])
async def test_rule_6_and_7_chunks_are_contiguous_and_paced(lead_ms: int) -> None:
    """By the server's own clock: what left until now is at most the lead ahead of the time since the first,
    which left late if the machine was busy. To the millisecond `tests/session/answering/test_pacing.py` says
    it, in virtual time.
    """
    async with serving(scripted("Sure. I can help you.")) as served, served.talk() as talk:
        await talk.config(max_playout_lead=Duration(nanos=lead_ms * 1_000_000))
        turn = await answered(talk)
        chunks = talk.chunks(turn)
        assert [c.chunk_index for c in chunks] == list(range(len(chunks)))
        ends = np.cumsum([0] + [c.duration_samples for c in chunks])
        assert [c.offset_samples for c in chunks] == list(ends[:-1])
        assert all(len(c.data) == 2 * c.duration_samples for c in chunks)
        assert [c.is_last for c in chunks] == [False] * (len(chunks) - 1) + [True]
        times = np.array([r.server_time_us for r in talk.of(turn) if r.HasField("audio")])
        ahead = ends[1:] / 24_000 - (times - times[0]) / 1e6
        assert ahead.max() <= lead_ms / 1000 + LATE
        assert ends[-1] / 24_000 > 1.0


# ---------------------------------------------------------------- 7


async def test_rule_7_reports_hold_the_sound_back() -> None:
    """A client that says nothing of it was played gets the lead, and no more, until it says more."""
    async with serving(scripted(LONG)) as served, served.talk() as talk:
        await talk.config(capabilities=pb.ClientCapabilities(playback_reports=True))
        await talk.text("Tell me a lot.")
        first = await talk.next("audio")
        played = 0
        for ping in range(1, 13):
            report = pb.PlaybackReport(
                turn=first.turn, state=pb.PlaybackReport.STATE_PROGRESS, played_samples=played
            )
            await talk.send(pb.ConverseRequest(playback=report))
            await talk.send(pb.ConverseRequest(ping=pb.Ping(id=ping)))
            await talk.until(lambda ping=ping: any(r.pong.id == ping for r in talk.said), "pong")  # type: ignore[misc]
            played += 480
        sent = sum(c.duration_samples for c in talk.chunks(first.turn))
        assert sent / 24_000 < played / 24_000 + 0.2 + 0.04 + 0.2


# ---------------------------------------------------------------- 10


class ListenedVad(ScriptedVad):
    """`has_heard`: sound of the client came to it."""

    def __init__(self) -> None:
        super().__init__()
        self.has_heard = asyncio.Event()

    async def probability(self, window: Floats) -> float:
        self.has_heard.set()
        return await super().probability(window)


async def test_rule_10_control_overtakes_queued_sound() -> None:
    """A client with a small window asks for four big chunks' worth more than fits into it, and reads on once
    the server has read what it sent after the ping.

    0.4 s of sound are due at once: 154 kB. What was due and had not come when the pong came was overtaken.
    """
    vad = ListenedVad()
    small = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 16_384), *LOCAL)
    big = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_F32LE, sample_rate_hz=48_000, channels=2)
    script = replace(scripted(LONG), vad=vad)
    async with serving(script) as served, grpc.aio.insecure_channel(served.target, small) as channel:
        call = stub_of(channel).Converse()
        config = pb.SessionConfig(output_audio=big, max_playout_lead=Duration(nanos=400_000_000))
        await call.write(pb.ConverseRequest(config=config))
        await call.write(pb.ConverseRequest(text=pb.TextInput(text="Tell me a lot.")))
        chunks = [await read_until(call, "audio")]
        await call.write(pb.ConverseRequest(client_time_us=70, ping=pb.Ping(id=7)))
        await call.write(pb.ConverseRequest(audio=pb.AudioInput(data=bytes(6_400))))
        async with asyncio.timeout(WITHIN):
            await vad.has_heard.wait()
        pong = None
        while pong is None:
            chunks.append(await read_until(call, "audio", "pong"))
            pong = chunks.pop() if chunks[-1].HasField("pong") else None
        call.cancel()
        assert (pong.pong.id, pong.pong.client_time_us) == (7, 70)
        elapsed = (pong.server_time_us - chunks[0].server_time_us) / 1e6
        assert sum(c.audio.duration_samples for c in chunks) / 48_000 < elapsed + 0.4 - 0.1


async def read_until(call: "Stream", *arms: str) -> pb.ConverseResponse:
    async with asyncio.timeout(WITHIN):
        while True:
            response = await call.read()
            assert isinstance(response, pb.ConverseResponse)
            if response.WhichOneof("payload") in arms:
                return response
