"""The line: one stream that carries a conversation for a while, and what was told on all of them.

A conversation outlives its lines. Who speaks here is the wire alone: requests come in, what the outbox has
goes out with its number, and the time of the stream is watched. What a lost line means is for `parking.py`
to say.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeAlias

from ...core.errors import Draining
from ...core.requests import ConverseRequest
from ...core.responses import AudioOutput, ConverseResponse, GoAway, Pong, ResumeUpdate, SessionStarted
from ..reader import Reader
from ..telling.outbox import Outbox, in_time

SendNumbered: TypeAlias = Callable[[ConverseResponse, int], Awaitable[None]]
"""A message, and its `seq`."""

Numbered: TypeAlias = tuple[int, ConverseResponse]

KEPT = 512
"""Messages that are told again to a caller who did not get them; of more the oldest are not."""

_NOT_AGAIN = (AudioOutput, SessionStarted, ResumeUpdate, GoAway, Pong)
"""Sound goes on from the ear; the others are about one line."""


class ToldMessages:
    """What was told so far: how many messages, and the last of those that may be told again."""

    def __init__(self, start: int = 0) -> None:
        """`start`: number of the last one that a caller had got from another server."""
        self.count = start
        self._kept: deque[Numbered] = deque(maxlen=KEPT)

    def number(self, message: ConverseResponse) -> int:
        """It is told now, or was tried to be."""
        self.count += 1
        if not isinstance(message, _NOT_AGAIN):
            self._kept.append((self.count, message))
        return self.count

    def since(self, seq: int) -> list[Numbered]:
        """Behind `seq`, the last that came; 0: nothing is to be told again."""
        return [(number, message) for number, message in self._kept if 0 < seq < number]


class Line:
    def __init__(self, requests: AsyncIterator[ConverseRequest], send: SendNumbered) -> None:
        self._requests, self._send = requests, send
        self._is_cut = asyncio.Event()
        self._error: BaseException | None = None

    def cut(self, error: BaseException) -> None:
        """It ends at once, and tells so; the first one counts."""
        self._error = self._error or error
        self._is_cut.set()

    async def carry(
        self,
        opening: Sequence[Numbered],
        told: ToldMessages,
        outbox: Outbox,
        reader: Reader,
        stays: Callable[[], Awaitable[None]],
    ) -> None:
        """Until the conversation is over and all of it was told. `opening`: what is told first; `stays`
        returns when the conversation is over, or raises `Draining` where this line is to be left.

        Raises what the line ended of: `HungUp`, `SlowClient`, what cut it.
        """

        async def send(message: ConverseResponse) -> None:
            await self._send(message, told.number(message))

        outbox.leave(False)
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(opening, outbox, send), name="write")
            helpers = [
                tasks.create_task(reader.read(self._requests), name="read"),
                tasks.create_task(self._watch(outbox, stays), name="watch"),
                tasks.create_task(self._wait_for_cut(), name="cut"),
            ]
            await writing
            for helper in helpers:
                helper.cancel()
        if self._error is not None:
            raise self._error

    async def _write(
        self, opening: Sequence[Numbered], outbox: Outbox, send: Callable[[ConverseResponse], Awaitable[None]]
    ) -> None:
        for seq, message in opening:
            await in_time(self._send(message, seq))
        await outbox.deliver(send)

    async def _watch(self, outbox: Outbox, stays: Callable[[], Awaitable[None]]) -> None:
        try:
            await stays()
        except Draining as error:
            self._error = self._error or error
            outbox.leave()

    async def _wait_for_cut(self) -> None:
        await self._is_cut.wait()
        assert self._error is not None
        raise self._error
