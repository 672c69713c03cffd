"""Room for interims on one server that many utterances share: a final never waits behind one."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOKS = 32
"""Interims at once, of all sessions: half of the connections, so that a final finds one."""
PAUSE_SECONDS = 10.0
"""Without interims when the server has had too many requests and does not say for how long."""


class Traffic:
    def __init__(self, is_serial: Callable[[], bool]) -> None:
        """`is_serial`: the server works on one request at a time."""
        self._is_serial = is_serial
        self._looks: set[asyncio.Timeout] = set()
        self._finals = 0
        self._again_at = 0.0

    def has_room(self) -> bool:
        if asyncio.get_running_loop().time() < self._again_at:
            return False
        if self._is_serial():
            return not self._looks and not self._finals
        return len(self._looks) < LOOKS

    def pause(self, seconds: float) -> None:
        """The server counts requests: what it still takes is for finals."""
        self._again_at = asyncio.get_running_loop().time() + (seconds or PAUSE_SECONDS)

    @contextmanager
    def look(self, limit: asyncio.Timeout) -> Iterator[None]:
        """An interim is under way, inside of `limit`."""
        self._looks.add(limit)
        try:
            yield
        finally:
            self._looks.discard(limit)

    @contextmanager
    def final(self) -> Iterator[None]:
        self._finals += 1
        if self._is_serial():
            for look in self._looks:
                give_up(look)
        try:
            yield
        finally:
            self._finals -= 1


def give_up(limit: asyncio.Timeout) -> None:
    """What goes on inside of it ends now."""
    if not limit.expired():
        limit.reschedule(asyncio.get_running_loop().time())
