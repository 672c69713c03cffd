"""Threads in which an engine computes for the event loop: started once, joined within a time, and what
they found handed over to the loops where it is waited for.

What lives here: the way between threads and loops. What must not: what waits for a thread, and in which
order, which is each engine's own.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")

Settlement: TypeAlias = "tuple[asyncio.Future[Any], Any]"
"""A future, and its result or the exception that it is to raise."""


class _EngineThread(threading.Thread):
    """A daemon: one that a library holds does not keep the process from ending."""

    def __init__(self, run: Callable[[], None], name: str) -> None:
        super().__init__(target=run, name=name, daemon=True)


class Abandoned(Exception):
    """Work was left undone, between two of its steps."""


def computing() -> list[threading.Thread]:
    """The threads of engines that still run. An interpreter that ends would tear them down inside their
    libraries: C++ answers that with an abort."""
    return [thread for thread in threading.enumerate() if isinstance(thread, _EngineThread)]


class WorkerThreads:
    """Each runs `run` until it returns."""

    def __init__(self, name: str, run: Callable[[], None]) -> None:
        """`name`: of the threads, which are numbered."""
        self._name, self._run = name, run
        self._threads: list[_EngineThread] = []

    def start(self, count: int) -> None:
        """Those of `count` that are not started yet."""
        for number in range(len(self._threads), count):
            thread = _EngineThread(self._run, f"{self._name}-{number}")
            self._threads.append(thread)
            thread.start()

    async def join(self, timeout_s: float) -> None:
        """Until all of them have ended, `timeout_s` at most."""
        await asyncio.to_thread(self._join, timeout_s)

    def _join(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))


def take_waiting(jobs: "SimpleQueue[T | None]") -> tuple[list[T], bool]:
    """Waits for one job, then takes what else is there. False once None came: nothing more will."""
    batch: list[T] = []
    job = jobs.get()
    while job is not None:
        batch.append(job)
        try:
            job = jobs.get_nowait()
        except Empty:
            return batch, True
    return batch, False


def hand_over(settlements: Iterable[Settlement]) -> None:
    """Settle futures from a thread, each in its own loop, with one hop a loop. One that is done already was
    cancelled by its caller and is passed over, as is one whose loop is closed."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Settlement]] = {}
    for answer, outcome in settlements:
        by_loop.setdefault(answer.get_loop(), []).append((answer, outcome))
    for loop, settled in by_loop.items():
        with suppress(RuntimeError):  # that loop is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, settled)


def _settle(settlements: list[Settlement]) -> None:
    for answer, outcome in settlements:
        if answer.done():
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
