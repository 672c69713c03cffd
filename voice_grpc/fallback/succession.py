"""Who is asked, one after the other, for one piece of work; and who is asked twice.

A failure that says of itself that it passes (`EngineError.retry_after`) is waited out once, and the same
engine asked again: as long as is left of the turn where nobody else stands by, else only a short moment, and
within the time that the engine has for its first output. Longer waits are the breaker's.
"""

import asyncio
from collections.abc import Sequence
from typing import Generic, TypeVar

from ..core.errors import EngineBlocked, EngineError
from ..ports import Engine
from .chain import Member
from .circuit_breaker import SHORT_SECONDS

E = TypeVar("E", bound=Engine)


class Succession(Generic[E]):
    """`while (member := order.next()) is not None: ask it, within order.first_seconds`."""

    def __init__(self, members: Sequence[Member[E]], first_seconds: float, retry_seconds: float) -> None:
        """`first_seconds`: see `Chain`. `retry_seconds`: from the first request to the second."""
        self._waiting = list(members)
        self._first_seconds, self._retry_seconds = first_seconds, retry_seconds
        self._is_retry = False
        self._is_again = False
        """The current one is to be asked once more."""
        self._current: Member[E] | None = None
        self._began = _now()

    def next(self) -> Member[E] | None:
        """None: all were asked."""
        if self._is_again:
            self._is_again, self._is_retry = False, True
            return self._current
        self._is_retry, self._began = False, _now()
        self._current = self._waiting.pop(0) if self._waiting else None
        return self._current

    def started(self) -> None:
        """The current one got its first input: its time counts from now on, but for the time of a second
        try, which counts with the first."""
        if not self._is_retry:
            self._began = _now()

    def restart(self) -> None:
        """The current one is asked anew, for something else: its time counts from now on."""
        self._began, self._is_retry = _now(), False

    @property
    def has_ready(self) -> bool:
        """Somebody stands by who is not left out."""
        return any(member.is_ready for member in self._waiting)

    @property
    def is_last(self) -> bool:
        """Nobody else stands by."""
        return not self._waiting

    @property
    def first_seconds(self) -> float | None:
        """For the current one's first output, from now on; None: no limit, since there is nobody else."""
        return None if self.is_last else max(0.0, self._first_seconds - (_now() - self._began))

    async def waits_for(self, error: EngineError) -> bool:
        """Whether the current one, which failed with `error` before its first output, is asked once more; it
        is time for that when this returns."""
        wait = error.retry_after
        if wait is None or self._is_retry or isinstance(error, EngineBlocked) or not error.retryable:
            return False
        left = self._retry_seconds if self.is_last else min(SHORT_SECONDS, self._first_seconds)
        if wait > left - (_now() - self._began):
            return False
        await asyncio.sleep(wait)
        self._is_again = True
        return True


def _now() -> float:
    return asyncio.get_running_loop().time()
