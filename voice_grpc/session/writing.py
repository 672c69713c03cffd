"""The words of one answer: from the model, or given, cut into clauses that wait for the voice.

A model that is ahead of the voice waits; one that says nothing fails. How they sound is not known here.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..core.clauses import ClauseSplitter
from ..core.commands import Kind, PrepareReply
from ..core.errors import EngineEmpty
from ..core.timeline import Mark, Timeline
from ..ports import Clause, Clock, Llm, Prompt, TextDelta, Usage

CLAUSES_AHEAD = 32
"""Clauses that may wait for the voice; then the model waits."""


class Writer:
    def __init__(
        self, command: PrepareReply, prompt: Prompt, llm: Llm, clock: Clock, timeline: Timeline
    ) -> None:
        self._command, self._prompt, self._llm = command, prompt, llm
        self._clock, self._timeline = clock, timeline
        self._clauses: asyncio.Queue[Clause | None] = asyncio.Queue(CLAUSES_AHEAD)
        self.usage = Usage(0, 0)

    async def write(self) -> None:
        """The words, cut into clauses as they come."""
        splitter, index = ClauseSplitter(), 0
        async with aclosing(self._words()) as words:
            async for text in words:
                index = await self._queue(splitter.feed(text), index)
        index = await self._queue(splitter.flush(), index)
        if index == 0:
            raise EngineEmpty("llm", "the model gave no words")
        await self._clauses.put(None)

    async def next(self) -> Clause | None:
        """None: that was the last one."""
        return await self._clauses.get()

    @property
    def is_behind(self) -> bool:
        """No clause waits: it is the model that is waited for."""
        return self._clauses.empty()

    async def _words(self) -> AsyncGenerator[str, None]:
        if self._command.kind is Kind.VERBATIM:
            yield self._command.text
            return
        self._timeline.mark(Mark.LLM_REQUEST, self._clock.now())
        async with aclosing(self._llm.stream(self._prompt)) as items:
            async for item in items:
                if isinstance(item, TextDelta):
                    self._timeline.mark(Mark.LLM_FIRST_TOKEN, self._clock.now())
                    yield item.text
                elif isinstance(item, Usage):
                    self.usage = item

    async def _queue(self, clauses: list[str], index: int) -> int:
        for text in clauses:
            self._timeline.mark(Mark.FIRST_CLAUSE, self._clock.now())
            await self._clauses.put(Clause(index, text))
            index += 1
        return index
