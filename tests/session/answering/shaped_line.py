"""A line with a delay, a jitter and losses between a session and a client that plays by a jitter buffer, on
virtual time: the same in every run.

What is lost is sent again, as TCP does: it and all behind it are late by one retransmission time. Nothing is
asserted here.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from voice_grpc.client import JitterBuffer
from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.audio import Samples
from voice_grpc.pb import voice_pb2 as pb

from ..harness import Client

RATE_HZ = 24_000
BLOCK = 240
"""Samples that the loudspeaker takes at once: 10 ms."""


@dataclass(slots=True)
class Line:
    """One direction of it, in order."""

    rtt: float
    jitter: float = 0.0
    """Seconds by which a message is late at most, beside half of `rtt`."""
    loss: float = 0.0
    """Share of the messages of which a segment is lost."""
    retransmission: float = 0.0
    """Seconds until a lost segment has come after all."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    _last: float = 0.0

    def arrival(self, now: float) -> float:
        """When what is sent now comes; never before what was sent earlier."""
        late = self.chance.uniform(0.0, self.jitter)
        late += self.retransmission if self.chance.random() < self.loss else 0.0
        self._last = max(self._last, now + self.rtt / 2 + late)
        return self._last


@dataclass(slots=True)
class FarClient(Client):
    """Obeys PlaybackControl, and reports as the contract asks."""

    down: Line = field(default_factory=lambda: Line(0.0))
    up: Line = field(default_factory=lambda: Line(0.0))
    buffer: JitterBuffer = field(default_factory=JitterBuffer)
    played: list[Samples] = field(default_factory=list)
    """All that the loudspeaker was given, from time 0 on."""
    underruns: int = 0
    most_waiting: float = 0.0
    """Seconds of sound that had come and were not played, at most."""
    flushed_at: list[float] = field(default_factory=list)
    cleared: int = 0
    """Samples of the answer that was flushed last that were played."""

    async def send(self, message: o.ConverseResponse, seq: int = 0) -> None:
        loop = asyncio.get_running_loop()
        self.said.append((loop.time(), message))
        loop.call_at(self.down.arrival(loop.time()), self._take, message)

    def _take(self, message: o.ConverseResponse) -> None:
        now = asyncio.get_running_loop().time()
        match message:
            case o.AudioOutput(turn=turn, data=data, is_last=is_last):
                self.buffer.receive(turn, np.frombuffer(data, np.int16), now, is_last)
            case o.PlaybackControl(turn, action, position):
                self._obey(action, turn, position, now)

    def _obey(self, action: o.PlaybackAction, turn: int, position: int, now: float) -> None:
        acts: dict[o.PlaybackAction, Callable[[], object]] = {
            o.PlaybackAction.DUCK: lambda: self.buffer.duck(turn, True),
            o.PlaybackAction.UNDUCK: lambda: self.buffer.duck(turn, False),
            o.PlaybackAction.HOLD: lambda: self.buffer.hold(turn, now),
            o.PlaybackAction.RESUME: lambda: self.buffer.resume(turn, position, now),
            o.PlaybackAction.FLUSH: lambda: self.buffer.flush(turn),
        }
        acts[action]()
        if action is o.PlaybackAction.FLUSH:
            self.flushed_at.append(now)

    async def play(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            now = loop.time()
            self.played.append(self.buffer.take(BLOCK, now))
            for report in self.buffer.due(now):
                self.most_waiting = max(self.most_waiting, report.buffered_samples / RATE_HZ)
                if report.state == pb.PlaybackReport.STATE_CLEARED:
                    self.cleared = report.played_samples
                self.underruns = max(self.underruns, report.underruns)
                loop.call_at(self.up.arrival(now), self._requests.put_nowait, _told(report))
            await asyncio.sleep(BLOCK / RATE_HZ)

    @property
    def sound(self) -> Samples:
        return np.concatenate(self.played)


def _told(report: pb.PlaybackReport) -> i.PlaybackReport:
    state = pb.PlaybackReport.State.Name(report.state).removeprefix("STATE_")
    return i.PlaybackReport(
        report.turn,
        i.PlaybackState[state],
        report.played_samples,
        buffered=report.buffered_samples,
        underruns=report.underruns,
    )
