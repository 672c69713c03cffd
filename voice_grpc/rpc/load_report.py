"""Tells observers once a second what admission control sees: how many are here and may be, and what is late.

A file of its own: `load_watch.py` fills admission control, and this reads it.
"""

import asyncio

from ..ports import Observer
from ..ports.observer import LoadSeen
from .sessions import SessionRegistry

REPORT_SECONDS = 1.0


class LoadReport:
    """Between `start` and `stop`, on the running event loop."""

    def __init__(self, registry: SessionRegistry, observer: Observer) -> None:
        self._registry, self._observer = registry, observer
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._observer.observe(self._seen(loop.time()))
        self._next = loop.call_later(REPORT_SECONDS, self.start)

    def stop(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _seen(self, now: float) -> LoadSeen:
        registry = self._registry
        delays = {each.delay.value: (each.now, each.limit) for each in registry.admission.delays(now)}
        counts = (registry.open_sessions, registry.open_streams, registry.max_sessions)
        return LoadSeen(*counts, registry.has_room, delays, len(registry.conversations.parked))
