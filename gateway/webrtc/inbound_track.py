"""What a browser says over WebRTC: PCM16 mono at 16 kHz with its place in time.

A lost packet is a gap in the places, which the server fills with silence: with a fifth of the packets lost
Whisper base misheard no more than with the packet before repeated and faded out in their place. A queue
that has grown late is cut at its old end, since what was said a second ago is better lost than heard late
for ever.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from av.audio.resampler import AudioResampler

from voice_grpc.pb import voice_pb2 as pb

RATE_HZ = 16_000
MAX_WAITING = 50
"""Frames of 20 ms that may wait for the way to the server. A loop that was held up gets all that came
meanwhile at once, and loses nothing of it."""

MAX_GAP = RATE_HZ
"""Samples of silence for a gap, at most: in a longer one the browser's clock has jumped, or it was held."""


@dataclass(slots=True)
class SampleClock:
    """Timestamps of frames → offsets at `RATE_HZ`, gaps kept."""

    at: int = 0
    """Offset of the next sample, at `RATE_HZ`."""
    _expected: int | None = None
    """Timestamp of the next frame, at the frame's own rate."""

    def skip_lost(self, pts: int, rate_hz: int, samples: int) -> None:
        """A frame of `samples` at `pts` comes: `at` moves over what was lost before it."""
        gap = 0 if self._expected is None else pts - self._expected
        if gap > 0:
            self.at += min(gap * RATE_HZ // rate_hz, MAX_GAP)
        self._expected = pts + samples


@dataclass
class InboundTrack:
    """Reads a track all the time, whatever the way to the server does."""

    track: MediaStreamTrack
    is_placed: bool = True
    """Its places are those of the conversation. Not so where that began on another line: then what was lost
    is silence in the sound itself."""
    _waiting: deque[pb.AudioInput] = field(default_factory=lambda: deque(maxlen=MAX_WAITING))
    _filled: asyncio.Event = field(default_factory=asyncio.Event)
    _clock: SampleClock = field(default_factory=SampleClock)

    async def run(self) -> None:
        """Until the track ends."""
        resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
        while True:
            try:
                frame = await self.track.recv()
            except MediaStreamError:
                return
            if isinstance(frame, AudioFrame):
                self._take(frame, resampler)

    async def next(self) -> pb.AudioInput:
        """The oldest frame that waits, or else the next one that comes."""
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()

    def _take(self, frame: AudioFrame, resampler: AudioResampler) -> None:
        before = self._clock.at
        self._clock.skip_lost(frame.pts or 0, frame.sample_rate, frame.samples)
        lost = b"" if self.is_placed else bytes(2 * (self._clock.at - before))
        frame.pts = None
        for resampled in resampler.resample(frame):
            data = resampled.to_ndarray().tobytes()
            place = self._clock.at if self.is_placed else None
            self._waiting.append(pb.AudioInput(data=lost + data, offset_samples=place))
            self._clock.at, lost = self._clock.at + len(data) // 2, b""
        self._filled.set()
