"""Whisper's turn in the threads: finals in the order they came, interims only where there is room.

An interim is started at once or not at all, and only while another thread stays free, so that the next
final finds one (a single thread makes an exception: it takes an interim when idle). While more finals wait
than threads are free, the interims that run are left undone at their next step.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...core.errors import EngineError
from ..worker_threads import WorkerThreads, hand_over
from .model import Abandoned

IsAbandoned: TypeAlias = Callable[[], bool]
"""Whether anybody still waits; asked between two steps of the work."""

Work: TypeAlias = Callable[[IsAbandoned], Any]


class GaveWay(Exception):
    """An interim was left undone: a final waits for its thread."""


@dataclass(frozen=True, slots=True)
class _WorkerJob:
    work: Work
    answer: "asyncio.Future[Any]"
    is_interim: bool


class WorkerPool:
    """A number of threads, and what waits for them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._threads = WorkerThreads("whisper", self._run)
        self._waiting: deque[_WorkerJob] = deque()
        """Unbounded here: one final a session at most, and sessions are admitted by the server."""
        self._busy = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def start(self) -> None:
        self._threads.start(self._count)

    def submit(self, work: Work, *, is_interim: bool = False) -> "asyncio.Future[Any]":
        """The answer of `work`. Cancel it, and work that has not begun never will. That of an interim may be
        `GaveWay`."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._changed:
            if self._is_closed:
                raise _closed()
            self._waiting.append(_WorkerJob(work, answer, is_interim))
            self._changed.notify()
        return answer

    def has_room(self) -> bool:
        """For an interim: work that may be left undone."""
        with self._changed:
            queued = sum(not job.answer.cancelled() for job in self._waiting)
            free = self._count - self._busy - queued
        return not self._is_closed and free >= min(2, self._count)

    async def close(self, timeout_s: float) -> None:
        """What waits is refused. A thread that is inside CTranslate2 cannot be stopped: it is waited for,
        `timeout_s` at most, and ends by itself at its next step."""
        with self._changed:
            self._is_closed = True
            refused = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        hand_over([(job.answer, _closed()) for job in refused])
        await self._threads.join(timeout_s)

    def _run(self) -> None:
        while job := self._next():
            outcome = self._outcome(job)
            with self._changed:
                self._busy -= 1
            hand_over([(job.answer, outcome)])

    def _next(self) -> _WorkerJob | None:
        with self._changed:
            while True:
                while not self._waiting and not self._is_closed:
                    self._changed.wait()
                if self._is_closed:
                    return None
                job = self._waiting.popleft()
                if not job.answer.cancelled():
                    self._busy += 1
                    return job

    def _outcome(self, job: _WorkerJob) -> Any:
        try:
            return job.work(lambda: self._is_unwanted(job))
        except Abandoned:
            return _closed() if self._is_closed else GaveWay()
        except EngineError as error:
            return error
        except Exception as error:  # noqa: BLE001 - a bug in one utterance must not end the thread of all
            return error

    def _is_unwanted(self, job: _WorkerJob) -> bool:
        return self._is_closed or job.answer.cancelled() or (job.is_interim and self._is_crowded())

    def _is_crowded(self) -> bool:
        """More finals wait than threads are free."""
        with self._changed:
            waiting = sum(not job.is_interim and not job.answer.cancelled() for job in self._waiting)
            return waiting > self._count - self._busy


def _closed() -> EngineError:
    return EngineError("stt", "Whisper is closed", retryable=False)
