"""How answers come out: what the caller is told, and what is remembered, when one ends, is cut, or turns
out not to have been heard.

Told of what was done; no reply is begun, let out or cancelled here.
"""

from dataclasses import replace
from functools import partial

from ..core import commands as c
from ..core.commands import ReplyKind
from ..core.conversation import Heard, Message, Role
from ..core.errors import Reason
from ..core.events import AnswerLost, CancelReason
from ..core.playout.heard_text import SpokenClause
from ..core.requests import PlaybackReport, PlaybackState
from ..core.responses import Interrupted, Notice, PlaybackAction, PlaybackControl, TurnMetrics, TurnPhase
from ..core.timeline import Mark, Timeline
from ..core.unfinished import UnfinishedAnswer
from .answering.playout import PlaybackPosition
from .answering.reply import Reply
from .context import SessionContext
from .memory import Memory
from .telling.metrics import turn_metrics
from .telling.notices import button_notice, left_out_notice
from .telling.turn_reports import TurnReports

RETURNED = "its words go into the next turn"
"""Why a turn is not answered whose user went on."""

REMEMBERED = 4
"""Past answers whose playback reports still count."""


class Outcomes:
    def __init__(self, context: SessionContext, memory: Memory, reports: TurnReports) -> None:
        self._context, self._outbox, self._memory = context, context.outbox, memory
        self._reports = reports
        self._played: dict[int, Reply] = {}
        """The last few committed replies, by turn."""
        self._last_before = memory.last_turn
        """The last turn that another stream, or another server, had."""

    def expect(self, reply: Reply) -> None:
        """It was let out: what the client reports of its playback counts from now on."""
        self._played[reply.command.turn] = reply
        while len(self._played) > REMEMBERED:
            del self._played[next(iter(self._played))]
        for past in self._played.values():
            if past is not reply:
                past.playout.pacer.drop()
        self._memory.under_way = partial(_heard_of, reply)
        reply.on_written = reply.segments.on_shown = self._memory.went_on

    def last(self) -> Reply | None:
        """The answer that was let out last, and that nobody cut."""
        reply = next(reversed(self._played.values()), None)
        return None if reply is None or reply.is_cut else reply

    def go_back(self, reply: Reply, played: int) -> AnswerLost | None:
        """Of an answer that ended here the client heard no more than `played`: what is left of it."""
        if not reply.is_over or reply.is_failed:
            return None
        reply.playout.go_on_from(played)
        answer = unfinished_answer(reply)
        heard = answer.heard(answer.played)
        rest = answer.rest(heard)
        if not rest:
            return None
        reply.is_cut = True
        self._remember(reply, heard, Heard.REPORTED)
        return AnswerLost(answer.turn, answer.text, rest, True, interruptible=answer.interruptible)

    def completed(self, reply: Reply) -> None:
        """It played to its end, or gave up by itself."""
        self._memory.under_way, reply.is_over = None, True
        turn, events = reply.command.turn, self._context.turn_events
        if reply.is_failed:
            events.failed(turn)
        else:
            events.completed(turn)
        text, end = reply.segments.answer.text, TurnPhase.FAILED if reply.is_failed else TurnPhase.COMPLETED
        self._remember(reply, text, Heard.WHOLE)
        metrics = self._metrics(reply, None)
        self._say_metrics(metrics)
        self._reports.answered(reply, end, "", metrics, text)

    def cancelled(
        self, reply: Reply, command: c.CancelReply, position: PlaybackPosition, took: float | None
    ) -> None:
        """`took`: seconds from the onset of the speech that cut it, where speech did."""
        self._memory.under_way = None
        turn = reply.command.turn
        if command.reason is CancelReason.DEADLINE:
            stage = "llm" if reply.timeline.at(Mark.TTS_REQUEST) is None else "tts"
            text = f"no sound of an answer within {self._context.config.current.turns.turn_deadline:g} s"
            self._outbox.put(Notice(stage, Reason.TURN_DEADLINE, text, True, turn=turn))
            self._reports.given_up(reply)
        elif command.returns_words:
            self._memory.conversation.take_back(turn)
            if position.has_begun:
                self._cut(turn, Interrupted(turn, command.reason, 0, "", position.is_reported))
            self._context.turn_events.discarded(turn, RETURNED)
            self._reports.unanswered(turn, TurnPhase.DISCARDED, RETURNED, reply.timeline)
        else:
            self._say_metrics(self.interrupted(reply, command.reason, position, took))

    def interrupted(
        self, reply: Reply, reason: CancelReason, position: PlaybackPosition, took: float | None = None
    ) -> TurnMetrics:
        """`took` as in `cancelled`."""
        self._memory.under_way = None
        turn, heard = reply.command.turn, (position.played, position.heard_text, position.is_reported)
        self._cut(turn, Interrupted(turn, reason, *heard))
        self._context.turn_events.interrupted(turn, reason)
        self._remember_cut(reply, position)
        metrics = self._metrics(reply, took)
        self._reports.answered(reply, TurnPhase.INTERRUPTED, reason.value, metrics, position.heard_text)
        return metrics

    def failed(self, turn: int) -> None:
        """Not even the apology was heard."""
        self._outbox.put(
            Notice("tts", Reason.TURN_DEADLINE, "not even the apology was heard", True, turn=turn)
        )
        self._context.turn_events.failed(turn, "turn deadline")
        self._reports.unanswered(turn, TurnPhase.FAILED, "turn deadline", Timeline())

    def bound_met(self, command: c.LeaveOut | c.GiveUpButton) -> None:
        """More was said than is kept of a turn, or for longer than a button is held."""
        match command:
            case c.LeaveOut(turn, seq):
                self._outbox.put(left_out_notice(turn, seq))
            case c.GiveUpButton(turn):
                self._outbox.put(button_notice(self._context.config.current.turns.turn_limit, turn))

    def reported(self, report: PlaybackReport) -> None:
        """The client says how much of an answer was played; of one that was cut it corrects the memory."""
        reply = self._played.get(report.turn)
        if reply is None and 0 < report.turn <= self._last_before:
            return  # sent before the caller knew; it said how much it heard as it came back
        if reply is None:
            accepted = "a turn whose answer is or was just playing"
            text = f"playback.turn: got {report.turn}, accepted: {accepted}"
            self._outbox.put(
                Notice("protocol", Reason.BAD_MESSAGE, text, seq=report.seq, field="playback.turn")
            )
            return
        if report.playing is PlaybackState.STARTED:
            reply.timeline.mark(Mark.FIRST_PLAYED, self._context.clock.now())
        reply.playout.report(report)
        position = reply.playout.position()
        if reply.is_committed and reply.is_cut:
            self._remember_cut(reply, position)

    def _cut(self, turn: int, message: Interrupted) -> None:
        self._outbox.put(message)
        self._outbox.put(PlaybackControl(turn, PlaybackAction.FLUSH))

    def _remember_cut(self, reply: Reply, position: PlaybackPosition) -> None:
        heard = Heard.REPORTED if position.is_reported else Heard.ESTIMATED
        self._remember(reply, position.heard_text, heard)

    def _remember(self, reply: Reply, text: str, heard: Heard) -> None:
        words, apology = reply.segments.answer.by_speaker(text)
        self._memory.conversation.assistant_said(reply.command.turn, words, heard, apology=apology)
        self._memory.changed()

    def _metrics(self, reply: Reply, interrupt_stop: float | None) -> TurnMetrics:
        metrics = turn_metrics(
            reply.command.turn, reply.timeline, reply.costs, interrupt_stop, reply.decision, reply.waste
        )
        return replace(metrics, echo_loss=self._context.echo.loss.take())

    def _say_metrics(self, metrics: TurnMetrics) -> None:
        if self._context.config.current.sends_metrics:
            self._outbox.put_in_order(metrics)


