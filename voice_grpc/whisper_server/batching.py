"""Chunks of all requests, put together: each worker takes the oldest pass that is asked for and, with it,
others of its kind, up to a fair share of all that is to be done.

A pass is made in a window whose size depends on its chunk alone (`Hardware.step_s`), so what is read
does not depend on the company. A worker that is idle starts at once, unless another request is just
being decoded: then it waits a moment for it.
"""

import asyncio
import logging
import math
import threading
import time
from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.audio import Floats
from ..core.errors import Draining, EngineError
from ..engines.whisper.decoding import (
    DecodeOptions,
    DecodePass,
    DecodeRequest,
    DecodeResult,
    DecodeSteps,
    decode_steps,
)
from ..engines.worker_threads import Abandoned, WorkerThreads, hand_over
from .metrics import Metrics

PendingResult = asyncio.Future[DecodeResult | None]


@dataclass(slots=True, order=True)
class Job:
    """One chunk; its passes follow each other, and keep its place in the queue."""

    number: int
    since: float = field(compare=False)
    """When its present pass was asked for."""
    steps: DecodeSteps = field(compare=False)
    answer: PendingResult = field(compare=False)
    request: DecodeRequest = field(compare=False)
    batch_key: Any = field(compare=False)
    """Jobs of equal keys may go together."""


@dataclass(frozen=True, slots=True)
class Batching:
    """How much is done at once."""

    workers: int
    most: int
    """Chunks in one batch, at most."""
    wait_s: float
    """Seconds that a batch waits for others, at most, while some are being decoded."""


class JobQueue:
    """Who waits for the model, and who of them goes together: data and arithmetic, under its owner's lock."""

    def __init__(self, how: Batching) -> None:
        self._how = how
        self._jobs: list[Job] = []
        """Oldest first. Bounded by the requests that are let in: a chunk and two previews each."""
        self.under_way = 0
        """Jobs that workers have taken and not yet done."""
        self.idle = 0
        """Workers that ask for a batch."""
        self.expected = 0
        """Chunks on their way here: their files are being decoded."""

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Job) -> None:
        insort(self._jobs, job)

    def clear(self) -> list[Job]:
        left, self._jobs = self._jobs, []
        return left

    def take(self, now: float) -> tuple[list[Job], float | None]:
        """What an idle worker does now; nothing, and the seconds after which it should ask again (None:
        when something has changed)."""
        self._jobs = [job for job in self._jobs if not job.answer.cancelled()]
        if not self._jobs:
            return [], None
        batch = self._share()
        pause = self._pause(batch, now)
        if pause > 0:
            return [], pause
        self._jobs = [job for job in self._jobs if job not in batch]
        self.under_way += len(batch)
        return batch, None

    def _share(self) -> list[Job]:
        """The oldest, and as many of its kind as are fair to the other workers."""
        alike = [job for job in self._jobs if job.batch_key == self._jobs[0].batch_key]
        fair = math.ceil((len(alike) + self.under_way) / self._how.workers)
        return alike[: min(self._how.most, fair)]

    def _pause(self, batch: list[Job], now: float) -> float:
        """Seconds that it is worth to wait for company."""
        if not self.expected or self.idle > 1 or len(batch) >= self._how.most:
            return 0.0
        return batch[0].since + self._how.wait_s - now


log = logging.getLogger(__name__)


class BatchModel(Protocol):
    """The part of `WhisperModel` that is used here."""

    passes: tuple[DecodePass, ...]
    interim_passes: tuple[DecodePass, ...]

    def batch_key(self, request: DecodeRequest) -> Any:
        """Requests of equal keys may be decoded together."""
        ...

    def decode(
        self, requests: Sequence[DecodeRequest], is_abandoned: Callable[[], bool]
    ) -> list[DecodeResult]: ...


