"""The tasks of an engine, and reading a vendor's stream in one, so that giving it up ends it there too.

An engine owns the tasks that it starts: they live in one `TaskSet`, and its `close` ends what of them is
left. Several clients (google-genai among them) close their connection only when they are cancelled while
they wait for the next item; a loop that is left by `break` or `aclose` leaves the far end working. In a
`CancellableStream` a task is always inside the iteration, and leaving the block cancels it there, also when
it was just about to hand over an item that nobody takes any more.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")

Produce = Callable[[Callable[[T], Awaitable[None]]], Awaitable[None]]
"""Puts one item after the other; returns at the end of the stream."""


CLOSING_SECONDS = 1.0
"""For what a cancelled task still has to do; half of what `Engine.close` may take."""


class TaskSet:
    """The tasks that one owner has started and that have not ended. No bound of its own: each belongs to a
    call of the engine that waits for it."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closed = False

    def start(self, work: Coroutine[Any, Any, T], name: str) -> "asyncio.Task[T]":
        """Raises `ConnectionAbortedError` once closed."""
        if self._is_closed:
            work.close()
            raise ConnectionAbortedError(f"{name} cannot begin any more")
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self, task: "asyncio.Task[Any]", seconds: float = CLOSING_SECONDS) -> None:
        """Cancel one and wait until it is gone, at most `seconds`; what goes wrong in that is nobody's
        concern any more."""
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=seconds)
        if task.done() and not task.cancelled():
            task.exception()

    async def close(self, seconds: float = CLOSING_SECONDS) -> None:
        """For good: cancel them all, and wait for them together, at most `seconds`."""
        self._is_closed = True
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)


class _End:
    """Nothing comes any more."""


class CancellableStream(Generic[T]):
    """`async with CancellableStream(produce) as items: item = await items.next()`.

    What `produce` raises comes out of `next`, once, after everything that it put before. Leaving the
    block cancels it and waits until it is gone; it may take `closing_seconds` for its own closing, and
    what goes wrong in that is nobody's concern any more. When it is cancelled otherwise, by its owner's
    `TaskSet.close` or from within, `next` raises `ConnectionAbortedError`.
    """

    def __init__(
        self,
        produce: "Produce[T]",
        ahead: int = 64,
        *,
        closing_seconds: float = CLOSING_SECONDS,
        tasks: TaskSet | None = None,
    ) -> None:
        """`ahead`: items that may wait to be taken; then `produce` waits. `tasks`: of the engine whose
        stream it is; None: nobody but this block ends it."""
        self._produce, self._closing_seconds = produce, closing_seconds
        self._items: asyncio.Queue[T | _End] = asyncio.Queue(ahead)
        self._tasks = TaskSet() if tasks is None else tasks
        self._task: asyncio.Task[None] | None = None
        self._error: BaseException | None = None
        self._is_begun = self._is_left = False

    async def __aenter__(self) -> "CancellableStream[T]":
        self._task = self._tasks.start(self._run(), "stream")
        self._task.add_done_callback(self._wake)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left = True
        if self._task is not None:
            await self._tasks.end(self._task, self._closing_seconds)

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

    def _abort(self) -> None:
        if not self._is_left:
            self._error = ConnectionAbortedError("the stream was cancelled")

    async def _run(self) -> None:
        self._is_begun = True
        try:
            await self._produce(self._put)
        except asyncio.CancelledError:
            self._abort()
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

    def _wake(self, task: "asyncio.Task[None]") -> None:
        """Tell the end to whoever waits for an item; while there are items nobody does."""
        if task.cancelled() and not self._is_begun:
            self._abort()
        if self._items.empty():
            self._items.put_nowait(_End())


def reading(open_stream: Callable[[], Awaitable[AsyncIterator[T]]]) -> "Produce[T]":
    """`Produce` of a call that gives an asynchronous iterator."""

    async def produce(put: Callable[[T], Awaitable[None]]) -> None:
        async for item in await open_stream():
            await put(item)

    return produce
