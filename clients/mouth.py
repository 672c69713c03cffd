"""A user who is not there: clips are said into the stream, silence between them, frame by frame.

Frame n leaves at start + n × 20 ms whatever the server does, as a microphone's would, and the
same clock is the loudspeaker where there is none: it plays 20 ms of the answer in every 20 ms.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from voice_grpc.pb import voice_pb2 as pb

from .dialogue import Dialogue
from .sound import FRAME, INPUT_FRAME, OUTPUT_FRAME, Samples


class Mouth:
    def __init__(self) -> None:
        self._clips: deque[Samples] = deque()
        self._frames = 0
        self.said_until = 0.0
        """Seconds since the start at which the last clip ended, or will."""

    def say(self, clip: Samples) -> float:
        """Begin at once, or after what is being said. Returns the second at which it begins."""
        begins = max(self._frames * FRAME, self.said_until)
        padding = np.zeros(-len(clip) % INPUT_FRAME, np.int16)
        whole = np.concatenate([clip, padding])
        self._clips.extend(whole.reshape(-1, INPUT_FRAME))
        self.said_until = begins + len(whole) // INPUT_FRAME * FRAME
        return begins

    @property
    def is_silent(self) -> bool:
        return not self._clips

    def frame(self) -> Samples:
        """The next 20 ms."""
        self._frames += 1
        return self._clips.popleft() if self._clips else np.zeros(INPUT_FRAME, np.int16)


async def ticks(start: float, every: float = FRAME) -> AsyncIterator[float]:
    """Yields n × `every` at `start` + n × `every` (monotonic seconds), for ever. No tick is skipped."""
    n = 0
    while True:
        await asyncio.sleep(max(0.0, start + n * every - time.monotonic()))
        yield n * every
        n += 1


async def keep_time(dialogue: Dialogue, mouth: Mouth | None, plays: bool) -> None:
    """Say what `mouth` says, and be the loudspeaker where `plays`. Until cancelled."""
    recording = dialogue.recording
    async for at in ticks(recording.start):
        if plays:
            block = dialogue.playout.take(OUTPUT_FRAME, time.monotonic())
            recording.answer.write(block, at)
        if mouth is not None:
            frame = mouth.frame()
            recording.user.write(frame, at)
            await dialogue.call.send(pb.AudioInput(data=frame.tobytes()))


@asynccontextmanager
async def conversing(dialogue: Dialogue, mouth: Mouth | None, plays: bool) -> AsyncIterator[None]:
    """What is received is taken in, what is played is reported, and time goes on, inside the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(dialogue.receive(), name="receive"),
            group.create_task(dialogue.report(), name="report"),
            group.create_task(keep_time(dialogue, mouth, plays), name="keep time"),
        ]
        yield
        for task in tasks:
            task.cancel()
