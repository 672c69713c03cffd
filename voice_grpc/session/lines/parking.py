"""What becomes of a conversation while no line carries it, and when another one does.

Lost: silence at once. Time stands still, the answer waits at the sample that the ear had, and nothing that
was made or heard is lost. Engines wait for `ENGINE_SECONDS`; then model and voice finish what they have
begun, and a recogniser is let go of and asked anew later. Found again: the answer goes on where the caller
says that the ear is. How long and how many conversations wait is for `rpc/parking.py` to say.
"""

import asyncio
from dataclasses import dataclass, field

from ...core.requests import ComeBack
from ...core.responses import ConverseResponse, ToolCall
from ...core.unfinished import EarPosition, UnfinishedAnswer, ear_of
from ..answering.alive_replies import AliveReplies
from ..clock import Hold
from ..context import SessionContext
from ..hearing.transcriber import Transcriber
from ..outcomes import Outcomes, unfinished_answer
from .line import Numbered, ToldMessages

ENGINE_SECONDS = 5.0
"""For which an engine's stream is kept open though nobody is there."""


@dataclass(slots=True)
class Parking:
    context: SessionContext
    transcriber: Transcriber
    replies: AliveReplies
    outcomes: Outcomes
    _is_lost: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    """A line was lost, or found."""

    def last_answer(self) -> UnfinishedAnswer | None:
        """The one that was let out last, and that nobody cut."""
        reply = self.outcomes.last()
        return None if reply is None else unfinished_answer(reply)

    @property
    def kept_bytes(self) -> int:
        """Of sound that waits, of 16 bits a sample."""
        heard = self.transcriber.sound.utterance
        answers = sum(alive.reply.playout.pacer.sound.kept for alive in self.replies.alive)
        return 2 * (answers + (heard.length if heard is not None else 0))

    def line_lost(self) -> None:
        """Once more it changes nothing."""
        self.context.clock.pause(Hold.LINE)
        for alive in self.replies.alive:
            if alive.reply.is_committed:
                alive.reply.playout.go_on_from()
        self.context.outbox.drop_sound()
        self._is_lost = True
        self._changed.set()

    def line_found(self, come_back: ComeBack, told: ToldMessages) -> list[Numbered]:
        """Returns what is told again."""
        self._go_on(come_back)
        self._is_lost = False
        self._changed.set()
        self.context.clock.resume(Hold.LINE)
        self.replies.go_on()
        return [each for each in told.since(come_back.last_received) if self._is_news(each[1])]

    def _is_news(self, message: ConverseResponse) -> bool:
        """What a tool returned is here already."""
        return not isinstance(message, ToolCall) or self.context.tool_calls.is_awaited(message.call_id)

    def _go_on(self, come_back: ComeBack) -> None:
        reply = self.outcomes.last()
        if reply is None:
            return
        known = EarPosition(reply.playout.position().played, is_reported=False)
        ear = ear_of(reply.command.turn, known, come_back)
        if not reply.is_over:
            reply.playout.go_on_from(ear.played if ear.is_reported else None)
        elif ear.is_reported and not reply.command.text_only:
            lost = self.outcomes.go_back(reply, ear.played)
            if lost is not None:
                self.context.post(lost)

    async def mind_engines(self) -> None:
        """For ever: none is kept waiting for a line that does not come."""
        while True:
            if await self._changes_within(ENGINE_SECONDS if self._is_lost else None):
                continue
            self._let_go()
            await self.transcriber.let_go()
            while self._is_lost:
                await self._changes_within(None)

    def _let_go(self) -> None:
        """What was let out is finished, what was only prepared is begun anew once time goes on."""
        self.context.clock.let_go()
        for alive in self.replies.alive:
            if alive.reply.is_committed:
                alive.reply.clauses.look()
                alive.reply.lead.look()
            elif alive.task is not None and alive.reply.early_error is None:
                self.replies.anew(alive, begins=False)

    async def _changes_within(self, seconds: float | None) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True
