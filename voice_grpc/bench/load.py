"""Users who speak by the clock whatever the server does, and note when they hear an answer.

Open loop: frame n leaves at start + n × 20 ms, and latency counts from when it should have left
(coordinated omission). How late the generator itself was is part of the result.
"""

import asyncio
import random
from dataclasses import dataclass, field

import grpc.aio
import numpy as np
from google.protobuf.duration_pb2 import Duration

from ..client import Access, Call
from ..client.connection import NO_ACCESS
from ..core.audio import rms, to_pcm16
from ..pb import voice_pb2 as pb

FRAME_SECONDS = 0.02
FRAME = 320
"""Samples at 16 kHz."""

SPEECH_SECONDS, CYCLE_SECONDS = 0.64, 1.92
"""Multiples of 160 ms, where frames of 20 ms and the detector's windows of 32 ms meet: the detector can
know the end of speech exactly, so that no part of the result is the luck of the grid."""

TIMER_SECONDS = 0.0015

UNANSWERED_SECONDS = 8.0
"""What a turn without an answer counts as."""

HOLD_SECONDS = 0.5


def by_the_clock(speculation: pb.TurnDetection.Speculation) -> pb.TurnDetection:
    """The same wait for every turn, and of its answer as much made meanwhile: what is left is overhead."""
    return pb.TurnDetection(hold=Duration(nanos=round(HOLD_SECONDS * 1e9)), speculation=speculation)


AUDIBLE = 0.01
"""RMS from which a chunk is audible: -40 dBFS."""

TONE = to_pcm16(0.3 * np.sin(2 * np.pi * 200 * np.arange(FRAME) / 16_000)).tobytes()
SILENCE = bytes(len(TONE))


@dataclass(slots=True)
class UserNotes:
    """What one user noted; all times are the loop's."""

    speech_ends: list[float] = field(default_factory=list)
    """When the last voiced frame of each question should have left."""
    answers: dict[int, float] = field(default_factory=dict)
    """When the first audible chunk of each turn came."""
    questions: dict[int, str] = field(default_factory=dict)
    """What each turn was understood as."""
    metrics: dict[int, pb.TurnMetrics] = field(default_factory=dict)
    """What the server says of each turn."""
    lateness: list[float] = field(default_factory=list)
    """Seconds by which each frame left too late."""


async def converse(
    channel: grpc.aio.Channel,
    seconds: float,
    seed: int,
    cycle: float = CYCLE_SECONDS,
    *,
    config: pb.SessionConfig,
    access: Access = NO_ACCESS,
) -> UserNotes:
    """A question every `cycle` seconds, a multiple of 160 ms: long enough for the answer to be heard out.

    Without a greeting and interims, whatever `config` says; the rest is as it says.
    """
    notes = UserNotes()
    loop = asyncio.get_running_loop()
    await asyncio.sleep(random.Random(seed).uniform(0, cycle))
    quiet = pb.SessionConfig(greeting="", send=pb.OutputSelection(interim_transcripts=False))
    quiet.MergeFrom(config)
    async with Call.open(channel, quiet, access, reconnect_within=0.0) as call, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(_listen(call, notes), name="listen")
        start = loop.time() + FRAME_SECONDS
        for n in range(round(seconds / FRAME_SECONDS)):
            due = start + n * FRAME_SECONDS
            await sleep_until(due)
            notes.lateness.append(loop.time() - due)
            is_voiced = _is_voiced(n, cycle)
            if is_voiced and not _is_voiced(n + 1, cycle):
                notes.speech_ends.append(due)
            await call.send(pb.AudioInput(data=TONE if is_voiced else SILENCE))
        await asyncio.sleep(0.2)
        listening.cancel()
    return notes


async def sleep_until(due: float) -> None:
    """To the tenth of a millisecond: the loop's own timers are late by up to one and a half."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(max(0.0, due - loop.time() - TIMER_SECONDS))
    while loop.time() < due:  # noqa: ASYNC110 - the clock is no event
        await asyncio.sleep(0)


async def _listen(call: Call, notes: UserNotes) -> None:
    loop = asyncio.get_running_loop()
    async for response in call:
        match response.WhichOneof("payload"):
            case "audio" if response.turn not in notes.answers:
                if rms(np.frombuffer(response.audio.data, "<i2")) > AUDIBLE:
                    notes.answers[response.turn] = loop.time()
            case "transcript" if response.transcript.is_final:
                notes.questions[response.turn] = response.transcript.text
            case "turn_metrics":
                notes.metrics[response.turn] = response.turn_metrics


def _is_voiced(n: int, cycle: float) -> bool:
    return n % round(cycle / FRAME_SECONDS) < round(SPEECH_SECONDS / FRAME_SECONDS)
