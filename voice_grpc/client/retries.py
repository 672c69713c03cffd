"""Which failures are a lost line, and when to try again: `Retries`. Pure; time is an argument.

Exponential backoff with full jitter: a wait is anything from nothing to the bound, which doubles, so that the
clients of a server that is gone do not come back in the same moment (Brooker, "Exponential Backoff And
Jitter", AWS Architecture Blog, 2015). The server's RetryInfo comes first.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import grpc

from .connection import CallFailed


@dataclass(frozen=True, slots=True)
class ReconnectSettings:
    within: float = 120.0
    """Seconds from the loss of a line until it is given up; 0: at once. A server keeps a conversation for as
    long by default (`resume_window`)."""
    first_wait: float = 0.25
    """Bound of the first wait, in seconds."""
    longest_wait: float = 8.0
    """The bound grows no further."""


DEFAULTS = ReconnectSettings()

STEADY_SECONDS = 5.0
"""A line that held for so long was a good one: the loss of it begins anew with short waits, and with all
the time to come back. A server that falls whenever it is spoken to is given up in the end."""

LEAST_WINDOW = 10.0
"""Seconds that a token is taken to be good for, whatever its expiry says: clocks differ."""

_NO_LINE = frozenset({grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.CANCELLED})
"""What a killed server, or a proxy that lost it, looks like. A bug of the server's own has a reason."""


def is_lost_line(failure: CallFailed) -> bool:
    """Of a stream that had begun: whether its conversation is kept by a server that resumes any."""
    if failure.code in _NO_LINE:
        return not failure.details.reason
    return failure.code is grpc.StatusCode.UNAVAILABLE or failure.details.reason == "SLOW_CLIENT"


def may_pass(failure: CallFailed) -> bool:
    """Of an attempt to come back: whether the next one may go well."""
    full = failure.code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
    return full or is_lost_line(failure)


class Retries:
    """When to try again, from the loss of a line on: `lost`, then `next_wait` before each attempt until one
    has `begun`."""

    def __init__(
        self, settings: ReconnectSettings = DEFAULTS, draw: Callable[[], float] = random.random
    ) -> None:
        self._settings = settings
        self._draw = draw
        self._begun_at = float("-inf")
        self._tries = 0
        self._until: float | None = None
        """When it is too late; None: no line was lost yet."""

    def begun(self, now: float) -> None:
        self._begun_at = now

    def lost(self, now: float, window: float = float("inf")) -> None:
        """`window`: seconds for which the conversation is kept."""
        if self._until is None or now - self._begun_at >= STEADY_SECONDS:
            self._tries = 0
            self._until = now + min(self._settings.within, max(window, LEAST_WINDOW))

    def next_wait(self, failure: CallFailed, now: float) -> float | None:
        """Seconds until the next attempt; None: it is too late. `failure`: of the line, or of the last
        attempt."""
        after = failure.details.retry_after or 0.0
        if self._until is None or now >= self._until or now + after > self._until:
            return None
        bound: float = min(self._settings.longest_wait, self._settings.first_wait * 2 ** min(self._tries, 30))
        self._tries += 1
        return min(after + self._draw() * bound, self._until - now)
