"""An answer that comes back, over the wire: what ClientCapabilities say decides, and TurnMetrics tell.

A file of its own: the server's way from `echo_cancellation` to the canceller, in real time.
"""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from voice_grpc.core.audio import Samples
from voice_grpc.engines.scripted import ScriptedEcho
from voice_grpc.pb import voice_pb2 as pb

from ..serving import ConverseCall, Served, noise, scripted, serving

ANSWER = "It is a rather long answer, that goes on for a while."


class MutingEcho(ScriptedEcho):
    """Takes out whatever comes in: in real time nothing is where it was to the sample."""

    async def cleaned(self, near: Samples, far: Samples) -> Samples:
        return np.zeros_like(await super().cleaned(near, far))


async def heard(served: Served, *, cancels: bool) -> tuple[pb.TurnEvent.State, pb.TurnMetrics]:
    """How the answer ended while the microphone heard a voice as long as it played."""
    async with served.talk() as talk, asyncio.TaskGroup() as tasks:
        output = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=16_000, channels=1)
        capabilities = pb.ClientCapabilities(echo_cancellation=cancels)
        await talk.config(output_audio=output, capabilities=capabilities)
        await talk.text("Tell me.")
        await talk.next("audio")
        tasks.create_task(hear(talk), name="hear")
        how = await talk.over(1)
        return how, (await talk.next("turn_metrics")).turn_metrics


async def hear(talk: ConverseCall) -> None:
    """Until the answer is over: a write that is cancelled would take the call with it."""
    while not talk.terminals(1):
        await talk.audio(noise(0.1))
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("cancels", [False, True])
async def test_the_server_cancels_where_the_client_does_not(cancels: bool) -> None:
    canceller = MutingEcho()
    script = replace(scripted(ANSWER, "and something else"), echo=canceller)
    async with serving(script) as served:
        how, metrics = await heard(served, cancels=cancels)
        assert canceller.opened == (not cancels)
        assert how == (pb.TurnEvent.STATE_INTERRUPTED if cancels else pb.TurnEvent.STATE_COMPLETED)
        assert metrics.HasField("echo_return_loss_enhancement_db") is not cancels
        assert cancels or metrics.echo_return_loss_enhancement_db == pytest.approx(60.0)
