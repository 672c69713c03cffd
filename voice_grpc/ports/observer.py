"""Whoever looks on while turns are taken. A session tells it what a turn took; nothing comes back.

A file of its own: a port, which what measures and what reports implement.
"""

from typing import Protocol

from ..core.responses import TurnMetrics


class Observer(Protocol):
    def turn_ended(self, metrics: TurnMetrics, now: float) -> None:
        """An answer ended, by itself or cut, `now` in monotonic seconds. Cheap; never blocks, never
        raises."""
        ...
