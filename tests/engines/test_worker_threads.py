"""Threads that compute for a loop: they end in time, and what they found arrives where it is waited for."""

import asyncio
import threading
from typing import Any

import pytest

from voice_grpc.engines.worker_threads import WorkerThreads, hand_over


async def test_what_a_thread_found_or_raised_arrives() -> None:
    loop = asyncio.get_running_loop()
    found, failed, gone = (loop.create_future() for _ in range(3))
    gone.cancel()
    threads = WorkerThreads("test", lambda: hand_over([(found, 1), (failed, OSError("x")), (gone, 2)]))
    threads.start(1)
    assert await found == 1
    with pytest.raises(OSError, match="x"):
        await failed
    assert gone.cancelled()
    await threads.join(1.0)


async def test_many_answers_are_one_call_of_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    answers = [loop.create_future() for _ in range(8)]
    calls: list[object] = []
    call_soon = loop.call_soon_threadsafe

    def counted(*call: Any) -> asyncio.Handle:
        calls.append(call)
        return call_soon(*call)

    monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
    hand_over([(answer, number) for number, answer in enumerate(answers)])
    assert [await answer for answer in answers] == list(range(8))
    assert len(calls) == 1


async def test_a_loop_that_is_closed_is_passed_over() -> None:
    other = asyncio.new_event_loop()
    there, here = other.create_future(), asyncio.get_running_loop().create_future()
    other.close()
    hand_over([(there, 1), (here, 2)])
    assert await here == 2
    assert not there.done()


async def test_threads_are_started_once_and_joined_within_a_time() -> None:
    release, running = threading.Event(), threading.Semaphore(0)

    def run() -> None:
        running.release()
        release.wait(60.0)

    threads = WorkerThreads("test-join", run)
    threads.start(2)
    threads.start(3)
    for _ in range(3):
        assert await asyncio.to_thread(running.acquire, timeout=60.0)
    named = [thread for thread in threading.enumerate() if thread.name.startswith("test-join-")]
    assert sorted(thread.name for thread in named) == ["test-join-0", "test-join-1", "test-join-2"]
    await threads.join(0.05)
    assert all(thread.is_alive() for thread in named)
    release.set()
    await threads.join(60.0)
    assert not [thread for thread in named if thread.is_alive()]
