"""Somebody who asks recorded questions aloud, one after the other, and hears each answer out.

Delays count from the last voiced sample of the recording to the first audible one that the client gets.
"""

import asyncio
from collections.abc import Sequence

import grpc.aio
import numpy as np

from ..client import Access, Call
from ..client.connection import NO_ACCESS
from ..core.audio import RATE_HZ, Samples, audible_from, rms, silence
from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import VoiceServiceStub
from .load import AUDIBLE, FRAME, FRAME_SECONDS

QUESTIONS = (
    "What is the capital of France?",
    "How many days are in a week?",
    "Can you tell me what color the sky is on a clear day?",
    "Who wrote the play Romeo and Juliet?",
    "My name is Anna and I live in a small town near the sea.",
    "What is my name?",
)
ANSWER_WITHIN = 20.0
"""Seconds; what an unanswered question counts as."""


_ENDS = (pb.TurnEvent.STATE_COMPLETED, pb.TurnEvent.STATE_INTERRUPTED, pb.TurnEvent.STATE_FAILED)


def trimmed(sound: Samples) -> Samples:
    """At `RATE_HZ`, from its first to its last audible sample."""
    start = audible_from(sound, RATE_HZ)
    end = len(sound) - audible_from(sound[::-1], RATE_HZ)
    return sound[start:end]


async def spoken(channel: grpc.aio.Channel, access: Access, text: str) -> Samples:
    """By the server's own voice, at `RATE_HZ`. Raises `grpc.aio.AioRpcError`."""
    sound = pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ)
    request = pb.SynthesizeRequest(text=text, output_audio=sound)
    pieces = VoiceServiceStub(channel).Synthesize(request, metadata=access.metadata)
    return np.frombuffer(b"".join([piece.audio.data async for piece in pieces]), np.int16)


async def ask_aloud(
    target: str | grpc.aio.Channel, questions: Sequence[Samples], access: Access = NO_ACCESS
) -> list[float]:
    """Seconds to each answer; `ANSWER_WITHIN` where none came. Raises `CallFailed`."""
    delays = list[float]()
    config = pb.SessionConfig(greeting="", language_codes=["en"])
    config.capabilities.echo_cancellation = True  # nothing comes back
    async with Call.open(target, config, access) as call, asyncio.TaskGroup() as tasks:
        microphone, answers = _Microphone(call), asyncio.Queue[float]()
        living = [
            tasks.create_task(microphone.run(), name="microphone"),
            tasks.create_task(_listen(call, answers), name="ear"),
        ]
        for question in questions:
            while not answers.empty():  # one that came too late for its own
                answers.get_nowait()
            ended = microphone.say(question)
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    delays.append(await answers.get() - await ended)
            except TimeoutError:
                delays.append(ANSWER_WITHIN)
        await call.send(pb.EndSession())
        for task in living:
            task.cancel()
    return delays


async def _listen(call: Call, answers: "asyncio.Queue[float]") -> None:
    """Of each answer, once it ended, when its first audible chunk came."""
    at = 0.0
    async for response in call:
        arm = response.WhichOneof("payload")
        if arm == "audio" and not at and rms(np.frombuffer(response.audio.data, "<i2")) > AUDIBLE:
            at = asyncio.get_running_loop().time()
        if arm == "turn_event" and response.turn_event.state in _ENDS:
            if at and response.turn_event.state == pb.TurnEvent.STATE_COMPLETED:
                answers.put_nowait(at)
            at = 0.0


class _Microphone:
    """Frames at start + n × 20 ms for ever: what it is to say, else silence."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._queue: asyncio.Queue[tuple[Samples, asyncio.Future[float]]] = asyncio.Queue()

    def say(self, samples: Samples) -> asyncio.Future[float]:
        """When the last voiced frame should have left."""
        ended = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((samples, ended))
        return ended

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        start, n = loop.time(), 0
        while True:
            samples, ended = self._queue.get_nowait() if not self._queue.empty() else (silence(0.02), None)
            for frame in _frames(samples):
                n += 1
                await asyncio.sleep(max(0.0, start + n * FRAME_SECONDS - loop.time()))
                await self._call.send(pb.AudioInput(data=frame.tobytes()))
            if ended is not None:
                ended.set_result(start + n * FRAME_SECONDS)


def _frames(samples: Samples) -> list[Samples]:
    """Whole ones; the silence that fills the last is added after its sound."""
    padded = np.concatenate((samples, np.zeros(-len(samples) % FRAME, np.int16)))
    return [padded[at : at + FRAME] for at in range(0, len(padded), FRAME)]
