"""Reading a vendor's stream in a task of its own, so that giving it up ends it there too.

Several clients (google-genai among them) close their connection only when they are cancelled while
they wait for the next item; a loop that is left by `break` or `aclose` leaves the far end working.
Here a task is always inside the iteration, and leaving the block cancels it there, also when it was
just about to hand over an item that nobody takes any more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

Produce = Callable[[Callable[[T], Awaitable[None]]], Awaitable[None]]
"""Puts one item after the other; returns at the end of the stream."""


class _End:
    """Nothing comes any more."""


class CancellableStream(Generic[T]):
    """`async with Pump(produce) as pump: item = await pump.next()`.

    What `produce` raises comes out of `next`, once, after everything that it put before. Leaving the
    block cancels it and waits until it is gone; it may take `closing_seconds` for its own closing, and
    what goes wrong in that is nobody's concern any more.
    """

    def __init__(self, produce: "Produce[T]", ahead: int = 64, *, closing_seconds: float = 1.0) -> None:
        """`ahead`: items that may wait to be taken; then `produce` waits."""
        self._produce, self._closing_seconds = produce, closing_seconds
        self._items: asyncio.Queue[T | _End] = asyncio.Queue(ahead)
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._is_left = False

    async def __aenter__(self) -> "CancellableStream[T]":
        self._task = asyncio.get_running_loop().create_task(self._run(), name="pump")
        self._task.add_done_callback(self._wake)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=self._closing_seconds)

    async def next(self, seconds: float | None = None) -> T | None:
        """None at the end. Raises TimeoutError when nothing comes within `seconds`, and what went wrong."""
        if self._task is None or (self._task.done() and self._items.empty()):
            return self._end()
        async with asyncio.timeout(seconds):
            item = await self._items.get()
        return self._end() if isinstance(item, _End) else item

    def _end(self) -> T | None:
        error, self._error = self._error, None
        if error is not None:
            raise error
        return None

    async def _run(self) -> None:
        try:
            await self._produce(self._put)
        except asyncio.CancelledError:
            if not self._is_left:
                self._error = ConnectionAbortedError("the stream was cancelled from within")
            raise
        except Exception as error:  # noqa: BLE001 - whoever takes the items is told
            self._error = error

    async def _put(self, item: T) -> None:
        """A cancellation that meets it here is passed on to where `produce` waits next: in the iteration."""
        if self._is_left:
            return
        try:
            await self._items.put(item)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None:
                task.cancel()

    def _wake(self, _: "asyncio.Task[None]") -> None:
        """Whoever waits for an item; with items there nobody does."""
        if self._items.empty():
            self._items.put_nowait(_End())


def reading(open_stream: Callable[[], Awaitable[AsyncIterator[T]]]) -> "Produce[T]":
    """Of a call that gives an asynchronous iterator."""

    async def produce(put: Callable[[T], Awaitable[None]]) -> None:
        async for item in await open_stream():
            await put(item)

    return produce
