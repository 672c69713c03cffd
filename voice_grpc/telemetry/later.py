"""What happened is written down a little later, many at once, in a thread of its own.

A turn drawn between two frames of other conversations costs three times the CPU of one that is drawn right
behind another (0.6 against 0.2 ms with 50 conversations on a core): by then the caches hold something else.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable

from ..ports.observer import CallBegan, CallOver, Happening, Observer, SessionBegan, SessionOver

log = logging.getLogger(__name__)

SECONDS = 1.0
"""Between two times."""

MAX_WAITING = 10_000
"""Happenings; some fifty seconds of a hundred conversations. Of more nothing is kept but what opens and ends
spans, of which there are as many as the server has streams."""

_ALWAYS = (SessionBegan, SessionOver, CallBegan, CallOver)


class Later:
    """Implements `ports.Observer`, for others that are slower than they should be on an event loop: they are
    told in the order in which it happened, by one thread at a time."""

    def __init__(self, wall_ns: Callable[[], int] = time.time_ns) -> None:
        """`wall_ns`: nanoseconds since 1970."""
        self._now_ns = wall_ns
        self._observer: Observer | None = None
        self._waiting: deque[tuple[int, Happening]] = deque()
        self._lock = threading.Lock()
        self._told_ns = 0
        self._over = threading.Event()
        self._is_dropping = False
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)

    def begin(self, observer: Observer) -> None:
        self._observer = observer
        self._thread.start()

    def observe(self, happening: Happening) -> None:
        if len(self._waiting) < MAX_WAITING:
            self._is_dropping = False
        elif not isinstance(happening, _ALWAYS):
            if not self._is_dropping:
                log.warning("telemetry is behind by %d things that happened: more is dropped", MAX_WAITING)
            self._is_dropping = True
            return
        self._waiting.append((self._now_ns(), happening))

    def wall_ns(self) -> int:
        """When that happened which is being told."""
        return self._told_ns

    def catch_up(self) -> None:
        """All that has happened by now is told when this returns. Any thread but the event loop's."""
        with self._lock:
            for _ in range(len(self._waiting)):
                self._told_ns, happening = self._waiting.popleft()
                if self._observer is not None:
                    self._observer.observe(happening)
                time.sleep(0)  # whoever waits for the interpreter comes first

    def end(self) -> None:
        """Waits for the thread: not for the event loop."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()
        self.catch_up()

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            self.catch_up()
