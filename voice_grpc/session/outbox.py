"""What waits to leave on one stream: control ahead of media, each in its own order, one reader.

Media carry the turn they belong to, so that what is queued of a cut answer can be thrown away. Where
a turn has got to (TurnEvent) goes with them, so that it is told in the order in which it happened.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from ..core.errors import SlowClient
from ..core.responses import AudioOutput, ConverseResponse, ResponseText, TurnEvent, TurnMetrics

Send: TypeAlias = Callable[[ConverseResponse], Awaitable[None]]
Media: TypeAlias = AudioOutput | ResponseText | TurnEvent | TurnMetrics

M = TypeVar("M")

MAX_CONTROL = 512
MAX_MEDIA = 256
"""About 10 s of sound: the pacer lets no more than 0.4 s pile up unless the client does not read.
When either is full the session ends with SlowClient."""

SEND_SECONDS = 10.0
"""For one message to leave. A client that takes none for so long has gone without saying so."""


class Outbox:
    def __init__(self) -> None:
        self._control: deque[ConverseResponse] = deque()
        self._media: deque[Media] = deque()
        self._filled = asyncio.Event()
        self._last: ConverseResponse | None = None
        self._is_closed = False

    def put(self, message: ConverseResponse) -> None:
        """Ahead of all queued media."""
        self._append(self._control, message, MAX_CONTROL)

    def put_in_order(self, message: Media) -> None:
        """Behind the media that were put before it."""
        self._append(self._media, message, MAX_MEDIA)

    def drop(self, turn: int) -> None:
        """Throw away the sound and the text of `turn` that have not left."""
        self._media = deque(
            m for m in self._media if m.turn != turn or not isinstance(m, AudioOutput | ResponseText)
        )

    def waiting_samples(self, turn: int) -> int:
        """Sound of `turn` that has not left, in samples at the output rate."""
        return sum(m.duration for m in self._media if isinstance(m, AudioOutput) and m.turn == turn)

    def close(self, last: ConverseResponse | None = None) -> None:
        """`last` leaves once everything else has; then `take` ends."""
        self._last, self._is_closed = last, True
        self._filled.set()

    async def take(self) -> ConverseResponse | None:
        """The next to leave; None when closed and empty."""
        while not (self._control or self._media):
            if self._is_closed:
                last, self._last = self._last, None
                return last
            self._filled.clear()
            await self._filled.wait()
        return self._control.popleft() if self._control else self._media.popleft()

    async def deliver(self, send: Send) -> None:
        """Everything, in its order, until closed and empty. Raises `SlowClient`."""
        while (message := await self.take()) is not None:
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await send(message)
            except TimeoutError:
                text = f"the client took no message for {SEND_SECONDS:g} s; read as fast as they come"
                raise SlowClient(text) from None

    def _append(self, lane: deque[M], message: M, limit: int) -> None:
        if len(lane) >= limit:
            raise SlowClient(f"the client is {limit} messages behind; read as fast as they come")
        lane.append(message)
        self._filled.set()
