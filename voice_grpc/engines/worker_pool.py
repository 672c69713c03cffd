"""An engine's threads and what waits for them, in the order of `fair_queue.py`.

Work runs to its end unless it asks, between two of its steps, whether it is to be left: because nobody waits
for it any more, or because something more urgent waits and no thread is free. What gave way is queued
again and begun anew, or goes on where it was, as it is written to; an optional one is given up.
One thread is kept from parts (Transcribe, Synthesize) where there are several, and a part waits a while where
the cores are wanted for others who are talked with, whichever engine works for them (`shared_cores.py`). So
does the work of a caller who has much more of it than they have.

A step inside a library may take a second and more, and cannot be left. So that nobody's work holds up another
caller's for so long, there may be a spare thread: it takes what somebody who is talked with has waited for
for `OVERDUE_S`, while all others are busy for other callers.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..core.errors import EngineError
from ..ports import Claim, Urgency
from .fair_queue import FairQueue, Waiting
from .shared_cores import SHARED_CORES, SharedCores
from .worker_threads import Abandoned, WorkerThreads, hand_over

IsAbandoned: TypeAlias = Callable[[], bool]
"""Whether the work is to be left, by raising `Abandoned`; asked between two of its steps."""

Work: TypeAlias = Callable[[IsAbandoned], Any]

GIVES_WAY = 3
"""Times that work which is begun anew gives way to others; then it is finished. So what is done in vain is
three times what it takes, at most."""

OVERDUE_S = 0.2
"""Seconds that the work of a user who waits is held up by that of others, where there is a spare thread."""

_LOOK_AGAIN_S = 0.05
"""From one look at what waits to the next: that it is overdue, more urgent than it was, or no more in
anybody's way, nobody tells."""

WAITING_AT_MOST = 256
"""Pieces of work that wait for one caller. A conversation has two or three at most, an answer or a
recording one: a server has no room for so many of one caller, so the bound is never met before those are."""


class GaveWay(Exception):
    """Optional work was left undone: something more urgent needs its thread."""


@dataclass(slots=True, eq=False)
class _PoolJob:
    work: Work
    answer: "asyncio.Future[Any]"
    is_optional: bool
    asked: float
    """When somebody began to wait for it, as the pool's clock has it."""
    began: float = 0.0
    """When its thread took it."""
    is_leaving: bool = False
    """It was told to give way, and has its thread still."""
    is_sliced: bool = False
    """It leaves because its time was up, for an equal."""


