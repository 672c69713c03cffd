"""The answer's way to a browser over WebRTC: paced here, 20 ms at a time, silent when there is nothing.

Whoever paces knows what was played: the reports that a page makes by itself on a WebSocket are made
from here (`Reports`), since the track is the gateway's own. What has left is on its way through the browser's
jitter buffer, some 60 ms behind.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack
from av import AudioFrame

from voice_grpc.pb import voice_pb2 as pb

RATE_HZ = 48_000
FRAME = 960
"""Samples of 20 ms."""

FADE = 240
"""Samples: 5 ms. A cut is no click."""

MAX_WAITING = 10 * RATE_HZ
"""Samples. The server keeps no more than its lead ahead; what is beyond this is dropped, oldest first."""

SECONDS = 0.1
"""Between two reports of an answer that plays."""

State = pb.PlaybackReport


@dataclass(slots=True)
class TurnPlayback:
    """How far the answer of one turn was played."""

    turn: int
    played: int = 0
    """Samples."""
    is_over: bool = False
    """Its last sample was played, or it was cleared."""


@dataclass(slots=True)
class Playlist:
    """What waits to be played, and how far it got. Pure: frames are taken by whoever keeps the time."""

    current: TurnPlayback | None = None
    _waiting: deque[tuple[int, bytes, bool]] = field(default_factory=deque)
    _bytes: int = 0
    _rest: bytes = b""
    """What is left of the piece that is being played."""
    _is_last: bool = False
    """That piece is the last one of its turn."""
    _finished: list[TurnPlayback] = field(default_factory=list)

    def add(self, turn: int, data: bytes, *, is_last: bool) -> None:
        """PCM16 mono at `RATE_HZ`."""
        self._waiting.append((turn, data, is_last))
        self._bytes += len(data)
        ends = []
        while self._bytes > 2 * MAX_WAITING:
            dropped_turn, dropped, was_last = self._waiting.popleft()
            self._bytes -= len(dropped)
            ends += [(dropped_turn, b"", True)] if was_last else []
        self._waiting.extendleft(reversed(ends))  # without their ends these turns would never be finished

    def clear(self, turn: int) -> int:
        """Throw away what is left of `turn`; returns how much of it was played."""
        kept = [item for item in self._waiting if item[0] != turn]
        self._waiting = deque(kept)
        self._bytes = sum(len(data) for _, data, _ in kept)
        if self.current is None or self.current.turn != turn:
            return 0
        self._rest, self._is_last = _faded(self._rest[: 2 * FADE]), False
        self.current.is_over = True
        return self.current.played

    def take_finished(self) -> list[TurnPlayback]:
        """What was played to its end since this was asked last."""
        finished, self._finished = self._finished, []
        return finished

    def next_frame(self) -> bytes:
        """`FRAME` samples; silence where nothing waits."""
        frame = b""
        while len(frame) < 2 * FRAME:
            if not self._rest and not self._take():
                break
            piece = self._rest[: 2 * FRAME - len(frame)]
            self._rest = self._rest[len(piece) :]
            frame += piece
            self._count(len(piece) // 2)
        return frame.ljust(2 * FRAME, b"\0")

    def _count(self, samples: int) -> None:
        if self.current is None:
            return
        self.current.played += samples
        if self._is_last and not self._rest:
            self.current.is_over, self._is_last = True, False
            self._finished.append(self.current)

    def _take(self) -> bool:
        """The next piece; False when there is none."""
        if not self._waiting:
            return False
        turn, self._rest, self._is_last = self._waiting.popleft()
        self._bytes -= len(self._rest)
        if self.current is None or self.current.turn != turn:
            self.current = TurnPlayback(turn)
        return True


def _faded(data: bytes) -> bytes:
    samples = np.frombuffer(data, "<i2")
    return (samples * np.linspace(1, 0, len(samples), endpoint=False)).astype("<i2").tobytes()


class OutboundTrack(MediaStreamTrack):
    """Frame n leaves at start + n × 20 ms; a loop that was held up does not catch up more than 200 ms."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.playlist = Playlist()
        self._start: float | None = None
        self._count = 0

    async def recv(self) -> AudioFrame:
        now = asyncio.get_running_loop().time()
        if self._start is None or now - self._start > self._count * 0.02 + 0.2:
            self._start = now - self._count * 0.02
        await asyncio.sleep(max(0.0, self._start + self._count * 0.02 - now))
        samples = np.frombuffer(self.playlist.next_frame(), "<i2").reshape(1, FRAME)
        frame = AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE_HZ, Fraction(1, RATE_HZ)
        frame.pts = self._count * FRAME
        self._count += 1
        return frame


@dataclass(slots=True)
class Reports:
    """The playback reports of a call, which the gateway makes for the page."""

    playlist: Playlist
    _reported: tuple[int, int] = (0, 0)
    """The turn that was reported last, and how many samples of it."""

    def due(self) -> list[pb.PlaybackReport]:
        """What happened since it was asked last; asked every `SECONDS`."""
        found = [report_of(each, State.STATE_FINISHED) for each in self.playlist.take_finished()]
        playing = self.playlist.current
        if playing is None or playing.is_over or (playing.turn, playing.played) == self._reported:
            return found
        is_new = playing.turn != self._reported[0]
        self._reported = (playing.turn, playing.played)
        return [*found, report_of(playing, State.STATE_STARTED if is_new else State.STATE_PROGRESS)]

    def cleared(self, turn: int) -> pb.PlaybackReport:
        """Throws away what is left of `turn`."""
        return report_of(TurnPlayback(turn, self.playlist.clear(turn)), State.STATE_CLEARED)


def report_of(playing: TurnPlayback, state: "pb.PlaybackReport.State") -> pb.PlaybackReport:
    return pb.PlaybackReport(turn=playing.turn, state=state, played_samples=playing.played)
