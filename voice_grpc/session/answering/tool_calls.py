"""Tools that the model has the caller run: each asked for once, waited for, and never forgotten.

A call is sent when an answer that was let out asks for it. What comes back is remembered whatever
became of the answer: work that was done, and perhaps paid for, is not to be done again. How the
model is asked on, and what is said meanwhile, is `generation.py`'s.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ...core import requests as i
from ...core.errors import Reason, shown
from ...core.responses import Notice, ToolCall, ToolCallCancelled
from ...core.tools import MAX_RESULTS, ToolUse
from ...ports import CallRequest
from ..clock import ConversationClock
from ..telling.outbox import Outbox

TOOL_SECONDS = 20.0
"""For the caller to run one."""

KEPT = 64
"""Calls that were given up whose results are still taken in."""

Record = Callable[[int, tuple[ToolUse, ...]], None]
"""A step of a turn, to be remembered; told again with the same ids it replaces what was told before."""

INTERRUPTED = {"error": "interrupted before the result came; it may have been done all the same"}
LATE = {"error": f"no result within {TOOL_SECONDS:g} s; it may still be under way"}
TOO_LONG = {"error": f"it was done, but its result is too long: {MAX_RESULTS} characters in one turn at most"}


def unknown(known: Sequence[str]) -> Mapping[str, str]:
    """What the model is told that called a tool which is none of `known`."""
    return {"error": f"there is no tool of this name; there are: {', '.join(known) or 'none'}"}


def _unknown_notice(turn: int, name: str, known: Sequence[str]) -> Notice:
    """The answer goes on without it: the model is asked again, and may do better."""
    text = f"the model called {shown(name)}, which is no tool; declared: {', '.join(known) or 'none'}"
    return Notice("llm", Reason.ENGINE_ERROR, text, retryable=True, turn=turn)


@dataclass(slots=True)
class ToolCallBatch:
    """The calls of one step, and what has come of them."""

    turn: int
    uses: tuple[ToolUse, ...]
    open: set[str]
    """Ids without a result."""
    changed: asyncio.Event
    deadline: float


class ToolCalls:
    def __init__(self, clock: ConversationClock, outbox: Outbox, record: Record) -> None:
        self._clock, self._outbox, self._record = clock, outbox, record
        self._batches: dict[str, ToolCallBatch] = {}
        """The batch of every call that may still get a result, by id."""
        self._asked = (0, 0)
        """The last turn that asked for calls, and for how many."""
        self._lengths: dict[int, int] = {}
        """Characters of the results that were taken, by turn: of those in `_batches`."""

    # ------------------------------------------------------------ asked by the answer

    def send(self, turn: int, calls: Sequence[CallRequest], known: Sequence[str]) -> ToolCallBatch:
        """Ask the caller for them. A call of something that is not `known` fails at once."""
        batch = ToolCallBatch(turn, (), set(), asyncio.Event(), self._clock.now() + TOOL_SECONDS)
        uses = []
        for call in calls:
            use = ToolUse(
                self._new_id(turn), call.name, json.dumps(call.arguments), "", call.id, call.signature
            )
            if call.name not in known:
                uses.append(replace(use, result=json.dumps(unknown(known))))
                self._outbox.put(_unknown_notice(turn, call.name, known))
                continue
            uses.append(replace(use, result=json.dumps(INTERRUPTED)))
            batch.open.add(use.id)
            self._batches[use.id] = batch
            self._outbox.put(ToolCall(turn, use.id, use.name, use.arguments))
        batch.uses = tuple(uses)
        self._record(turn, batch.uses)
        self._forget_oldest()
        return batch

    async def wait(self, batch: ToolCallBatch, until: float | None = None) -> bool:
        """Whether every result is there; False at `until`, which is monotonic seconds. At its deadline the
        batch is given up: what is missing has failed."""
        until = batch.deadline if until is None else until
        while batch.open and self._clock.now() < until:
            batch.changed.clear()
            await self._clock.wait(batch.changed, until)
        if batch.open and until >= batch.deadline:
            self._give_up(batch, LATE)
        return not batch.open

    def cancel(self, turn: int) -> None:
        """The answer of `turn` was cut: its results are not waited for any more. Nobody is woken: whoever
        waited is about to be cancelled."""
        for batch in {id(e): e for e in self._batches.values() if e.turn == turn and e.open}.values():
            self._give_up(batch, INTERRUPTED)

    # ------------------------------------------------------------ told by the caller

    def is_awaited(self, call_id: str) -> bool:
        batch = self._batches.get(call_id)
        return batch is not None and call_id in batch.open

    def adopt(self, turn: int, uses: tuple[ToolUse, ...]) -> None:
        """A step of an answer whose server was lost: what the caller has done of it since is remembered, and
        not waited for."""
        batch = ToolCallBatch(turn, uses, set(), asyncio.Event(), self._clock.now())
        missing = [use.id for use in uses if use.result == json.dumps(INTERRUPTED)]
        self._batches.update({id: batch for id in missing})

    def take(self, result: i.ToolResult) -> None:
        batch = self._batches.pop(result.call_id, None)
        if batch is None:
            text = f"tool_result.call_id: got {shown(result.call_id)}, accepted: a ToolCall without a result"
            self._outbox.put(
                Notice("protocol", Reason.BAD_MESSAGE, text, seq=result.seq, field="tool_result.call_id")
            )
            return
        self._fill(batch, result.call_id, self._bounded(batch.turn, result))
        batch.open.discard(result.call_id)
        self._record(batch.turn, batch.uses)
        batch.changed.set()

    # ------------------------------------------------------------ inside

    def _new_id(self, turn: int) -> str:
        """Unique in the conversation: turns only rise, also over streams."""
        count = self._asked[1] + 1 if self._asked[0] == turn else 1
        self._asked = (turn, count)
        return f"call-{turn}-{count}"

    def _bounded(self, turn: int, result: i.ToolResult) -> str:
        """The result, or why there is none for the model: those of its turn are too long together."""
        length = self._lengths.get(turn, 0) + len(result.result)
        if length <= MAX_RESULTS:
            self._lengths[turn] = length
            return result.result
        text = (
            f"tool_result.result: got {length} characters with the other results of the turn, accepted: at "
            f"most {MAX_RESULTS}; the model is told that it was too long"
        )
        field = "tool_result.result"
        self._outbox.put(Notice("protocol", Reason.TOO_MANY, text, seq=result.seq, field=field, turn=turn))
        return json.dumps(TOO_LONG)

    def _give_up(self, batch: ToolCallBatch, why: Mapping[str, str]) -> None:
        given_up = tuple(use.id for use in batch.uses if use.id in batch.open)
        for id in given_up:
            self._fill(batch, id, json.dumps(why))
        batch.open.clear()
        self._record(batch.turn, batch.uses)
        self._outbox.put(ToolCallCancelled(batch.turn, given_up))

    def _fill(self, batch: ToolCallBatch, id: str, result: str) -> None:
        batch.uses = tuple(replace(use, result=result) if use.id == id else use for use in batch.uses)

    def _forget_oldest(self) -> None:
        given_up = [id for id, batch in self._batches.items() if id not in batch.open]
        for id in given_up[: max(0, len(given_up) - KEPT)]:
            del self._batches[id]
        turns = {batch.turn for batch in self._batches.values()}
        self._lengths = {turn: length for turn, length in self._lengths.items() if turn in turns}
