"""What was sent and is not taken care of by the server yet: `Unconsumed`, kept so that it can be sent again.

Pure; time is an argument, monotonic seconds. What is bounded gives way oldest first.
"""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..pb import voice_pb2 as pb

SOUND_SECONDS = 10.0
"""Of the user's sound, as the contract has it (ResumeUpdate)."""
MAX_SOUNDS, SOUND_BYTES = 4096, 4 << 20
"""Messages and bytes of it: 10 s in pieces of 2.5 ms, and of stereo floats at 48 kHz."""
MAX_OTHERS, OTHER_BYTES = 1024, 4 << 20
"""Messages that are not sound, and their bytes: typed words, tools' results, reports of ended answers."""


@dataclass(frozen=True, slots=True)
class _Sent:
    request: pb.ConverseRequest
    at: float
    size: int


@dataclass(slots=True)
class _Bounded:
    most: int
    most_bytes: int
    all: deque[_Sent] = field(default_factory=deque)
    bytes: int = 0

    def add(self, sent: _Sent, not_before: float = float("-inf")) -> None:
        """What was sent before `not_before` gives way too."""
        self.all.append(sent)
        self.bytes += sent.size
        while self.all and (
            len(self.all) > self.most or self.bytes > self.most_bytes or self.all[0].at < not_before
        ):
            self.bytes -= self.all.popleft().size

    def drop_until(self, seq: int) -> None:
        while self.all and self.all[0].request.seq <= seq:
            self.bytes -= self.all.popleft().size


def is_kept(request: pb.ConverseRequest) -> bool:
    """A Ping asks about its own way alone, and the next report of an answer that plays says more."""
    match request.WhichOneof("payload"):
        case "config" | "ping" | None:
            return False
        case "playback":
            return request.playback.state != pb.PlaybackReport.STATE_PROGRESS
    return True


class Unconsumed:
    """`add` in the order of `seq`, `consumed` as the server says, `after` for what is to be sent again."""

    def __init__(self) -> None:
        self._sound = _Bounded(MAX_SOUNDS, SOUND_BYTES)
        self._others = _Bounded(MAX_OTHERS, OTHER_BYTES)

    def add(self, request: pb.ConverseRequest, now: float) -> None:
        """`request` has its number, and is not changed any more."""
        if not is_kept(request):
            return
        sent = _Sent(request, now, request.ByteSize())
        if request.HasField("audio"):
            self._sound.add(sent, not_before=now - SOUND_SECONDS)
        else:
            self._others.add(sent)

    def consumed(self, seq: int) -> None:
        """The server takes care of it, and of all before it."""
        self._sound.drop_until(seq)
        self._others.drop_until(seq)

    def after(self, seq: int) -> list[pb.ConverseRequest]:
        """All that is kept with a higher number, in order. It stays kept."""
        return [request for request in self._in_order() if request.seq > seq]

    def take(self) -> list[pb.ConverseRequest]:
        """All of it, in order; nothing is kept any more."""
        taken = list(self._in_order())
        self.consumed(taken[-1].seq if taken else 0)
        return taken

    def _in_order(self) -> Iterator[pb.ConverseRequest]:
        both = ([sent.request for sent in kept.all] for kept in (self._sound, self._others))
        return heapq.merge(*both, key=lambda request: request.seq)
