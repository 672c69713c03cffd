"""Streams and their tasks: everything in order, what went wrong once, and nothing left behind."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from voice_grpc.ports.streaming import CancellableStream, TaskSet, reading

Put = Callable[[int], Awaitable[None]]


def running() -> list["asyncio.Task[object]"]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "stream"]


class Stream:
    """Behaves as google-genai's: only a cancellation inside the iteration closes it; `aclose` does not."""

    def __init__(self, count: int = 1000, *, wait_after: int = 1000) -> None:
        self.count, self.wait_after = count, wait_after
        self.sent = 0
        self.cancelled_inside = False
        self.waiting = asyncio.Event()

    def __aiter__(self) -> "Stream":
        return self

    async def __anext__(self) -> int:
        try:
            if self.sent == self.wait_after:
                self.waiting.set()
                await asyncio.sleep(3600)
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.cancelled_inside = True
            raise
        if self.sent == self.count:
            raise StopAsyncIteration
        self.sent += 1
        return self.sent


def opening(stream: Stream) -> Callable[[], Awaitable[AsyncIterator[int]]]:
    async def opened() -> AsyncIterator[int]:
        return stream

    return opened


async def test_everything_comes_in_order_and_the_end_stays_the_end() -> None:
    async with CancellableStream(reading(opening(Stream(200))), ahead=3) as items:
        taken = [await items.next(1) for _ in range(202)]
    assert taken == [*range(1, 201), None, None]


async def test_an_error_comes_after_what_was_put_and_once() -> None:
    async def produce(put: Put) -> None:
        await put(1)
        raise ValueError("broke")

    async with CancellableStream(produce) as items:
        await asyncio.sleep(0)
        assert await items.next(1) == 1
        with pytest.raises(ValueError, match="broke"):
            await items.next(1)
        assert await items.next(1) is None
    assert running() == []


async def test_an_error_that_nobody_reads_is_nobodys() -> None:
    async def produce(put: Put) -> None:
        for item in range(3):
            await put(item)
        raise ValueError("broke")

    async with CancellableStream(produce, ahead=1) as items:
        assert await items.next(1) == 0
    gc.collect()
    assert running() == []


async def test_who_waits_too_long_is_told_and_may_wait_on() -> None:
    go = asyncio.Event()

    async def produce(put: Put) -> None:
        await go.wait()
        await put(7)

    async with CancellableStream(produce) as items:
        with pytest.raises(TimeoutError):
            await items.next(0.01)
        go.set()
        assert await items.next(1) == 7


async def test_what_is_there_already_is_not_late() -> None:
    stream = Stream(1)
    async with CancellableStream(reading(opening(stream))) as items:
        await asyncio.sleep(0.01)
        assert await items.next(0) == 1


@pytest.mark.parametrize("taken", [0, 1, 5])
async def test_leaving_cancels_inside_the_iteration(taken: int) -> None:
    stream = Stream(wait_after=5)
    async with CancellableStream(reading(opening(stream))) as items:
        for _ in range(taken):
            await items.next(1)
        await stream.waiting.wait()
    assert stream.cancelled_inside
    assert running() == []


async def test_leaving_with_a_full_queue_cancels_inside_the_iteration_too() -> None:
    stream = Stream()
    async with CancellableStream(reading(opening(stream)), ahead=2):
        for _ in range(20):
            await asyncio.sleep(0)
        assert stream.sent == 3, "the third waits for room"
    assert stream.cancelled_inside
    assert running() == []


async def test_leaving_at_once_starts_nothing() -> None:
    stream = Stream()
    async with CancellableStream(reading(opening(stream))):
        pass
    assert stream.sent == 0
    assert running() == []


async def test_leaving_before_the_stream_is_open() -> None:
    ended: list[str] = []

    async def never() -> AsyncIterator[int]:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        raise AssertionError

    async with CancellableStream(reading(never)):
        await asyncio.sleep(0)
    assert ended == ["cancelled"]


