"""Pieces of all requests, put together: each worker takes the oldest look that is asked for and, with it,
others of its kind, up to a fair share of all that is to be done.

A look is shown in a window whose size depends on its piece alone (`Hardware.step_s`), so what is read
does not depend on the company. A worker that is idle starts at once, unless another request is just
being decoded: then it waits a moment for it.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Protocol

from ..core.audio import Floats
from ..core.errors import Draining, EngineError
from ..engines.whisper_passage import Abandoned
from ..engines.whisper_reading import Shot, Sight, Wish, reading
from ..engines.whisper_window import Look
from .line import Answer, Batching, Job, Line
from .metrics import Metrics

log = logging.getLogger(__name__)


class Reader(Protocol):
    """What of `WhisperModel` is used here."""

    looks: tuple[Look, ...]
    glance: tuple[Look, ...]

    def kind(self, shot: Shot) -> Any:
        """Shots of equal kinds may be looked at together."""
        ...

    def look(self, shots: Sequence[Shot], is_abandoned: Callable[[], bool]) -> list[Sight]: ...


class Batcher:
    def __init__(self, model: Reader, how: Batching, metrics: Metrics) -> None:
        self._model, self._metrics = model, metrics
        self._workers = how.workers
        self._threads: list[threading.Thread] = []
        self._line = Line(how)
        self._last = 0
        self._is_closed = False
        self._changed = threading.Condition()
        metrics.queue.set_function(lambda: len(self._line))

    def start(self) -> None:
        for number in range(self._workers):
            thread = threading.Thread(target=self._drive, name=f"whisper-batch-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

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

    def read(self, audio: Floats, wish: Wish) -> Answer:
        """What is said, or None. Cancel it, and looks that have not begun never will."""
        answer: Answer = asyncio.get_running_loop().create_future()
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
        for job in refused:
            _hop(job.answer, _closed())
        await asyncio.to_thread(self._join, timeout_s)

    def _join(self, timeout_s: float) -> None:
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

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

    def _looked(self, batch: list[Job]) -> list[Sight | Exception]:
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

    def _advance(self, job: Job, seen: Sight | Exception) -> None:
        """To its next look, or to its answer."""
        if isinstance(seen, Exception):
            _hop(job.answer, seen)
            return
        try:
            job.shot = job.steps.send(seen)
        except StopIteration as end:
            _hop(job.answer, end.value)
            return
        job.kind, job.since = self._model.kind(job.shot), time.monotonic()
        with self._changed:
            if self._is_closed:
                _hop(job.answer, _closed())
                return
            self._line.add(job)
            self._changed.notify()


def _closed() -> Draining:
    return Draining("The server goes away")


def _hop(answer: Answer, outcome: Sight | Exception | None) -> None:
    with suppress(RuntimeError):  # its loop is closed: nobody waits there any more
        answer.get_loop().call_soon_threadsafe(_settle, answer, outcome)


def _settle(answer: Answer, outcome: Sight | Exception | None) -> None:
    if answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
