"""Room for interims on one server that many utterances share: a final never waits behind one.

What lives here: how many there may be at once, and when none. What an interim is asked with, and what its
text is worth, is each stream's.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PAUSE_SECONDS = 10.0
"""Without interims when the server has had too many requests and does not say for how long."""


@dataclass(frozen=True, slots=True)
class InterimRoom:
    """What a server can do beside its finals."""

    most: int
    """Interims at once, of all sessions."""
    is_beside_finals: bool
    """An interim may begin while a final is under way."""
    is_freed_by_giving_up: bool = False
    """The server drops work whose connection is closed, so that a final ends the interims before it."""


class InterimLimiter:
    """Counts what is under way on one server; belongs to one event loop."""

    def __init__(self, room: Callable[[], InterimRoom]) -> None:
        """`room`: asked each time, since which server it is may be found out late."""
        self._room = room
        self._interims: set[Callable[[], None]] = set()
        self._finals = 0
        self._again_at = 0.0

    def has_room(self) -> bool:
        if asyncio.get_running_loop().time() < self._again_at:
            return False
        room = self._room()
        return len(self._interims) < room.most and (room.is_beside_finals or not self._finals)

    def pause(self, seconds: float) -> None:
        """The server counts requests: what it still takes is for finals. 0: it does not say for how long."""
        self._again_at = asyncio.get_running_loop().time() + (seconds or PAUSE_SECONDS)

    @contextmanager
    def interim(self, give_up: Callable[[], None]) -> Iterator[None]:
        """An interim is under way in the block, which `give_up` ends."""
        self._interims.add(give_up)
        try:
            yield
        finally:
            self._interims.discard(give_up)

    @contextmanager
    def final(self) -> Iterator[None]:
        """A final is under way in the block."""
        self._finals += 1
        if self._room().is_freed_by_giving_up:
            for give_up in tuple(self._interims):
                give_up()
        try:
            yield
        finally:
            self._finals -= 1
