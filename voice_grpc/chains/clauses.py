"""What a voice is given to say: kept, so that the next one can say what this one did not."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import replace

from ..engines.pump import Pump
from ..ports import Clause, Speech

CHARACTERS_A_SECOND = 25.0
"""Half as fast again as an unhurried speaker: what lasts shorter is not all of a clause."""


class Kept:
    """Clauses that are taken from their source once, when the first voice asks for them."""

    def __init__(self, clauses: AsyncIterator[Clause]) -> None:
        self.clauses: list[Clause] = []
        self.error: Exception | None = None
        """Of the source: no voice is to blame for it."""
        self.is_over = False
        """All there are were taken."""
        self._wanted = asyncio.Semaphore(0)
        self._is_wanted = False
        self._pump = Pump(self._reading(clauses), ahead=1)

    async def __aenter__(self) -> "Kept":
        await self._pump.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._pump.__aexit__(None, None, None)

    async def at(self, place: int) -> Clause | None:
        """None: there are not so many. Raises what the source raises. May be cancelled and asked again."""
        if place < len(self.clauses):
            return self.clauses[place]
        if self.error is not None:
            raise self.error
        if self.is_over:
            return None
        if not self._is_wanted:
            self._is_wanted = True
            self._wanted.release()
        try:
            clause = await self._pump.next()
        except Exception as error:
            self.error = error
            raise
        self._is_wanted = False
        if clause is None:
            self.is_over = True
            return None
        self.clauses.append(clause)
        return clause

    def _reading(
        self, clauses: AsyncIterator[Clause]
    ) -> Callable[[Callable[[Clause], Awaitable[None]]], Awaitable[None]]:
        async def produce(put: Callable[[Clause], Awaitable[None]]) -> None:
            while True:
                await self._wanted.acquire()
                try:
                    clause = await anext(clauses)
                except StopAsyncIteration:
                    return
                await put(clause)

        return produce


class Telling:
    """One voice and the clauses from `start` on, which it sees numbered from 0.

    Where it stands is known by what it asked for and what sounded. A voice that asks for a clause only
    when the one before has sounded is done with the one before. A voice that reads ahead is done with it
    when it lasted as long as such a text must.
    """

    def __init__(self, kept: Kept, start: int, rate: float, on_first: Callable[[], None]) -> None:
        """`rate`: at which it speaks; 1 is normal. `on_first`: called when it gets its first clause."""
        self._kept, self._start, self._on_first = kept, start, on_first
        self._fastest = CHARACTERS_A_SECOND * max(rate, 0.5)
        self._asked = self._given = 0
        self._last = -1
        """The clause that sounded last."""
        self._seconds = 0.0
        """Of its sound."""
        self._reads_ahead = False

    async def clauses(self) -> AsyncGenerator[Clause, None]:
        while True:
            self._asked = self._given + 1
            self._reads_ahead = self._reads_ahead or self._last < self._given - 1
            clause = await self._kept.at(self._start + self._given)
            if clause is None:
                return
            if self._given == 0:
                self._on_first()
            self._given += 1
            yield replace(clause, index=self._given - 1)

    def sounded(self, speech: Speech) -> Speech:
        """As the caller numbers it."""
        if speech.clause_index != self._last:
            self._last, self._seconds = speech.clause_index, 0.0
        self._seconds += len(speech.samples) / speech.rate_hz
        return replace(speech, clause_index=self._kept.clauses[self._start + self._last].index)

    def goes_on_at(self) -> int | None:
        """The place of the first clause that did not sound; None: it broke off in the middle of one."""
        if self._last < 0:
            return self._start
        if self._asked <= self._last + 1:
            return None
        text = self._kept.clauses[self._start + self._last].text
        if self._reads_ahead and self._seconds < len(text) / self._fastest:
            return None
        return self._start + self._last + 1

    @property
    def is_short(self) -> bool:
        """It ended, and there are clauses that it did not ask for, or it had words and said nothing."""
        if self._given < len(self._kept.clauses) - self._start or not self._kept.is_over:
            return True
        has_words = any(any(map(str.isalnum, clause.text)) for clause in self._kept.clauses[self._start :])
        return has_words and self._last < 0