def unfinished_answer(reply: Reply) -> UnfinishedAnswer:
    """An answer as it stands, for whoever goes on with it."""
    command, answer, position = reply.command, reply.segments.answer, reply.playout.position()
    clauses = [*answer.clauses]
    if not reply.is_failed:
        clauses += [SpokenClause(0, text, 0, 0) for text in reply.clauses.waiting]
    if not clauses and command.kind is not ReplyKind.ANSWER and command.text:
        clauses = [SpokenClause(0, command.text, 0, 0)]
    is_written = reply.clauses.is_written or command.kind is ReplyKind.VERBATIM or reply.is_failed
    return UnfinishedAnswer(
        command.turn,
        tuple(replace(clause, index=index) for index, clause in enumerate(clauses)),
        min(answer.shown, len(clauses)),
        reply.playout.pacer.rate_hz,
        position.played,
        position.is_reported,
        is_written,
        reply.is_over,
        command.text_only,
        command.interruptible,
    )


def _heard_of(reply: Reply) -> Message | None:
    """What the user has heard of an answer so far, as it is remembered if nothing more of it is; None:
    nothing."""
    position = reply.playout.position()
    words, _ = reply.segments.answer.by_speaker(position.heard_text)
    heard = Heard.REPORTED if position.is_reported else Heard.ESTIMATED
    return Message(Role.ASSISTANT, words, reply.command.turn, heard) if words else None
