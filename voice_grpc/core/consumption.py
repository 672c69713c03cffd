"""Which requests are taken care of: those that a caller who comes back need not send again.

Two answers, by who asks. The server that has them still knows of every request that it read (`highest`). On
another server only that counts which is in the store: all but the sound of a turn that is half said, with
the padding before its onset, and what nobody has decided about yet. Pure bookkeeping; positions are samples
at `RATE_HZ`.
"""

from collections import deque
from dataclasses import dataclass

KEPT_CHUNKS = 3_000
"""Chunks of sound whose places are known: a minute at 20 ms each. A caller sends the last 10 s again at
most, so older ones count as taken care of."""


@dataclass(frozen=True, slots=True)
class Consumed:
    """How far requests are taken care of, whatever happens to the server."""

    seq: int = 0
    """Of the last one."""
    acted: int = 0
    """Of the last one that was acted on, with all before it: no text, interruption, result or change up to it
    is to be acted on again."""
    received: int = 0
    """Samples at the input rate that came up to `seq`."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    seq: int
    end: int
    received: int


class Consumption:
    def __init__(self, start: Consumed | None = None) -> None:
        """`start`: of the server before, whose conversation this is."""
        start = start or Consumed()
        self.highest = max(start.seq, start.acted)
        """Number of the last request that was read."""
        self._chunks: deque[_Chunk] = deque()
        self._settled = _Chunk(start.seq, 0, start.received)
        """The last chunk that is taken care of."""
        self._pressed = 0
        """Number of the button's START in the turn that goes on; 0: none."""

    # ------------------------------------------------------------ what was read

    def took(self, seq: int) -> None:
        self.highest = max(self.highest, seq)

    def took_sound(self, seq: int, end: int, received: int) -> None:
        """A chunk that ends at `end`; with it came `received` samples at the input rate in all."""
        self._chunks.append(_Chunk(seq, end, received))
        if len(self._chunks) > KEPT_CHUNKS:
            self._settled = self._chunks.popleft()

    def took_press(self, seq: int) -> None:
        self._pressed = seq

    # ------------------------------------------------------------ what is taken care of

    def consumed(
        self, unsafe_from: int, *, undecided_text: int, is_decided: bool, hears_user: bool
    ) -> Consumed:
        """`unsafe_from`: position from which on sound may belong to a turn that is not over;
        `undecided_text`: number of the first text that nobody has decided about, 0: there is none;
        `is_decided`: nothing at all waits to be decided about; `hears_user`: a turn that is not over goes
        on."""
        if is_decided and not hears_user:
            self._pressed = 0
        acted = min(self.highest, undecided_text - 1) if undecided_text else self.highest
        safe = min(acted, self._pressed - 1) if self._pressed else acted
        while self._chunks and self._chunks[0].end <= unsafe_from and self._chunks[0].seq <= safe:
            self._settled = self._chunks.popleft()
        if self._chunks:
            safe = min(safe, self._chunks[0].seq - 1)
        return Consumed(max(0, safe), acted, self._settled.received)
