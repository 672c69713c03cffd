"""Who waits for the model, and who of them goes together: data and arithmetic, under its owner's lock."""

import asyncio
import math
from bisect import insort
from dataclasses import dataclass, field
from typing import Any

from ..engines.whisper_reading import Reading, Shot, Sight

Answer = asyncio.Future[Sight | None]


@dataclass(slots=True, order=True)
class Job:
    """One piece; its looks follow each other, and keep its place in the line."""

    number: int
    since: float = field(compare=False)
    """When its present look was asked for."""
    steps: Reading = field(compare=False)
    answer: Answer = field(compare=False)
    shot: Shot = field(compare=False)
    kind: Any = field(compare=False)
    """Jobs of equal kinds may go together."""


@dataclass(frozen=True, slots=True)
class Batching:
    workers: int
    most: int
    """Pieces in one batch."""
    wait_s: float
    """For others, at most, while some are being decoded."""


class Line:
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
