"""Work that goes on in a task of its own while a block runs: `beside`.

A file of its own: whoever keeps something fresh while it serves needs it. What lives here: that the work ends
with the block, and that an error comes out as it is. What must not: the work.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """While the block runs, `work` does; it is cancelled at the end, and has ended then. Work that fails ends
    the block.

    A bare TaskGroup makes a group even of the one error of its block, past every `except` that names it. Here
    what the block raises comes out as itself, and so does what `work` raises.
    """
    of_block: Exception | None = None
    try:
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(work, name=name)
            try:
                yield
            except Exception as error:  # noqa: BLE001 - raised below: as it is, and not as a group
                of_block = error
            finally:
                working.cancel()
    except ExceptionGroup as group:  # of the work alone: what the block raised is kept out of it
        raise group.exceptions[0] from None
    if of_block is not None:
        raise of_block
