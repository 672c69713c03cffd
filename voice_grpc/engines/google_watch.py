"""When a stream's next sound is overdue. The service is only late while it owes sound.

It owes some from the first text that was sent after its last sound, and once it was told that no text
follows, until it ends. While the sound is taken slowly at our end, nobody is late.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from .google_errors import SERVICE
from .patience import Patience


class Watch:
    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._deadline: asyncio.Timeout | None = None
        self._owing_since: float | None = None
        self._closed_at: float | None = None
        self._heard_at: float | None = None
        self._is_giving = False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Raises TimeoutError inside once the service is late."""
        async with asyncio.timeout(None) as self._deadline:
            try:
                self._move()
                yield
            finally:
                self._deadline = None

    def sent(self) -> None:
        """Some text."""
        if self._owing_since is None:
            self._owing_since = _now()
            self._move()

    def closed(self) -> None:
        """No more text comes."""
        self._closed_at = _now()
        self._move()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Some sound came; inside, it is taken."""
        self._heard_at, self._owing_since, self._is_giving = _now(), None, True
        self._move()
        yield
        self._heard_at, self._is_giving = _now(), False
        if self._owing_since is not None:
            self._owing_since = _now()
        self._move()

    def expire(self) -> None:
        """There is nothing to wait for any more."""
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(_now())

    @property
    def has_sound(self) -> bool:
        return self._heard_at is not None

    @property
    def silent_seconds(self) -> float:
        """Since the last sound; 0 before the first and while it is taken."""
        return 0.0 if self._heard_at is None or self._is_giving else _now() - self._heard_at

    @property
    def complaint(self) -> str:
        if self._heard_at is None:
            return f"{SERVICE}: no sound within {self._patience.first:g} s"
        return f"{SERVICE}: no more sound for {self._patience.between:g} s in mid-answer"

    def _move(self) -> None:
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(None if self._is_giving else self._due())

    def _due(self) -> float | None:
        if self._heard_at is None:
            return None if self._owing_since is None else self._owing_since + self._patience.first
        since = self._owing_since
        if self._closed_at is not None:
            since = max(self._closed_at, self._heard_at)
        return None if since is None else since + self._patience.between


def _now() -> float:
    return asyncio.get_running_loop().time()
