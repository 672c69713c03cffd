"""The words of one answer: from the model, or given, cut into clauses that wait for the voice.

A model that is ahead of the voice waits; one that says nothing fails. How they sound is not known here.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from ..core.clauses import ClauseSplitter
from ..core.commands import Kind, PrepareReply
from ..core.errors import EngineEmpty
from ..core.ssml import parse
from ..core.timeline import Mark, Timeline
from ..ports import Clause, Clock
from .thinking import Breath, Thinking

CLAUSES_AHEAD = 32
"""Clauses that may wait for the voice; then the model waits."""


class Writer:
    def __init__(self, command: PrepareReply, thinking: Thinking, clock: Clock, timeline: Timeline) -> None:
        self._command, self._thinking = command, thinking
        self._clock, self._timeline = clock, timeline
        self._clauses: asyncio.Queue[Clause | None] = asyncio.Queue(CLAUSES_AHEAD)
        self._count = 0
        self._is_apart = False
        """The next clause begins anew after a breath: nothing of the text says that a space is between."""

    async def write(self) -> None:
        """The words, cut into clauses as they come."""
        if self._command.ssml:
            await self._recite(self._command.ssml)
            return
        splitter = ClauseSplitter()
        async with aclosing(self._words()) as words:
            async for text in words:
                if isinstance(text, Breath):
                    await self._queue(splitter.flush())
                    self._is_apart = self._count > 0
                else:
                    await self._queue(splitter.feed(text))
        await self._queue(splitter.flush())
        if not self._count:
            raise EngineEmpty("llm", "the model gave no words")
        await self._clauses.put(None)

    async def _recite(self, document: str) -> None:
        """A document that was accepted, clause by clause, with its marks."""
        for index, clause in enumerate(parse(document).clauses()):
            self._timeline.mark(Mark.FIRST_CLAUSE, self._clock.now())
            await self._clauses.put(Clause(index, clause.text, clause.document))
        await self._clauses.put(None)

    async def next(self) -> Clause | None:
        """None: that was the last one."""
        return await self._clauses.get()

    @property
    def is_behind(self) -> bool:
        """No clause waits: it is the model that is waited for."""
        return self._clauses.empty()

    async def _words(self) -> AsyncGenerator[str | Breath, None]:
        if self._command.kind is Kind.VERBATIM:
            yield self._command.text
            return
        async with aclosing(self._thinking.words()) as words:
            async for text in words:
                yield text

    async def _queue(self, clauses: list[str]) -> None:
        for text in clauses:
            self._timeline.mark(Mark.FIRST_CLAUSE, self._clock.now())
            await self._clauses.put(Clause(self._count, f" {text}" if self._is_apart else text))
            self._is_apart = False
            self._count += 1
