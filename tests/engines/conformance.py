"""What every engine must stand, whatever its vendor: the subjects of the `test_conformance_` files.

A subject is one engine with a far end that can be told to go wrong. An engine in this process has no
far end: its subject says which troubles it can have at all, and the others are not asked of it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from tests.fakes.script import Script, Trouble
from voice_grpc.engines.timeouts import Timeouts

E = TypeVar("E")

REMOTE = frozenset(Trouble)
IN_PROCESS = frozenset({Trouble.NONE})

DEADLINE = 0.4
"""Seconds that a subject's engine is told to wait for a first output, and between two."""

SOON = 0.1
"""Seconds in which work that nobody wants any more has ended, also elsewhere."""
TRIES = 5
"""The machine may be busy with something else: the best of so many counts."""

UNHURRIED = 10.0
"""Seconds: where nothing stalls, a machine that others use too is no reason to be late."""


def timeouts(trouble: Trouble) -> Timeouts:
    """Short where the far end stalls, so that being late is what is seen."""
    stalls = trouble in (Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
    wait = DEADLINE if stalls else UNHURRIED
    return Timeouts(connect=2.5 * wait if stalls else wait, first=wait, between=wait)


@dataclass(slots=True)
class Rig(Generic[E]):
    """A warm engine, closed when its block ends."""

    engine: E
    far: Script | None = None
    """What its far end does and saw; None: it works in this process."""
    open_calls: Callable[[], int] = field(default=lambda: 0)
    """In-process work that goes on now; of an engine with a far end `far.open` tells."""


@dataclass(frozen=True, slots=True)
class Subject(Generic[E]):
    """`open(trouble)`: every call meets that trouble; `Script` can be changed as the test goes on."""

    name: str
    open: Callable[[Trouble], AbstractAsyncContextManager[Rig[E]]]
    troubles: frozenset[Trouble] = REMOTE


async def until_idle(rig: Rig[Any]) -> None:
    """Nobody works for us any more, here or there."""
    async with asyncio.timeout(10):
        if rig.far is not None:
            await rig.far.until_open(0)
        while rig.open_calls():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)


async def best(attempt: Callable[[], Awaitable[float]]) -> float:
    """The quickest of some tries; further ones only while it is too slow."""
    quickest = await attempt()
    for _ in range(TRIES - 1):
        if quickest > SOON:
            quickest = min(quickest, await attempt())
    return quickest


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
