"""A conversation that must stay unharmed, whatever others do: it asks by voice, again and again."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from .attacked import CANARY, Attacked
from .lines import LINES
from .talk import Talk, Unanswered, talking

REST_SECONDS = 1.5
"""From the first sound of an answer to the next question, which interrupts it: one every three seconds."""


@dataclass
class Canary:
    way: str
    """Of `LINES`."""
    delays: list[float] = field(default_factory=list)
    """Seconds to each answer."""
    harm: str = ""
    """What was the end of it; empty: it is well."""
    _is_enough: bool = False

    async def sing(self, talk: Talk) -> None:
        """One question at least, and until `stop`, or until it is harmed."""
        try:
            await talk.begin()
            self.delays.append(await talk.ask())
            while not self._is_enough:
                await talk.rest(REST_SECONDS)
                self.delays.append(await talk.ask())
        except Unanswered as unanswered:
            self.harm = f"question {len(self.delays) + 1}: {unanswered}"

    def stop(self) -> None:
        self._is_enough = True

    def __str__(self) -> str:
        worst = f", {1000 * max(self.delays):.0f} ms at most" if self.delays else ""
        return f"canary by {self.way}: {len(self.delays)} questions answered{worst}; {self.harm or 'well'}"


@asynccontextmanager
async def canaries(where: Attacked, *ways: str) -> AsyncIterator[list[Canary]]:
    """One by each of these ways. Each is asked at least once, and heard out when the block ends."""
    singing = [Canary(way) for way in ways]
    async with AsyncExitStack() as open_lines:
        talks = [
            await open_lines.enter_async_context(
                talking(await open_lines.enter_async_context(LINES[way](where, CANARY)))
            )
            for way in ways
        ]
        async with asyncio.TaskGroup() as tasks:
            for canary, talk in zip(singing, talks, strict=True):
                tasks.create_task(canary.sing(talk), name=f"canary-{canary.way}")
            yield singing
            for canary in singing:
                canary.stop()