class Batcher:
    """Runs the model in threads of its own, on batches of the chunks that all requests ask for."""

    def __init__(self, model: BatchModel, how: Batching, metrics: Metrics) -> None:
        self._model, self._metrics = model, metrics
        self._workers = how.workers
        self._threads = WorkerThreads("whisper-batch", self._drive)
        self._queue = JobQueue(how)
        self._last = 0
        self._is_closed = False
        self._changed = threading.Condition()
        metrics.queue.set_function(lambda: len(self._queue))

    def start(self) -> None:
        self._threads.start(self._workers)

    @contextmanager
    def expect(self) -> Iterator[None]:
        """A chunk is on its way while the block runs."""
        with self._changed:
            self._queue.expected += 1
        try:
            yield
        finally:
            with self._changed:
                self._queue.expected -= 1
                self._changed.notify_all()

    def decode(self, audio: Floats, options: DecodeOptions) -> PendingResult:
        """What is said, or None. Cancel it, and passes that have not begun never will."""
        answer: PendingResult = asyncio.get_running_loop().create_future()
        steps = decode_steps(
            audio, self._model.interim_passes if options.is_interim else self._model.passes, options
        )
        try:
            request = next(steps)
        except StopIteration as end:
            answer.set_result(end.value)
            return answer
        with self._changed:
            if self._is_closed:
                raise _closed()
            self._last += 1
            key = self._model.batch_key(request)
            self._queue.add(Job(self._last, time.monotonic(), steps, answer, request, key))
            self._changed.notify()
        return answer

    async def close(self, timeout_s: float) -> None:
        """What waits is refused. A call of CTranslate2 cannot be stopped; it is waited for."""
        with self._changed:
            self._is_closed = True
            refused = self._queue.clear()
            self._changed.notify_all()
        hand_over([(job.answer, _closed()) for job in refused])
        await self._threads.join(timeout_s)

    # ------------------------------------------------------------ in the threads

    def _drive(self) -> None:
        while batch := self._next():
            begun = time.perf_counter()
            results = self._results(batch)
            with self._changed:
                self._queue.under_way -= len(batch)
            for job, each in zip(batch, results, strict=True):
                self._advance(job, each)
            self._metrics.processing.inc(time.perf_counter() - begun)

    def _next(self) -> list[Job]:
        """The next batch, once there is one; empty when this is closed."""
        with self._changed:
            self._queue.idle += 1
            try:
                while not self._is_closed:
                    batch, pause = self._queue.take(time.monotonic())
                    if batch:
                        return batch
                    self._changed.wait(pause)
                return []
            finally:
                self._queue.idle -= 1

    def _results(self, batch: list[Job]) -> list[DecodeResult | Exception]:
        """The result of each, or why there is none. A batch that fails is tried again one by one: it may have
        been too large for the device, and nobody suffers for the chunk of another."""
        self._metrics.batch_size.observe(len(batch))
        try:
            return [*self._model.decode([job.request for job in batch], lambda: self._is_abandoned(batch))]
        except Abandoned:
            return [_closed()] * len(batch)
        except Exception as error:  # noqa: BLE001 - CTranslate2 raises RuntimeError, ValueError, MemoryError
            if len(batch) == 1:
                log.error("Whisper failed: %r", error)
                return [EngineError("stt", "Whisper failed on this sound")]
            log.warning("a batch of %d failed, one by one now: %r", len(batch), error)
            return [self._results([job])[0] for job in batch]

    def _is_abandoned(self, batch: list[Job]) -> bool:
        return self._is_closed or all(job.answer.cancelled() for job in batch)

    def _advance(self, job: Job, result: DecodeResult | Exception) -> None:
        """To its next pass, or to its answer."""
        if isinstance(result, Exception):
            hand_over([(job.answer, result)])
            return
        try:
            job.request = job.steps.send(result)
        except StopIteration as end:
            hand_over([(job.answer, end.value)])
            return
        job.batch_key, job.since = self._model.batch_key(job.request), time.monotonic()
        with self._changed:
            if self._is_closed:
                hand_over([(job.answer, _closed())])
                return
            self._queue.add(job)
            self._changed.notify()


def _closed() -> Draining:
    return Draining("The server goes away")
