"""What observers are told of the turns of one session: how each ended, what it took, and what was in vain.

Told by whoever decides or knows it; nothing is decided here.
"""

from collections.abc import Sequence

from ...core import commands as c
from ...core.commands import Command, ReplyKind
from ...core.events import CancelReason
from ...core.responses import TurnMetrics, TurnPhase
from ...core.timeline import Mark, Timeline
from ...core.turn.interruption import OverlapVerdict
from ...core.turn.state import State
from ...ports import Engine
from ...ports.observer import (
    AnswerFacts,
    EngineFacts,
    OverlapJudged,
    TurnEnded,
    TurnWords,
    WorkWasted,
)
from ..answering.reply import Reply
from ..clock import loop_now
from ..context import SessionContext
from .metrics import Waste


class TurnReports:
    def __init__(self, context: SessionContext) -> None:
        self._context = context
        self._given_up: Reply | None = None
        """The answer of the turn that is apologised for."""

    def given_up(self, reply: Reply) -> None:
        """It did not come in time: an apology ends its turn."""
        self._given_up = reply

    def answered(
        self, reply: Reply, end: TurnPhase, reason: str, metrics: TurnMetrics, heard_text: str
    ) -> None:
        """The turn ended with this answer, or with what was heard of it."""
        turn, late = reply.command.turn, self._given_up
        self._given_up = None
        timeline = Timeline()
        if late is not None and late.command.turn == turn:
            timeline.add(late.timeline)
        else:
            late = None
        timeline.add(reply.timeline)
        facts = AnswerFacts(metrics, reply.voiced.times, *self._engines(late or reply, timeline))
        self._tell(turn, end, reason, timeline, facts)
        user = "" if reply.command.kind is ReplyKind.VERBATIM else reply.command.text
        self._context.observer.observe(TurnWords(self._context.identity, turn, user, heard_text))

    def unanswered(self, turn: int, end: TurnPhase, reason: str, timeline: Timeline) -> None:
        self._given_up = None
        self._tell(turn, end, reason, timeline, None)

    def overlapped(self, before: State, commands: Sequence[Command]) -> None:
        """What a voice over an answer was taken for, by what is done about it."""
        found = None
        for command in commands:
            match command:
                case c.CancelReply(reason=CancelReason.SPEECH):
                    found = OverlapVerdict.INTERRUPTION
                case c.Forget(spoken) if before is State.YIELDING and found is None:
                    found = OverlapVerdict.BACKCHANNEL if spoken else OverlapVerdict.NOISE
        if found is not None:
            self._context.observer.observe(OverlapJudged(self._context.identity, found))

    def wasted(self, waste: Waste) -> None:
        if waste.replies:
            made = (waste.replies, waste.tokens, waste.characters, waste.audio)
            self._context.observer.observe(WorkWasted(self._context.identity, *made))

    def _tell(
        self, turn: int, end: TurnPhase, reason: str, timeline: Timeline, facts: AnswerFacts | None
    ) -> None:
        context = self._context
        times = (timeline, context.clock.now(), loop_now())
        stt = _facts(context.engines.stt, "", timeline.at(Mark.STT_FINAL))
        context.observer.observe(TurnEnded(context.identity, turn, end, reason, *times, facts, stt))

    def _engines(self, reply: Reply, timeline: Timeline) -> tuple[EngineFacts | None, EngineFacts | None]:
        """Of the model and the voice, as far as they were asked."""
        engines = self._context.engines
        return (
            _facts(engines.llm, reply.generation.fallback, timeline.at(Mark.LLM_REQUEST)),
            _facts(engines.tts, reply.voiced.fallback, timeline.at(Mark.TTS_REQUEST)),
        )


def _facts(engine: Engine, fallback: str, asked_at: float | None) -> EngineFacts | None:
    return None if asked_at is None else EngineFacts.of(engine, fallback)
