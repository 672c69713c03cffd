"""The model's side of one answer: its words, and between them the calls of tools that it asks for.

A call is made once the answer was let out and not before, at most `MAX_STEPS` times an answer; then
the model has to answer with what it knows. How calls are made is `tool_calls.py`'s; how the words are
cut and spoken is `generation.py`'s.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from enum import Enum

from ..core.commands import PrepareReply, ReplyKind
from ..core.conversation import Message, Role
from ..core.errors import EngineEmpty, EngineError
from ..core.text.fillers import filler
from ..core.text.segmentation import ClauseSplitter
from ..core.text.ssml import parse
from ..core.timeline import Mark, Timeline
from ..ports import CallRequest, Clause, Clock, Fallback, Llm, Prompt, TextDelta, Usage
from .clock import ConversationClock
from .tool_calls import ToolCalls

MAX_STEPS = 3
"""Rounds of calls in one answer."""

FILLER_SECONDS = 1.5
"""Without a result, after which something is said."""


class Breath(Enum):
    """Nothing follows for a while: what was written is to be said now."""

    BREATH = "breath"


@dataclass(frozen=True, slots=True)
class Desk:
    """What thinking is done with: the same for all answers of a session."""

    llm: Llm
    toolbox: ToolCalls
    clock: ConversationClock


@dataclass(slots=True)
class Hooks:
    """What an answer wants to know of its making."""

    committed: asyncio.Event
    """Set once the answer is let out."""
    on_fallback: Callable[[Fallback], None]
    on_waiting: Callable[[bool], None]
    """True while a tool is waited for."""
    fills: bool = True
    """Whether something is to be said when a tool takes long."""


@dataclass
class Generation:
    turn: int
    prompt: Prompt
    desk: Desk
    timeline: Timeline
    hooks: Hooks
    usage: Usage = field(default_factory=lambda: Usage(0, 0))

    async def words(self) -> AsyncGenerator[str | Breath, None]:
        """Raises `EngineError`."""
        self.timeline.mark(Mark.LLM_REQUEST, self.desk.clock.now())
        for steps_left in reversed(range(MAX_STEPS + 1)):
            if steps_left == 0:
                self.prompt = replace(self.prompt, tools=())
            said, calls = "", list[CallRequest]()
            async with aclosing(self._step(calls)) as texts:
                async for text in texts:
                    said += text
                    yield text
            if not calls:
                return
            if not self.prompt.tools:
                raise EngineError("llm", f"{self.desk.llm.name} calls tools where it may not")
            yield Breath.BREATH
            async with aclosing(self._run(said, calls)) as fillers:
                async for text in fillers:
                    yield text
                    yield Breath.BREATH

    async def _step(self, calls: list[CallRequest]) -> AsyncGenerator[str, None]:
        async with aclosing(self.desk.llm.stream(self.prompt)) as items:
            async for item in items:
                match item:
                    case TextDelta(text):
                        self.timeline.mark(Mark.LLM_FIRST_TOKEN, self.desk.clock.now())
                        yield text
                    case CallRequest():
                        calls.append(item)
                    case Usage():
                        self.usage = _sum(self.usage, item)
                    case Fallback():
                        self.hooks.on_fallback(item)

    async def _run(self, said: str, calls: list[CallRequest]) -> AsyncGenerator[str, None]:
        """Make the calls, put what came of them where the model finds it, and yield what to say meanwhile."""
        await self.hooks.committed.wait()
        clock, toolbox = self.desk.clock, self.desk.toolbox
        errand = toolbox.send(self.turn, calls, [tool.name for tool in self.prompt.tools])
        self.hooks.on_waiting(True)
        if self.hooks.fills and not await toolbox.wait(errand, clock.now() + FILLER_SECONDS):
            self.hooks.fills = False
            yield filler(self.prompt.language)
        await toolbox.wait(errand)
        self.hooks.on_waiting(False)
        step = [Message(Role.TOOLS, "", self.turn, uses=errand.uses)]
        if said.strip():
            step.insert(0, Message(Role.ASSISTANT, said.strip(), self.turn))
        self.prompt = replace(self.prompt, messages=(*self.prompt.messages, *step))


def _sum(a: Usage, b: Usage) -> Usage:
    return Usage(
        a.input_tokens + b.input_tokens, a.output_tokens + b.output_tokens, a.cached_tokens + b.cached_tokens
    )


# ----------------------------------------------------------------
# the words of one answer: from the model, or given, cut into clauses that wait for the voice
# A model that is ahead of the voice waits; one that says nothing fails. How they sound is not known here.


CLAUSES_AHEAD = 32
"""Clauses that may wait for the voice; then the model waits."""


class ClauseQueue:
    def __init__(self, command: PrepareReply, thinking: Generation, clock: Clock, timeline: Timeline) -> None:
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
        if self._command.kind is ReplyKind.VERBATIM:
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
