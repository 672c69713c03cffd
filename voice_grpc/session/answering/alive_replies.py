"""The replies of one session that are alive: each with its task, and what was made of them in vain.

A reply begins when it is prepared; where the machine is promised to another session (`precedence.py`), when
that one has its first sound, or when it is let out itself. What is decided of a reply, and what is told and
remembered of it, is `command_runner.py`'s.

Used by the `decide` task, and by those of other sessions where an answer of theirs is let out or has its
first sound.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import dataclass

from ...core.commands import PrepareReply
from ...core.events import CancelReason
from ...core.timeline import Timeline
from ...ports.observer import ReplyMade
from ..clock import loop_now
from ..context import SessionContext
from ..telling.metrics import Waste
from .prompts import Prompts
from .reply import Reply

log = logging.getLogger(__name__)

CANCEL_SECONDS = 1.0
"""A reply that is cancelled ends at its next await. One that does not is muted, and a bug."""


@dataclass(slots=True)
class AliveReply:
    reply: Reply
    is_own: bool
    """Its model computes on this machine."""
    task: asyncio.Task[None] | None = None
    """None: it has not begun."""

    @property
    def is_at_work(self) -> bool:
        """Its model writes what nobody may ever hear. One that failed is begun anew when it is let out."""
        is_written = self.reply.generation.is_over or self.reply.early_error is not None
        return self.task is not None and not self.reply.is_committed and not is_written


class AliveReplies:
    """Implements `precedence.Preparing`."""

    def __init__(self, context: SessionContext, prompts: Prompts) -> None:
        self._context, self._prompts = context, prompts
        self._alive: dict[int, AliveReply] = {}
        """By number."""
        self._tasks: asyncio.TaskGroup | None = None
        self.waste = Waste()
        """Of the turn that goes on."""

    def run_in(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._context.precedence.join(self)

    # ------------------------------------------------------------ what is decided

    def prepare(self, command: PrepareReply, *, begins: bool = True) -> None:
        """Without `begins` it does once somebody goes on, or it is let out."""
        prompt = self._prompts.of_reply(command)
        reply = Reply(command, prompt, self._context, Timeline(), lambda: self._say_made(command.number))
        alive = self._alive[command.number] = AliveReply(reply, self._context.engines.llm.is_embedded)
        if begins and (not alive.is_own or self._context.precedence.may_prepare(self)):
            self._begin(alive)

    def promise(self, number: int) -> Reply:
        """The reply that is to be let out now. It has begun, whatever others do; what failed begins anew."""
        if self._alive[number].reply.early_error is not None:
            self.anew(self._alive[number])
        alive = self._alive[number]
        if alive.task is None:
            self._begin(alive)
        if alive.is_own and not alive.reply.has_sound:
            self._context.precedence.promise(self)
        return alive.reply

    @property
    def alive(self) -> list[AliveReply]:
        return list(self._alive.values())

    def reply(self, number: int) -> Reply:
        """One that is alive."""
        return self._alive[number].reply

    def take(self, number: int) -> AliveReply | None:
        """It is over, or is to be; None: it was before."""
        alive = self._alive.pop(number, None)
        if alive is not None:
            _count(self._context, alive)
            self._context.precedence.release(self)
        return alive

    def waste_of(self, alive: AliveReply) -> None:
        """It was made in vain; one that never began was not made."""
        if alive.task is not None:
            self.waste.add(alive.reply.costs)

    async def end(self, alive: AliveReply, reason: CancelReason) -> None:
        """One that was taken."""
        if alive.task is None:
            return
        alive.task.cancel(reason.value)
        done, _ = await asyncio.wait({alive.task}, timeout=CANCEL_SECONDS)
        if not done:
            number = alive.reply.command.number
            log.error("reply %d does not end when cancelled; it stays muted", number)

    def take_all(self) -> Iterator[AliveReply]:
        """The session ends: each is muted by who takes it, and cancelled then."""
        self._context.precedence.leave(self)
        for alive in self._alive.values():
            _count(self._context, alive)
            yield alive
            if alive.task is not None:
                alive.task.cancel(CancelReason.ENDED.value)
        self._alive.clear()

    # ------------------------------------------------------------ what other sessions do

    def give_way(self) -> None:
        for alive in list(self._alive.values()):
            if alive.is_own and alive.is_at_work:
                self.anew(alive)

    def go_on(self) -> None:
        for alive in self._alive.values():
            if alive.task is None:
                self._begin(alive)

    # ------------------------------------------------------------ their tasks

    def _say_made(self, number: int) -> None:
        """What is heard first of it is made. Of one that was taken it does not count."""
        if number in self._alive:
            self._context.precedence.release(self)

    def _begin(self, alive: AliveReply) -> None:
        tasks = self._tasks
        assert tasks is not None
        name = f"reply-{alive.reply.command.number}"
        alive.task = tasks.create_task(alive.reply.run(), name=name)

    def anew(self, alive: AliveReply, *, begins: bool = True) -> None:
        """What was made of it is lost; nobody heard of it. Under the same number, so it is no other try."""
        _count(self._context, alive)
        self.waste_of(alive)
        if alive.task is not None:
            alive.task.cancel("begun anew")
        self.prepare(alive.reply.command, begins=begins)


def _count(context: SessionContext, alive: AliveReply) -> None:
    """What it took counts against its caller, heard or not."""
    costs = alive.reply.costs
    tokens = costs.usage.input_tokens + costs.usage.output_tokens
    context.account.spend(loop_now(), tokens=tokens, characters=costs.characters)
    made = (costs.usage.input_tokens, costs.usage.output_tokens, costs.characters)
    context.observer.observe(ReplyMade(context.identity, *made))
