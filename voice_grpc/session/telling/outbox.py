"""What waits to leave: control ahead of media, each in its own order, one reader.

Media carry the turn they belong to, so that what is queued of a cut answer can be thrown away. Where
a turn has got to (TurnEvent) goes with them, so that it is told in the order in which it happened.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from ...core.errors import SlowClient
from ...core.responses import (
    AudioOutput,
    ConverseResponse,
    Notice,
    ResponseText,
    ResumeUpdate,
    TurnEvent,
    TurnMetrics,
)
from ...ports import Observer, SessionIdentity
from ...ports.observer import NOBODY_LOOKS, UNTRACED, NoticeTold

Send: TypeAlias = Callable[[ConverseResponse], Awaitable[None]]
Media: TypeAlias = AudioOutput | ResponseText | TurnEvent | TurnMetrics | ResumeUpdate

M = TypeVar("M", bound=ConverseResponse)

MAX_CONTROL = 512
MAX_MEDIA = 256
"""About 10 s of sound: the pacer lets no more than 0.4 s pile up unless the client does not read.
When either is full the line is given up with SlowClient; when it is twice as full, the session ends with it:
nobody came back for all that."""

SEND_SECONDS = 10.0
"""For one message to leave. A client that takes none for so long has gone without saying so."""


NOBODYS = SessionIdentity("", UNTRACED)


class Outbox:
    def __init__(
        self,
        identity: SessionIdentity = NOBODYS,
        observer: Observer = NOBODY_LOOKS,
        on_put: Callable[[ConverseResponse], None] | None = None,
        on_full: Callable[[SlowClient], None] | None = None,
    ) -> None:
        """`observer` is told of notices; `on_put` of everything that is to leave, as it is put; `on_full` to
        give up the line: None: whoever puts more raises `SlowClient`."""
        self._identity, self._observer, self._on_put = identity, observer, on_put
        self._on_full = on_full
        self._control: deque[ConverseResponse] = deque()
        self._media: deque[Media] = deque()
        self._filled = asyncio.Event()
        self._last: ConverseResponse | None = None
        self._is_closed = self._is_leaving = False

    def put(self, message: ConverseResponse) -> None:
        """Ahead of all queued media."""
        self._append(self._control, message, MAX_CONTROL)
        if isinstance(message, Notice):
            self._observer.observe(NoticeTold(self._identity, message.stage, message.reason))

    def put_in_order(self, message: Media) -> None:
        """Behind the media that were put before it."""
        self._append(self._media, message, MAX_MEDIA)

    def drop(self, turn: int) -> None:
        """Throw away the sound and the text of `turn` that have not left."""
        self._media = deque(
            m for m in self._media if not isinstance(m, AudioOutput | ResponseText) or m.turn != turn
        )

    def drop_sound(self) -> None:
        """Throw away all sound that has not left: who hears it next hears it from somewhere else on."""
        self._media = deque(m for m in self._media if not isinstance(m, AudioOutput | ResumeUpdate))

    def waiting_samples(self, turn: int) -> int:
        """Sound of `turn` that has not left, in samples at the output rate."""
        return sum(m.duration for m in self._media if isinstance(m, AudioOutput) and m.turn == turn)

    def waiting_packets(self, turn: int) -> int:
        """Of the sound of `turn`, that have not left."""
        return sum(isinstance(m, AudioOutput) and m.turn == turn for m in self._media)

    def leave(self, is_leaving: bool = True) -> None:
        """Whether `deliver` ends once what waits now has left, though more may come for another line."""
        self._is_leaving = is_leaving
        self._filled.set()

    def close(self, last: ConverseResponse | None = None) -> None:
        """`last` leaves once everything else has; then `take` ends."""
        self._last, self._is_closed = last, True
        self._filled.set()

    async def take(self) -> ConverseResponse | None:
        """The next to leave; None when closed, or to be left, and empty."""
        while not (self._control or self._media):
            if self._is_leaving:
                return None
            if self._is_closed:
                last, self._last = self._last, None
                return last
            self._filled.clear()
            await self._filled.wait()
        return self._control.popleft() if self._control else self._media.popleft()

    async def deliver(self, send: Send) -> None:
        """Everything, in its order, until closed and empty. Raises `SlowClient`."""
        while (message := await self.take()) is not None:
            await in_time(send(message))

    def _append(self, lane: deque[M], message: M, limit: int) -> None:
        if len(lane) >= limit:
            error = SlowClient(f"the client is {limit} messages behind; read as fast as they come")
            if self._on_full is None or len(lane) >= 2 * limit:
                raise error
            self._on_full(error)
        lane.append(message)
        if self._on_put is not None:
            self._on_put(message)
        self._filled.set()


async def in_time(sending: Awaitable[None]) -> None:
    """One message. Raises `SlowClient` where nobody takes it."""
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await sending
    except TimeoutError:
        text = f"the client took no message for {SEND_SECONDS:g} s; read as fast as they come"
        raise SlowClient(text) from None