async def test_whoever_waits_is_cancelled_and_the_stream_with_it() -> None:
    stream = Stream(wait_after=0)

    async def read() -> None:
        async with CancellableStream(reading(opening(stream))) as items:
            await items.next()

    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(read())
        await stream.waiting.wait()
        reader.cancel()
    assert stream.cancelled_inside
    assert running() == []


async def test_leaving_twice_and_after_the_end_is_harmless() -> None:
    items = CancellableStream(reading(opening(Stream(1))))
    async with items:
        assert [await items.next(1), await items.next(1)] == [1, None]
    await items.__aexit__(None, None, None)
    assert await items.next(1) is None


async def test_an_error_in_closing_neither_hangs_nor_comes_out() -> None:
    async def produce(put: Put) -> None:
        try:
            for item in range(10):
                await put(item)
                await asyncio.sleep(0)
        finally:
            raise OSError("closing failed")

    async with CancellableStream(produce, ahead=1):
        for _ in range(5):
            await asyncio.sleep(0)
    assert running() == []


async def test_a_stream_that_will_not_close_is_left_behind_in_time() -> None:
    stubborn = asyncio.Event()

    async def produce(put: Put) -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    async with CancellableStream(produce, closing_seconds=0.05):
        await asyncio.sleep(0)
    assert running()
    stubborn.set()
    await asyncio.wait(running())


async def test_a_cancellation_from_within_is_an_error_not_a_silence() -> None:
    async def produce(put: Put) -> None:
        await put(1)
        raise asyncio.CancelledError

    async with CancellableStream(produce) as items:
        assert await items.next(1) == 1
        with pytest.raises(ConnectionAbortedError):
            await items.next(1)
        assert await items.next(1) is None


def test_a_loop_that_shuts_down_is_not_held_up() -> None:
    stream_state: list[Stream] = []

    async def leave_open() -> None:
        stream = Stream()
        stream_state.append(stream)
        items = CancellableStream(reading(opening(stream)), ahead=1)
        await items.__aenter__()
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(leave_open())
    assert stream_state[0].cancelled_inside


# ---------------------------------------------------------------- the tasks of an engine


async def test_closing_the_owner_ends_its_streams_and_tells_who_reads_them() -> None:
    tasks = TaskSet()
    begun, unbegun = Stream(wait_after=1), Stream()
    async with CancellableStream(reading(opening(begun)), tasks=tasks) as items:
        assert await items.next(1) == 1
        await begun.waiting.wait()
        async with CancellableStream(reading(opening(unbegun)), tasks=tasks) as others:
            await tasks.close()
            assert begun.cancelled_inside
            assert running() == []
            for cut in (items, others):
                with pytest.raises(ConnectionAbortedError):
                    await cut.next(1)
    assert unbegun.sent == 0


async def test_closing_waits_for_those_that_will_not_end_only_so_long() -> None:
    stubborn = asyncio.Event()

    async def work() -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    tasks = TaskSet()
    task = tasks.start(work(), "stubborn")
    await asyncio.sleep(0)
    await tasks.close(0.05)
    assert not task.done()
    stubborn.set()
    await asyncio.wait([task])


async def test_ending_one_leaves_the_others_and_its_error_is_nobodys() -> None:
    async def fail() -> None:
        raise ValueError("broke")

    tasks = TaskSet()
    failing, waiting = tasks.start(fail(), "failing"), tasks.start(asyncio.sleep(3600), "waiting")
    await asyncio.sleep(0)
    await tasks.end(failing)
    assert not waiting.done()
    await tasks.end(waiting)
    await tasks.close()
    assert waiting.cancelled()
    del failing
    gc.collect()


async def test_what_is_closed_starts_nothing_any_more() -> None:
    tasks = TaskSet()
    await tasks.close()
    with pytest.raises(ConnectionAbortedError):
        await CancellableStream(reading(opening(Stream())), tasks=tasks).__aenter__()
    await tasks.close()
    assert running() == []
