"""The pump: everything in order, what went wrong once, and nothing left when its block is left."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from voice_grpc.ports.streaming import CancellableStream, reading

Put = Callable[[int], Awaitable[None]]


def pumps() -> list["asyncio.Task[object]"]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "pump"]


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
    async with CancellableStream(reading(opening(Stream(200))), ahead=3) as pump:
        items = [await pump.next(1) for _ in range(202)]
    assert items == [*range(1, 201), None, None]


async def test_an_error_comes_after_what_was_put_and_once() -> None:
    async def produce(put: Put) -> None:
        await put(1)
        raise ValueError("broke")

    async with CancellableStream(produce) as pump:
        await asyncio.sleep(0)
        assert await pump.next(1) == 1
        with pytest.raises(ValueError, match="broke"):
            await pump.next(1)
        assert await pump.next(1) is None
    assert pumps() == []


async def test_an_error_that_nobody_reads_is_nobodys() -> None:
    async def produce(put: Put) -> None:
        for item in range(3):
            await put(item)
        raise ValueError("broke")

    async with CancellableStream(produce, ahead=1) as pump:
        assert await pump.next(1) == 0
    gc.collect()
    assert pumps() == []


async def test_who_waits_too_long_is_told_and_may_wait_on() -> None:
    go = asyncio.Event()

    async def produce(put: Put) -> None:
        await go.wait()
        await put(7)

    async with CancellableStream(produce) as pump:
        with pytest.raises(TimeoutError):
            await pump.next(0.01)
        go.set()
        assert await pump.next(1) == 7


async def test_what_is_there_already_is_not_late() -> None:
    stream = Stream(1)
    async with CancellableStream(reading(opening(stream))) as pump:
        await asyncio.sleep(0.01)
        assert await pump.next(0) == 1


@pytest.mark.parametrize("taken", [0, 1, 5])
async def test_leaving_cancels_inside_the_iteration(taken: int) -> None:
    stream = Stream(wait_after=5)
    async with CancellableStream(reading(opening(stream))) as pump:
        for _ in range(taken):
            await pump.next(1)
        await stream.waiting.wait()
    assert stream.cancelled_inside
    assert pumps() == []


async def test_leaving_with_a_full_queue_cancels_inside_the_iteration_too() -> None:
    stream = Stream()
    async with CancellableStream(reading(opening(stream)), ahead=2):
        for _ in range(20):
            await asyncio.sleep(0)
        assert stream.sent == 3, "the third waits for room"
    assert stream.cancelled_inside
    assert pumps() == []


async def test_leaving_at_once_starts_nothing() -> None:
    stream = Stream()
    async with CancellableStream(reading(opening(stream))):
        pass
    assert stream.sent == 0
    assert pumps() == []


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
        async with CancellableStream(reading(opening(stream))) as pump:
            await pump.next()

    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(read())
        await stream.waiting.wait()
        reader.cancel()
    assert stream.cancelled_inside
    assert pumps() == []


async def test_leaving_twice_and_after_the_end_is_harmless() -> None:
    pump = CancellableStream(reading(opening(Stream(1))))
    async with pump:
        assert [await pump.next(1), await pump.next(1)] == [1, None]
    await pump.__aexit__(None, None, None)
    assert await pump.next(1) is None


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
    assert pumps() == []


async def test_a_stream_that_will_not_close_is_left_behind_in_time() -> None:
    stubborn = asyncio.Event()

    async def produce(put: Put) -> None:
        while not stubborn.is_set():
            try:
                await stubborn.wait()
            except asyncio.CancelledError:
                continue

    loop = asyncio.get_running_loop()
    async with CancellableStream(produce, closing_seconds=0.05):
        await asyncio.sleep(0)
        start = loop.time()
    assert loop.time() - start < 0.5
    stubborn.set()
    await asyncio.wait(pumps())


async def test_a_cancellation_from_within_is_an_error_not_a_silence() -> None:
    async def produce(put: Put) -> None:
        await put(1)
        raise asyncio.CancelledError

    async with CancellableStream(produce) as pump:
        assert await pump.next(1) == 1
        with pytest.raises(ConnectionAbortedError):
            await pump.next(1)
        assert await pump.next(1) is None


def test_a_loop_that_shuts_down_is_not_held_up() -> None:
    stream_state: list[Stream] = []

    async def leave_open() -> None:
        stream = Stream()
        stream_state.append(stream)
        pump = CancellableStream(reading(opening(stream)), ahead=1)
        await pump.__aenter__()
        for _ in range(10):
            await asyncio.sleep(0)

    asyncio.run(leave_open())
    assert stream_state[0].cancelled_inside
