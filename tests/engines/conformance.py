"""What every engine must stand, whatever its vendor: the subjects of the `test_conformance_` files.

A subject is one engine with a far end that can be told to go wrong. An engine in this process has no
far end: its subject says which troubles it can have at all, and the others are not asked of it.
"""

import asyncio
from collections.abc import Callable
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
"""Seconds that the engine of a rig that was hurried waits for what does not come."""
BEGINNING = 5.0
"""Seconds that it waits for a first output that does come, also on a machine that others use too."""

UNHURRIED = 120.0
"""Seconds that an engine waits for its far end, unless its rig is hurried: whatever ends earlier was ended by
something else."""


def unhurried() -> Timeouts:
    """An object of its own, for `Rig.waits`."""
    return Timeouts(connect=UNHURRIED, first=UNHURRIED, between=UNHURRIED)


def hurry(waits: Timeouts, **seconds: float) -> None:
    """From now on an engine that holds this very object waits for so long."""
    for name, value in seconds.items():
        object.__setattr__(waits, name, value)


@dataclass(slots=True)
class Rig(Generic[E]):
    """A warm engine, closed when its block ends."""

    engine: E
    far: Script | None = None
    """What its far end does and saw; None: it works in this process."""
    open_calls: Callable[[], int] = field(default=lambda: 0)
    """In-process work that goes on now; of an engine with a far end `far.open` tells."""
    waits: Timeouts = field(default_factory=unhurried)
    """The very object that the engine holds."""

    def hurry(self, **waits: float) -> None:
        """From now on the engine waits for so many seconds."""
        hurry(self.waits, **waits)


@dataclass(frozen=True, slots=True)
class Subject(Generic[E]):
    """`open(trouble)`: every call meets that trouble; `Script` can be changed as the test goes on."""

    name: str
    open: Callable[[Trouble], AbstractAsyncContextManager[Rig[E]]]
    troubles: frozenset[Trouble] = REMOTE


async def until_idle(rig: Rig[Any]) -> None:
    """Nobody works for us any more, here or there."""
    async with asyncio.timeout(60):
        if rig.far is not None:
            await rig.far.until_open(0)
        while rig.open_calls():  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0.001)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
