"""The words of one answer: from the model, or given, cut into clauses that wait for the voice.

Between them come the calls of tools that the model asks for: made once the answer was let out and not
before, at most `MAX_STEPS` times an answer; then the model has to answer with what it knows. How calls are
made is for `tool_calls.py` to say. A model that is ahead of the voice waits; one that says nothing fails.
How the words sound is not known here.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum

from ...core.commands import PrepareReply, ReplyKind
from ...core.conversation import Message, Role
from ...core.errors import EngineEmpty, EngineError
from ...core.repetition import LAST_ANSWERS, RepetitionGuard
from ...core.responses import Notice
from ...core.text.fillers import filler
from ...core.text.segmentation import ClauseSplitter
from ...core.text.ssml import parse
from ...core.timeline import Mark, Timeline
from ...ports import CallRequest, Clause, Fallback, Prompt, TextDelta, Usage
from ..clock import ConversationClock
from ..context import SessionContext
from ..telling.notices import fallback_notice

MAX_STEPS = 3
"""Rounds of calls in one answer."""

FILLER_SECONDS = 1.5
"""Without a result, after which something is said."""

BOLD_TEMPERATURE = 0.9
"""Of the second draw, where the first one only said again what had been said: at 0 it would be the same."""

CLAUSES_AHEAD = 1
"""Clauses that wait for the voice beside the one that is held out to it; then the model waits. What is
written of an answer that is cut off then is a bill for nothing."""

CLAUSES_EARLY = 2
"""Clauses that are written before the answer is let out: the one that is heard first, and the next."""


class Flush(Enum):
    """Nothing follows for a while: what was written is to be said now."""

    FLUSH = "flush"


@dataclass
class Generation:
    """The model's side of one answer."""

    context: SessionContext
    command: PrepareReply
    prompt: Prompt
    timeline: Timeline
    committed: asyncio.Event
    """Set once the answer is let out."""
    on_waiting: Callable[[bool], None]
    """Told whether a tool is waited for."""
    tell: Callable[[Notice], None]
    """Told what the caller is to know of it, once the answer is let out."""
    written: int = 0
    """Pieces of text that came: tokens, where the model does not count them itself."""
    usage: Usage = field(default_factory=lambda: Usage(0, 0))
    is_over: bool = False
    """The model has written all of it."""
    fallback: str = ""
    """Name of the engine that wrote in the place of the first one; empty: the first one did."""
    is_waiting: bool = False
    """A tool is at work."""
    _has_filled: bool = False
    _fallbacks: set[str] = field(default_factory=set)
    """Engines of whose help the caller was told: the second draw of an answer comes upon the same one."""

    async def words(self) -> AsyncGenerator[str | Flush, None]:
        """Raises `EngineError`."""
        self.timeline.mark(Mark.LLM_REQUEST, self.context.clock.now())
        for steps_left in reversed(range(MAX_STEPS + 1)):
            if steps_left == 0:
                self.prompt = replace(self.prompt, tools=())
            said, calls = "", list[CallRequest]()
            async with aclosing(self._step(calls)) as texts:
                async for text in texts:
                    said += text
                    yield text
            if not calls:
                self.is_over = True
                self.timeline.mark(Mark.LLM_END, self.context.clock.now())
                return
            if not self.prompt.tools:
                raise EngineError("llm", f"{self.context.engines.llm.name} calls tools where it may not")
            yield Flush.FLUSH
            async with aclosing(self._call(said, calls)) as fillers:
                async for text in fillers:
                    yield text
                    yield Flush.FLUSH

    async def _step(self, calls: list[CallRequest]) -> AsyncGenerator[str, None]:
        """What repeats an answer or the question is not let out: the model is asked once more."""
        guard = _guard(self.prompt)
        async with aclosing(self._draw(self.prompt, calls)) as texts:
            async for text in texts:
                if free := guard.feed(text):
                    yield free
        rest = guard.end()
        if not guard.is_repetition or calls:
            if rest:
                yield rest
            return
        bold = max(self.prompt.temperature or 0.0, BOLD_TEMPERATURE)
        async with aclosing(self._draw(replace(self.prompt, temperature=bold), calls)) as texts:
            async for text in texts:
                yield text

    async def _draw(self, prompt: Prompt, calls: list[CallRequest]) -> AsyncGenerator[str, None]:
        async with aclosing(self.context.engines.llm.stream(prompt)) as items:
            async for item in items:
                match item:
                    case TextDelta(text):
                        self.timeline.mark(Mark.LLM_FIRST_TOKEN, self.context.clock.now())
                        self.written += 1
                        yield text
                    case CallRequest():
                        calls.append(item)
                    case Usage():
                        self.usage = _sum(self.usage, item)
                    case Fallback() if item.engine not in self._fallbacks:
                        self._fallbacks.add(item.engine)
                        self.fallback = item.engine
                        self.tell(fallback_notice(item, self.command.turn))

    async def _call(self, said: str, calls: list[CallRequest]) -> AsyncGenerator[str, None]:
        """Make the calls, put what came of them where the model finds it, and yield what to say meanwhile."""
        await self.committed.wait()
        clock, tools = self.context.clock, self.context.tool_calls
        batch = tools.send(self.command.turn, calls, [tool.name for tool in self.prompt.tools])
        self._wait(True)
        may_fill = not (self.command.text_only or self._has_filled)
        if may_fill and not await tools.wait(batch, clock.now() + FILLER_SECONDS):
            self._has_filled = True
            yield filler(self.prompt.language)
        await tools.wait(batch)
        self._wait(False)
        step = [Message(Role.TOOLS, "", self.command.turn, uses=batch.uses)]
        if said.strip():
            step.insert(0, Message(Role.ASSISTANT, said.strip(), self.command.turn))
        self.prompt = replace(self.prompt, messages=(*self.prompt.messages, *step))

    def _wait(self, is_waiting: bool) -> None:
        self.is_waiting = is_waiting
        self.on_waiting(is_waiting)


