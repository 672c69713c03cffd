"""What a fake does on the next calls, and what it saw of them. Shared by all fakes.

What lives here: the vocabulary. How a vendor says an error, and its wire, are each fake's own.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path

from .latency import Latency

HANG = 3600.0
"""As a delay: for ever."""
_TIMER_SECONDS = 0.0015
"""How late a timer of the event loop may be."""


async def until(due: float) -> None:
    """Monotonic seconds, to the tenth of a millisecond: what is drawn is what it takes."""
    await asyncio.sleep(max(0.0, due - time.monotonic() - _TIMER_SECONDS))
    while time.monotonic() < due:  # noqa: ASYNC110 - the clock is no event
        await asyncio.sleep(0)


async def passing(seconds: float) -> None:
    await until(time.monotonic() + seconds)


class Trouble(Enum):
    """What goes wrong at the far end."""

    NONE = "none"
    EMPTY = "empty"
    """A proper answer with nothing in it."""
    ERROR_FIRST = "error-first"
    """An error (503 or its like) instead of an answer."""
    ERROR_MIDDLE = "error-middle"
    """An error, as the vendor says it, after the first part of an answer."""
    CUT = "cut"
    """The connection breaks after the first part of an answer."""
    STALL_FIRST = "stall-first"
    """Nothing ever comes."""
    STALL_MIDDLE = "stall-middle"
    """Nothing comes any more after the first part."""
    DENIED = "denied"
    """The credentials are refused."""
    QUOTA = "quota"
    """Too many requests (429 or its like)."""
    BLOCKED = "blocked"
    """The vendor's safety rules."""


@dataclass(slots=True)
class Seen:
    """One call as the far end saw it."""

    what: object = None
    """The request: each fake says what."""
    first: float = 0.0
    """Seconds until the first output, as drawn."""
    parts: int = 0
    """Sent."""
    end: str = "open"
    """`open`, `done`, `gone` (the caller went away) or `refused`."""
    at: float = 0.0
    """When it came, monotonic seconds: on one machine the same clock in every process."""
    said: str = ""
    """What was answered, where the request does not tell and a fake notes it."""


@dataclass
class Script:
    """Of one fake: its delays, the trouble that waits for the next calls, and its memory of calls."""

    latency: Latency = field(default_factory=Latency)
    between: float = 0.0
    """Seconds between two parts of an answer."""
    trouble: deque[Trouble] = field(default_factory=deque)
    """One a call; none when empty."""
    always: Trouble = Trouble.NONE
    """What comes once `trouble` is empty."""
    journal: Path | None = None
    """Where each call leaves one line of JSON when it ends."""
    calls: list[Seen] = field(default_factory=list)
    open: int = 0
    """Calls that the far end works on now."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def next_trouble(self) -> Trouble:
        return self.trouble.popleft() if self.trouble else self.always

    @contextmanager
    def call(self, what: object = None) -> Iterator[Seen]:
        """Around the whole of one call. A body that is cancelled or broken off ends as `gone`."""
        seen = Seen(what, self.latency.draw(), at=time.monotonic())
        self.calls.append(seen)
        self.open += 1
        self._change()
        try:
            yield seen
            if seen.end == "open":
                seen.end = "done"
        finally:
            if seen.end == "open":
                seen.end = "gone"
            self.open -= 1
            self._change()
            if self.journal is not None:
                with self.journal.open("a") as lines:
                    lines.write(json.dumps(asdict(seen), default=repr) + "\n")

    async def until_open(self, count: int) -> None:
        """Until so many calls are being worked on."""
        async with asyncio.timeout(60):
            while self.open != count:
                self._changed.clear()
                await self._changed.wait()

    def _change(self) -> None:
        self._changed.set()
