"""When Python looks through all that lives for garbage that refers to itself: once a minute, and not whenever
that has grown by a quarter.

A file of its own: a full look stops every conversation, for 50 to 130 ms where 50 go on and 100 wait for
their callers (two shared cores), and without this they met three in a hundred seconds. Little is found by
them: some 40 objects a second; what dies young is found by the quick looks, which go on.
"""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ..process.beside import beside

LOOK_SECONDS = 60.0
"""Between two full looks."""

_NEVER = 1_000_000
"""Looks at the middle generation until Python itself takes a full one."""


@asynccontextmanager
async def collected_seldom() -> AsyncIterator[None]:
    """While the block runs. What lives as it begins, modules and models, is looked at for the last time."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(before[0], before[1], _NEVER)
    try:
        async with beside(_look_now_and_then(), "garbage"):
            yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def _look_now_and_then() -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        gc.collect()
