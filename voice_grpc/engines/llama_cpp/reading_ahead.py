"""What a conversation's prompts begin with, computed before the first of them: its instructions, and what was
said in it where it comes from elsewhere.

Some hundred tokens take a second, for which the first answer would be late. So they are read as the
conversation begins, while the greeting is said or the user says the first words: in a slot that nobody needs,
while nobody else has anything to compute, and only until somebody has. A prompt that goes on with what is
being read waits for it: in another slot all of it would be computed again. What many may begin with is kept
(`beginnings.py`), and read once.
"""

import asyncio

from ...ports import Claim
from ..worker_pool import IsAbandoned, WorkerPool
from .beginnings import common
from .generation import Run
from .reading import PromptReading
from .server import AT_ONCE
from .slots import Slots


class ReadingAhead:
    def __init__(self, pool: WorkerPool) -> None:
        self._pool = pool
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def read(self, run: Run, slots: Slots, text: str, claim: Claim, *, is_anybodys: bool) -> None:
        """Ends early, or does nothing, where others compute. `is_anybodys`: nobody said any of it, so that it
        is kept. Raises `EngineError`."""
        if slots.beginnings.has(text) or text in self._under_way or self._others(claim, mine=0):
            return
        is_to_keep = is_anybodys and slots.beginnings.takes(text)

        def work(is_abandoned: IsAbandoned) -> None:
            def is_left() -> bool:
                return is_abandoned() or self._others(claim, mine=1)

            with slots.spare(text, is_left, is_to_keep=is_to_keep) as slot:
                if slot is not None:
                    reading = PromptReading(text, slot)
                    reading.run(run, {"n_predict": 0})
                    if is_to_keep and slot.text == text and not reading.answer:
                        slots.beginnings.keep(text, slot.number)

        job = self._pool.submit(work, claim)
        self._under_way[text] = job
        try:
            await job
        finally:
            del self._under_way[text]

    async def wait(self, text: str) -> None:
        """Until nothing is being read that `text` begins with, but for its end: in which language to answer
        is known with the first words."""
        under_way = [job for begun, job in self._under_way.items() if common(begun, text) > len(begun) // 2]
        if under_way:
            await asyncio.wait(under_way)

    def _others(self, claim: Claim, mine: int) -> bool:
        """Somebody has something to compute, besides `mine` pieces of work."""
        return self._pool.free_for(claim) < AT_ONCE - mine
