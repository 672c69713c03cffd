"""A client with the jitter buffer and a real server, with a line of TCP between them that is bad or stops.

How often a line lets it run dry is for the bench to tell; here is what holds over any line.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
import pytest

from tests.serving import Served, scripted, serving
from voice_grpc.bench.line.listener import BLOCK, CONFIG, RATE_HZ, StoryListener
from voice_grpc.bench.line.relay import LineShape, ShapedRelay, shaped_relay
from voice_grpc.client import Call, connect
from voice_grpc.pb import voice_pb2 as pb

STORY = "She had a very long story to tell."
BAD = LineShape(rtt=0.04, jitter=0.03, loss=0.05, retransmission=0.1)
ENOUGH = round(0.06 * RATE_HZ)
"""Samples with which the buffer begins to play."""
State = pb.PlaybackReport


class HandedClock:
    """Passes by a block each time that one is played."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def telling(
    served: Served, shape: LineShape, seed: int = 1
) -> AsyncIterator[tuple[StoryListener, ShapedRelay]]:
    """The story was asked for."""
    async with (
        shaped_relay(served.server.port, shape, seed) as line,
        connect(f"127.0.0.1:{line.port}") as channel,
        Call.open(channel, CONFIG, reconnect_within=0.0) as call,
        asyncio.timeout(60),
        asyncio.TaskGroup() as tasks,
    ):
        listener = StoryListener(call, HandedClock())
        listening = tasks.create_task(listener.listen(), name="listen")
        await call.send(pb.Say(text=STORY))
        yield listener, line
        listening.cancel()


async def play(listener: StoryListener) -> None:
    assert isinstance(listener.clock, HandedClock)
    listener.clock.now += BLOCK / RATE_HZ
    await listener.play()


async def play_all(listener: StoryListener) -> None:
    """As it comes, never faster."""
    while not listener.is_done:
        await listener.until(lambda: listener.waiting >= ENOUGH or listener.is_whole)
        await play(listener)


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_and_all_is_in_order(seed: int) -> None:
    async with serving(scripted()) as served:
        async with telling(served, LineShape()) as (direct, _):
            await play_all(direct)
        async with telling(served, BAD, seed) as (listener, _):
            await play_all(listener)
    ends = [audio.offset_samples + audio.duration_samples for audio in listener.received]
    assert [audio.offset_samples for audio in listener.received] == [0, *ends[:-1]]
    assert [audio.chunk_index for audio in listener.received] == list(range(len(ends)))
    sound = b"".join(audio.data for audio in listener.received)
    assert sound == b"".join(audio.data for audio in direct.received)
    assert b"".join(block.astype("<i2").tobytes() for block in listener.played).strip(b"\0") == sound.strip(
        b"\0"
    )
    assert [(report.state, report.underruns) for report in listener.reports[-1:]] == [
        (State.STATE_FINISHED, 0)
    ]
    assert listener.reports[-1].played_samples == ends[-1]
    played = [report.played_samples for report in listener.reports]
    assert played == sorted(played)


async def test_a_stall_is_one_underrun_and_is_reported() -> None:
    async with serving(scripted()) as served, telling(served, BAD) as (listener, line):
        await listener.until(lambda: listener.waiting >= ENOUGH)
        await play(listener)
        line.stall()
        while listener.waiting:
            await play(listener)
        await play(listener)
        assert not listener.played[-1].any()
        assert listener.reports[-1].underruns == 0, "what stays out may be the end"
        line.flow()
        await play_all(listener)
        assert listener.reports[-1].underruns == 1
        assert listener.reports[-1].played_samples == listener.arrived


async def test_what_is_on_its_way_when_it_is_flushed_is_not_heard() -> None:
    async with serving(scripted()) as served, telling(served, BAD) as (listener, line):
        await listener.until(lambda: listener.waiting >= ENOUGH)
        await play(listener)
        line.stall()
        await listener.call.send(pb.Interrupt())
        for _ in range(3):
            await play(listener)
        line.flow()
        turn = listener.buffer.position[0]
        await listener.until(
            lambda: any(
                said.playback_control.action == pb.PlaybackControl.ACTION_FLUSH for said in listener.said
            )
        )
        count, heard = len(listener.received), len(listener.played)
        for _ in range(30):
            await play(listener)
        cleared = listener.reports[-1]
        assert (cleared.turn, cleared.state) == (turn, State.STATE_CLEARED)
        assert not np.concatenate(listener.played[heard:]).any()
        assert 0 < cleared.played_samples <= 4 * BLOCK
        await listener.until(lambda: any(said.HasField("interrupted") for said in listener.said))
        await listener.call.send(pb.Ping(id=1))
        await listener.until(lambda: any(said.HasField("pong") for said in listener.said))
        assert len(listener.received) == count, "no sound of it follows FLUSH"
