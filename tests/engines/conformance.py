"""What every engine must stand, whatever its vendor: the subjects of `test_conformance_{stt,llm,tts}.py`.

A subject is one engine with a far end that can be told to go wrong. An engine in this process has no
far end: its subject says which troubles it can have at all, and the others are not asked of it.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tests.fakes.script import Script, Trouble
from voice_grpc.engines.patience import Patience

E = TypeVar("E")

REMOTE = frozenset(Trouble)
IN_PROCESS = frozenset({Trouble.NONE})

DEADLINE = 0.4
"""Seconds that a subject's engine is told to wait for a first output, and between two."""


UNHURRIED = 10.0
"""Seconds: where nothing stalls, a machine that others use too is no reason to be late."""


def patience(trouble: Trouble) -> Patience:
    """Short where the far end stalls, so that being late is what is seen."""
    stalls = trouble in (Trouble.STALL_FIRST, Trouble.STALL_MIDDLE)
    wait = DEADLINE if stalls else UNHURRIED
    return Patience(connect=2.5 * wait if stalls else wait, first=wait, between=wait)


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