def _guard(prompt: Prompt) -> RepetitionGuard:
    answers = [message.text for message in prompt.messages if message.role is Role.ASSISTANT]
    questions = [message.text for message in prompt.messages if message.role is Role.USER]
    return RepetitionGuard(answers[-LAST_ANSWERS:], questions[-1] if questions else "")


def _sum(a: Usage, b: Usage) -> Usage:
    return Usage(
        a.input_tokens + b.input_tokens, a.output_tokens + b.output_tokens, a.cached_tokens + b.cached_tokens
    )


class ClauseQueue:
    """The words of an answer as clauses, written by one task and taken by another."""

    def __init__(
        self, command: PrepareReply, generation: Generation, clock: ConversationClock, timeline: Timeline
    ) -> None:
        self._command, self._generation = command, generation
        self._clock, self._timeline = clock, timeline
        self._clauses: deque[Clause] = deque()
        """Those that wait: `CLAUSES_AHEAD`, with the rest of what came in one piece with them; once the clock
        was let go all of an answer, which has as many tokens as one may have."""
        self._changed = asyncio.Event()
        self._held: Clause | None = None
        """Taken, and not with the voice yet."""
        self._splitter = ClauseSplitter()
        self.is_written = False
        """The last clause is among them, or was taken."""
        self._is_awaited = False
        self._count = 0
        self._is_apart = False
        """The next clause begins anew after a flush: nothing of the text says that a space is between."""

    @property
    def waiting(self) -> list[str]:
        """Texts of the clauses that were written, and are not with the voice."""
        held = [self._held] if self._held is not None else []
        return [clause.text for clause in (*held, *self._clauses)]

    def look(self) -> None:
        """The clock was let go: nobody waits here for the ear."""
        self._changed.set()

    # ------------------------------------------------------------ written

    async def write(self) -> None:
        """The words, cut into clauses as they come."""
        if self._command.ssml:
            parsed = enumerate(parse(self._command.ssml).clauses())
            clauses = [Clause(index, clause.text, clause.document) for index, clause in parsed]
            await self._put(clauses, is_last=True)
        else:
            await self._split()

    async def _split(self) -> None:
        splitter = self._splitter
        async with aclosing(self._words()) as words:
            async for text in words:
                if isinstance(text, Flush):
                    await self._queue(splitter.flush())
                    self._is_apart = self._count > 0
                else:
                    await self._queue(splitter.feed(text))
        last = splitter.flush()
        if not (last or self._count or self._command.said):
            raise EngineEmpty("llm", "the model gave no words")
        await self._queue(last, is_last=True)

    async def _words(self) -> AsyncGenerator[str | Flush, None]:
        given = self._command.text if self._command.kind is not ReplyKind.ANSWER else ""
        if given:
            yield given
        if self._command.kind is ReplyKind.VERBATIM:
            return
        is_first = bool(given)
        async with aclosing(self._generation.words()) as words:
            async for text in words:
                if is_first and isinstance(text, str) and text[:1].isalnum():
                    yield " "
                is_first = False
                yield text

    async def _queue(self, texts: list[str], *, is_last: bool = False) -> None:
        clauses = []
        for text in texts:
            clauses.append(Clause(self._count, f" {text}" if self._is_apart else text))
            self._is_apart = False
            self._count += 1
        await self._put(clauses, is_last=is_last)
        if clauses and self._count >= CLAUSES_EARLY:
            await self._generation.committed.wait()

    async def _put(self, clauses: Sequence[Clause], *, is_last: bool) -> None:
        """Returns when the voice is near enough for more."""
        if clauses:
            self._timeline.mark(Mark.FIRST_CLAUSE, self._clock.now())
        self._clauses += clauses
        self.is_written = is_last
        self._changed.set()
        while len(self._clauses) > CLAUSES_AHEAD and not self._clock.is_let_go:
            self._changed.clear()
            await self._changed.wait()

    # ------------------------------------------------------------ taken

    @property
    def is_over(self) -> bool:
        """Every clause was taken, and none comes."""
        return self.is_written and not self._clauses

    async def next(self) -> Clause | None:
        """None: that was the last one, or nobody is to wait for more (`is_over` says which)."""
        self._is_awaited = True
        try:
            while not self._clauses:
                if self.is_written or self._clock.is_let_go:
                    return None
                self._changed.clear()
                await self._changed.wait()
        finally:
            self._is_awaited = False
        self._held = clause = self._clauses.popleft()
        self._changed.set()
        return clause

    def given(self) -> None:
        """The one that was taken last is with the voice, or was shown."""
        self._held = None

    def put_back(self, clause: Clause) -> None:
        """It was taken, and not given to the voice."""
        self._clauses.appendleft(clause)
        self._held = None

    def take_rest(self) -> str:
        """What was written and not taken, of an answer to which nothing more is written."""
        rest = [*self.waiting, *self._splitter.flush()]
        self._clauses.clear()
        self._held = None
        return " ".join(rest)

    async def next_within(self, seconds: float | None) -> Clause | None:
        """Like `next`. Raises TimeoutError, with None never; a tool that is at work is waited for all the
        same."""
        while True:
            try:
                async with asyncio.timeout(seconds):
                    return await self.next()
            except TimeoutError:
                if not self._generation.is_waiting:
                    raise

    @property
    def is_behind(self) -> bool:
        """The next clause is waited for, and not the voice."""
        return self._is_awaited