class WorkerPool:
    """A number of threads, and what waits for them."""

    def __init__(
        self,
        stage: str,
        name: str,
        count: int = 1,
        *,
        most: int = WAITING_AT_MOST,
        slice_s: float | None = None,
        cores: SharedCores = SHARED_CORES,
    ) -> None:
        """`stage`, and `name` of the engine: for errors. `most`: that may wait for one caller.

        `slice_s`: work goes on where it was when it gave way; it does so for equals of other callers after so
        many seconds, and for what is more urgent at once. None: it is begun anew, and never gives way to
        equals.
        """
        self._stage, self._name, self._count = stage, name, count
        self._most, self._slice_s, self._now, self._cores = most, slice_s, cores.now, cores
        self._threads = WorkerThreads(stage, self._run)
        self._queue: FairQueue[_PoolJob] = FairQueue(lambda job: not job.answer.done(), most)
        self._running: list[Waiting[_PoolJob]] = []
        self._is_closed = False
        self._changed = threading.Condition()

    def start(self, spare: int = 0) -> None:
        """`spare`: threads beside the others, for what is overdue alone."""
        self._threads.start(self._count + spare)

    def submit(self, work: Work, claim: Claim, *, is_optional: bool = False) -> "asyncio.Future[Any]":
        """The answer of `work`. Cancel it, and work that has not begun never will. That of optional work may
        be `GaveWay`. Raises `EngineError` when it is closed, or too much waits for one caller."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._changed:
            if self._is_closed:
                raise self._closed()
            if not self._queue.put(claim, _PoolJob(work, answer, is_optional, self._now())):
                raise EngineError(
                    self._stage, f"{self._most} pieces of work of one caller wait for {self._name} already"
                )
            self._changed.notify_all()
        if claim.urgency < Urgency.PART:
            self._cores.begin(claim.caller)
            answer.add_done_callback(lambda _: self._cores.end(claim.caller))
        return answer

    def free_for(self, claim: Claim) -> int:
        """Threads that work of `claim` would have at once, or once what is less urgent gave way; less than 0
        where others wait for them too."""
        with self._changed:
            if self._is_closed:
                return 0
            urgency = claim.urgency
            waiting = self._queue.count(lambda other: other.urgency <= urgency)
            staying = sum(not self._gives_way(job, claim) for job in self._running)
            return self._count - staying - waiting

    async def close(self, timeout_s: float) -> None:
        """What waits is refused. A thread that is inside a library cannot be stopped: it is waited for,
        `timeout_s` at most, and ends by itself at its next step."""
        with self._changed:
            self._is_closed = True
            refused = self._queue.clear()
            self._changed.notify_all()
        hand_over([(job.answer, self._closed()) for job in refused])
        await self._threads.join(timeout_s)

    # ------------------------------------------------------------ in the threads

    def _run(self) -> None:
        while taken := self._next():
            job = taken.item
            outcome = self._outcome(taken)
            with self._changed:
                self._running.remove(taken)
                is_again = isinstance(outcome, GaveWay) and not job.is_optional and not self._is_closed
                if is_again:
                    again = _PoolJob(job.work, job.answer, is_optional=False, asked=job.asked)
                    self._queue.put_back(taken, again, is_first=not job.is_sliced)
                self._changed.notify_all()
            if not is_again:
                hand_over([(job.answer, outcome)])

    def _next(self) -> Waiting[_PoolJob] | None:
        with self._changed:
            while not self._is_closed:
                taken = self._queue.take(self._may_run)
                if taken is not None:
                    taken.item.began = self._now()
                    if taken.claim.urgency >= Urgency.PART:
                        self._cores.part_began()
                    self._running.append(taken)
                    return taken
                self._changed.wait(_LOOK_AGAIN_S if self._queue.count() else None)
            return None

    def _may_run(self, waiting: Waiting[_PoolJob]) -> bool:
        """Parts leave a thread, and for a while the cores, to those who are talked with."""
        if len(self._running) >= self._count:
            return self._is_overdue(waiting)
        if waiting.claim.urgency < Urgency.PART:
            return not self._cores.lets_go_first(waiting.claim.caller, waiting.item.asked)
        if not self._cores.may_begin(waiting.claim.caller, waiting.item.asked):
            return False
        parts = sum(each.claim.urgency >= Urgency.PART for each in self._running)
        return parts < max(1, self._count - 1)

    def _is_overdue(self, waiting: Waiting[_PoolJob]) -> bool:
        """Whether it is for a spare thread. A caller who has a thread waits for it."""
        claim = waiting.claim
        if claim.urgency > Urgency.FINAL or self._now() - waiting.item.asked < OVERDUE_S:
            return False
        return all(each.claim.caller != claim.caller for each in self._running)

    def _outcome(self, taken: Waiting[_PoolJob]) -> Any:
        try:
            return taken.item.work(lambda: self._is_to_leave(taken))
        except Abandoned:
            return self._closed() if self._is_closed else GaveWay()
        except Exception as error:  # noqa: BLE001 - a bug in one piece of work must not end the thread of all
            return error

    def _is_to_leave(self, taken: Waiting[_PoolJob]) -> bool:
        job = taken.item
        if self._is_closed or job.answer.done():
            return True
        with self._changed:
            if not job.is_leaving and self._may_give_way(taken):
                goes_on = self._slice_s is not None
                is_in_the_way = _is_in_the_way(self._cores, taken, goes_on=goes_on)
                job.is_leaving = is_in_the_way or self._is_crowded(taken, or_equal=False)
                is_time_up = self._slice_s is not None and self._now() - job.began >= self._slice_s
                if not job.is_leaving and is_time_up:
                    job.is_leaving = job.is_sliced = self._is_crowded(taken, or_equal=True)
            return job.is_leaving

    def _is_crowded(self, taken: Waiting[_PoolJob], *, or_equal: bool) -> bool:
        """More of what is more urgent waits than threads are free, or get free soon."""
        claim, urgency = taken.claim, taken.claim.urgency

        def goes_before(other: Claim) -> bool:
            is_equal = or_equal and other.urgency == urgency and other.caller != claim.caller
            return other.urgency < urgency or is_equal

        leaving = sum(each.item.is_leaving for each in self._running)
        return self._queue.count(goes_before) > max(0, self._count - len(self._running)) + leaving

    def _gives_way(self, taken: Waiting[_PoolJob], claim: Claim) -> bool:
        """What runs would, to work of `claim`."""
        return taken.claim.urgency > claim.urgency and self._may_give_way(taken)

    def _may_give_way(self, taken: Waiting[_PoolJob]) -> bool:
        return self._slice_s is not None or taken.item.is_optional or taken.gave_way < GIVES_WAY

    def _closed(self) -> EngineError:
        return EngineError(self._stage, f"{self._name} is closed", retryable=False)


def _is_in_the_way(cores: SharedCores, taken: Waiting[_PoolJob], *, goes_on: bool) -> bool:
    """Of others who are talked with. `goes_on`: where it was; what would be begun anew is finished."""
    caller, asked = taken.claim.caller, taken.item.asked
    if taken.claim.urgency >= Urgency.PART:
        return cores.is_to_leave(caller, asked)
    return goes_on and cores.lets_go_first(caller, asked)
