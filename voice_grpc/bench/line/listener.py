"""One client with a jitter buffer and the capability `playback_control`, which has a story told and says what
it played. Its loudspeaker takes blocks when it is asked to: by the clock, or as a test wants it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from ...client import Call, JitterBuffer
from ...core.audio import Samples
from ...pb import voice_pb2 as pb

RATE_HZ = 24_000
BLOCK = 240
"""Samples that the loudspeaker takes at once: 10 ms."""

Action = pb.PlaybackControl

CONFIG = pb.SessionConfig(
    greeting="",
    output_audio=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ, channels=1),
    capabilities=pb.ClientCapabilities(echo_cancellation=True, playback_reports=True, playback_control=True),
)


@dataclass(slots=True)
class StoryListener:
    call: Call
    clock: Callable[[], float]
    """Monotonic seconds."""
    buffer: JitterBuffer = field(default_factory=lambda: JitterBuffer(RATE_HZ))
    received: list[pb.AudioOutput] = field(default_factory=list)
    played: list[Samples] = field(default_factory=list)
    """All that the loudspeaker took, a `BLOCK` each."""
    reports: list[pb.PlaybackReport] = field(default_factory=list)
    said: list[pb.ConverseResponse] = field(default_factory=list)
    """All but the sound."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def listen(self) -> None:
        """Until the call ends. Raises `CallFailed`."""
        async for response in self.call:
            now, turn = self.clock(), response.turn
            if response.WhichOneof("payload") == "audio":
                audio = response.audio
                samples = np.frombuffer(audio.data, "<i2").astype(np.int16)
                self.received.append(audio)
                self.buffer.receive(turn, samples, now, audio.is_last, audio.offset_samples)
            else:
                self.said.append(response)
                self._obey(turn, response.playback_control, now)
            self._changed.set()

    def _obey(self, turn: int, control: pb.PlaybackControl, now: float) -> None:
        match control.action:
            case Action.ACTION_DUCK | Action.ACTION_UNDUCK:
                self.buffer.duck(turn, control.action == Action.ACTION_DUCK)
            case Action.ACTION_HOLD:
                self.buffer.hold(turn, now)
            case Action.ACTION_RESUME:
                self.buffer.resume(turn, control.position_samples, now)
            case Action.ACTION_FLUSH:
                self.buffer.flush(turn)

    async def play(self) -> Samples:
        """The next block; what is due is reported."""
        now = self.clock()
        block = self.buffer.take(BLOCK, now)
        self.played.append(block)
        for report in self.buffer.due(now):
            self.reports.append(report)
            await self.call.send(report)
        return block

    async def until(self, found: Callable[[], bool]) -> None:
        """Something came with which `found` is true."""
        while not found():
            self._changed.clear()
            await self._changed.wait()

    @property
    def arrived(self) -> int:
        """Samples of the answer that came last."""
        return self.received[-1].offset_samples + self.received[-1].duration_samples if self.received else 0

    @property
    def is_whole(self) -> bool:
        """The last sample of an answer came."""
        return bool(self.received) and self.received[-1].is_last

    @property
    def waiting(self) -> int:
        """Samples that came and were not played."""
        return self.arrived - self.buffer.position[1] if self.buffer.turns else 0

    @property
    def is_done(self) -> bool:
        return bool(self.reports) and self.reports[-1].state == pb.PlaybackReport.STATE_FINISHED
