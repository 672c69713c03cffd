"""Reading a vendor's stream in a task of its own, so that giving it up ends it there too.

Several clients (google-genai among them) close their connection only when they are cancelled while
they wait for the next item; a loop that is left by `break` or `aclose` leaves the far end working.
Here the task that waits is always inside the iteration, and leaving the block cancels it there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

Produce = Callable[[Callable[[T], Awaitable[None]]], Awaitable[None]]
"""Puts one item after the other; returns at the end of the stream."""


class _End(Exception):
    """Nothing comes any more."""


class Pump(Generic[T]):
    """`async with Pump(produce) as pump: item = await pump.next()`.

    What `produce` raises comes out of `next`, once, after everything that it put before. Leaving the
    block cancels it and waits until it is gone; it may take `closing_seconds` for its own closing.
    """

    def __init__(self, produce: "Produce[T]", ahead: int = 64, *, closing_seconds: float = 1.0) -> None:
        """`ahead`: items that may wait to be taken; then `produce` waits."""
        self._produce, self._closing_seconds = produce, closing_seconds
        self._items: asyncio.Queue[T | BaseException] = asyncio.Queue(ahead)
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Pump[T]":
        self._task = asyncio.get_running_loop().create_task(self._run(), name="pump")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task], timeout=self._closing_seconds)

    async def next(self, seconds: float | None = None) -> T | None:
        """None at the end. Raises TimeoutError when nothing comes within `seconds`, and what went wrong."""
        async with asyncio.timeout(seconds):
            item = await self._items.get()
        if isinstance(item, _End):
            self._items.put_nowait(item)
            return None
        if isinstance(item, BaseException):
            raise item
        return item

    async def _run(self) -> None:
        try:
            await self._produce(self._items.put)
        except Exception as error:  # noqa: BLE001 - whoever takes the items is told
            await self._items.put(error)
        await self._items.put(_End())


def reading(open_stream: Callable[[], Awaitable[AsyncIterator[T]]]) -> "Produce[T]":
    """Of a call that gives an asynchronous iterator."""

    async def produce(put: Callable[[T], Awaitable[None]]) -> None:
        async for item in await open_stream():
            await put(item)

    return produce
