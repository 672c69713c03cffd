"""A recorder that keeps what it is told in memory: two channels and the events, by their times."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from voice_grpc.core.audio import Samples
from voice_grpc.ports import CONVERSATION_ENDED, OnTrouble, RecordedMessage, SoundPiece, SpokenAt

M = TypeVar("M")


@dataclass
class HeldRecording:
    """Implements `ports.Recording`."""

    session_id: str
    owner: str
    on_trouble: OnTrouble
    user: list[SoundPiece] = field(default_factory=list)
    assistant: list[SoundPiece] = field(default_factory=list)
    events: list[tuple[float, RecordedMessage, SpokenAt | None]] = field(default_factory=list)
    settled: float = 0.0
    closed_at: float | None = None
    closed_for: str = ""

    def hear(self, piece: SoundPiece) -> None:
        assert self.closed_at is None
        self.user.append(piece)

    def say(self, piece: SoundPiece) -> None:
        assert self.closed_at is None
        assert piece.at >= self.settled - 1e-6, "too late to be written"
        self.assistant.append(piece)

    def tell(self, at: float, message: RecordedMessage, spoken: SpokenAt | None = None) -> None:
        self.events.append((at, message, spoken))

    def settle(self, until: float) -> None:
        assert until >= self.settled
        self.settled = until

    def close(self, at: float, reason: str = CONVERSATION_ENDED) -> None:
        self.closed_at, self.closed_for = at, reason

    def all(self, kind: type[M]) -> list[tuple[float, M]]:
        return [(at, message) for at, message, _ in self.events if isinstance(message, kind)]


@dataclass
class HeldRecorder:
    """Implements `ports.Recorder`. `on_open`: told of each recording as it begins."""

    on_open: Callable[[HeldRecording], None] = lambda recording: None
    recordings: list[HeldRecording] = field(default_factory=list)

    def open(self, session_id: str, owner: str, on_trouble: OnTrouble) -> HeldRecording:
        self.recordings.append(HeldRecording(session_id, owner, on_trouble))
        self.on_open(self.recordings[-1])
        return self.recordings[-1]

    async def delete(self, session_id: str, owner: str) -> bool:
        return False

    @property
    def only(self) -> HeldRecording:
        (recording,) = self.recordings
        return recording


def laid_out(pieces: list[SoundPiece], seconds: float, rate_hz: int) -> Samples:
    """Each piece in its place; none over another, but for the rounding."""
    line, end = np.zeros(round(seconds * rate_hz), np.int16), -1.0
    for piece in pieces:
        assert piece.rate_hz == rate_hz
        assert piece.at >= end - 1e-4, "one piece lies over another"
        start = round(piece.at * rate_hz)
        room = line[start : start + len(piece.samples)]
        room[:] = piece.samples[: len(room)]
        end = piece.at + len(piece.samples) / rate_hz
    return line
