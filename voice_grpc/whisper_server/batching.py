"""Pieces of all requests, put together: each worker takes the oldest look that is asked for and, with it,
others of its kind, up to a fair share of all that is to be done.

A look is shown in a window whose size depends on its piece alone (`Hardware.step_s`), so what is read
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
    Reading,
    reading,
)
from ..engines.whisper.model import Abandoned
from ..engines.worker_threads import WorkerThreads, hand_over
from .metrics import Metrics

# ----------------------------------------------------------------
# who waits for the model, and who of them goes together: data and arithmetic, under its owner's lock


PendingResult = asyncio.Future[DecodeResult | None]


@dataclass(slots=True, order=True)
class Job:
    """One piece; its looks follow each other, and keep its place in the line."""

    number: int
    since: float = field(compare=False)
    """When its present look was asked for."""
    steps: Reading = field(compare=False)
    answer: PendingResult = field(compare=False)
    shot: DecodeRequest = field(compare=False)
    kind: Any = field(compare=False)
    """Jobs of equal kinds may go together."""


@dataclass(frozen=True, slots=True)
class Batching:
    workers: int
    most: int
    """Pieces in one batch."""
    wait_s: float
    """For others, at most, while some are being decoded."""


class JobQueue:
    def __init__(self, how: Batching) -> None:
        self._how = how
        self._jobs: list[Job] = []
        """Oldest first. Bounded by the requests that are let in: a piece and two glances each."""
        self.under_way = 0
        """Jobs that workers have taken and not yet done."""
        self.idle = 0
        """Workers that ask."""
        self.expected = 0
        """Pieces that are being decoded."""

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
        alike = [job for job in self._jobs if job.kind == self._jobs[0].kind]
        fair = math.ceil((len(alike) + self.under_way) / self._how.workers)
        return alike[: min(self._how.most, fair)]

    def _pause(self, batch: list[Job], now: float) -> float:
        """Seconds that it is worth to wait for company."""
        if not self.expected or self.idle > 1 or len(batch) >= self._how.most:
            return 0.0
        return batch[0].since + self._how.wait_s - now


log = logging.getLogger(__name__)


class BatchReader(Protocol):
    """What of `WhisperModel` is used here."""

    looks: tuple[DecodePass, ...]
    glance: tuple[DecodePass, ...]

    def kind(self, shot: DecodeRequest) -> Any:
        """Shots of equal kinds may be looked at together."""
        ...

    def look(
        self, shots: Sequence[DecodeRequest], is_abandoned: Callable[[], bool]
    ) -> list[DecodeResult]: ...


class Batcher:
    def __init__(self, model: BatchReader, how: Batching, metrics: Metrics) -> None:
        self._model, self._metrics = model, metrics
        self._workers = how.workers
        self._threads = WorkerThreads("whisper-batch", self._drive)
        self._line = JobQueue(how)
        self._last = 0
        self._is_closed = False
        self._changed = threading.Condition()
        metrics.queue.set_function(lambda: len(self._line))

    def start(self) -> None:
        self._threads.start(self._workers)

    @contextmanager
    def expect(self) -> Iterator[None]:
        """A piece is on its way while the block runs."""
        with self._changed:
            self._line.expected += 1
        try:
            yield
        finally:
            with self._changed:
                self._line.expected -= 1
                self._changed.notify_all()

    def read(self, audio: Floats, wish: DecodeOptions) -> PendingResult:
        """What is said, or None. Cancel it, and looks that have not begun never will."""
        answer: PendingResult = asyncio.get_running_loop().create_future()
        steps = reading(audio, self._model.glance if wish.is_glance else self._model.looks, wish)
        try:
            shot = next(steps)
        except StopIteration as end:
            answer.set_result(end.value)
            return answer
        with self._changed:
            if self._is_closed:
                raise _closed()
            self._last += 1
            kind = self._model.kind(shot)
            self._line.add(Job(self._last, time.monotonic(), steps, answer, shot, kind))
            self._changed.notify()
        return answer

    async def close(self, timeout_s: float) -> None:
        """What waits is refused. A call of CTranslate2 cannot be stopped; it is waited for."""
        with self._changed:
            self._is_closed = True
            refused = self._line.clear()
            self._changed.notify_all()
        hand_over([(job.answer, _closed()) for job in refused])
        await self._threads.join(timeout_s)

    # ------------------------------------------------------------ in the threads

    def _drive(self) -> None:
        while batch := self._next():
            begun = time.perf_counter()
            seen = self._looked(batch)
            with self._changed:
                self._line.under_way -= len(batch)
            for job, each in zip(batch, seen, strict=True):
                self._advance(job, each)
            self._metrics.processing.inc(time.perf_counter() - begun)

    def _next(self) -> list[Job]:
        """Empty when it is closed."""
        with self._changed:
            self._line.idle += 1
            try:
                while not self._is_closed:
                    batch, pause = self._line.take(time.monotonic())
                    if batch:
                        return batch
                    self._changed.wait(pause)
                return []
            finally:
                self._line.idle -= 1

    def _looked(self, batch: list[Job]) -> list[DecodeResult | Exception]:
        """What each saw, or why not. A batch that fails is tried again one by one: it may have been too
        large for the device, and nobody suffers for the piece of another."""
        self._metrics.batch_size.observe(len(batch))
        try:
            return [*self._model.look([job.shot for job in batch], lambda: self._is_abandoned(batch))]
        except Abandoned:
            return [_closed()] * len(batch)
        except Exception as error:  # noqa: BLE001 - CTranslate2 raises RuntimeError, ValueError, MemoryError
            if len(batch) == 1:
                log.error("Whisper failed: %r", error)
                return [EngineError("stt", "Whisper failed on this sound")]
            log.warning("a batch of %d failed, one by one now: %r", len(batch), error)
            return [self._looked([job])[0] for job in batch]

    def _is_abandoned(self, batch: list[Job]) -> bool:
        return self._is_closed or all(job.answer.cancelled() for job in batch)

    def _advance(self, job: Job, seen: DecodeResult | Exception) -> None:
        """To its next look, or to its answer."""
        if isinstance(seen, Exception):
            hand_over([(job.answer, seen)])
            return
        try:
            job.shot = job.steps.send(seen)
        except StopIteration as end:
            hand_over([(job.answer, end.value)])
            return
        job.kind, job.since = self._model.kind(job.shot), time.monotonic()
        with self._changed:
            if self._is_closed:
                hand_over([(job.answer, _closed())])
                return
            self._line.add(job)
            self._changed.notify()


def _closed() -> Draining:
    return Draining("The server goes away")
