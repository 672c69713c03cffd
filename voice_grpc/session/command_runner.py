"""Carries out what the TurnTaker decides: replies begun, let out and cut, and the user's words of each turn;
and what is told and remembered of an answer that is over.

Used by the `decide` task alone.
"""

import asyncio
import logging
from dataclasses import replace
from functools import partial

from ..core import commands as c
from ..core.conversation import Heard, Message, Role
from ..core.errors import Reason
from ..core.events import AnswerCut, CancelReason, Event
from ..core.requests import PlaybackReport, PlaybackState
from ..core.responses import Interrupted, Notice, PlaybackAction, PlaybackControl
from ..core.timeline import Mark
from .answering.alive_replies import AliveReplies
from .answering.playout import PlaybackPosition
from .answering.prompts import Prompts
from .answering.reply import Reply
from .answering.yielding import Yielding
from .clock import loop_now
from .context import SessionContext
from .hearing.end_of_turn import EndOfTurnScores
from .hearing.listener import Listener
from .hearing.transcriber import Transcriber
from .memory import Memory
from .metrics import TurnTimes, Waste, turn_metrics
from .notices import button_notice, left_out_notice, split_notice

log = logging.getLogger(__name__)

REMEMBERED = 4
"""Past answers whose playback reports still count."""


class Outcomes:
    """How answers come out: what the caller is told, and what is remembered, when one ends or is cut.

    Told of what was done; no reply is begun, let out or cancelled here.
    """

    def __init__(self, context: SessionContext, memory: Memory) -> None:
        self._context, self._outbox, self._memory = context, context.outbox, memory
        self._played: dict[int, Reply] = {}
        """The last few committed replies, by turn."""

    def expect(self, reply: Reply) -> None:
        """It was let out: what the client reports of its playback counts from now on."""
        self._played[reply.command.turn] = reply
        while len(self._played) > REMEMBERED:
            del self._played[next(iter(self._played))]
        self._memory.under_way = partial(_heard_of, reply)

    def completed(self, reply: Reply) -> None:
        """It played to its end, or gave up by itself."""
        self._memory.under_way = None
        turn, events = reply.command.turn, self._context.turn_events
        if reply.is_failed:
            events.failed(turn)
        else:
            events.completed(turn)
        self._remember(reply, reply.segments.answer.text, Heard.WHOLE)
        self._say_metrics(reply, None)

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
        elif command.returns_words:
            self._memory.conversation.take_back(turn)
            if position.has_begun:
                self._cut(turn, Interrupted(turn, command.reason, 0, "", position.is_reported))
            self._context.turn_events.discarded(turn, "its words go into the next turn")
        else:
            self.interrupted(reply, command.reason, position)
            self._say_metrics(reply, took)

    def interrupted(self, reply: Reply, reason: CancelReason, position: PlaybackPosition) -> None:
        self._memory.under_way = None
        turn, heard = reply.command.turn, (position.played, position.heard_text, position.is_reported)
        self._cut(turn, Interrupted(turn, reason, *heard))
        self._context.turn_events.interrupted(turn, reason)
        self._remember_cut(reply, position)

    def failed(self, turn: int) -> None:
        """Not even the apology was heard."""
        self._outbox.put(
            Notice("tts", Reason.TURN_DEADLINE, "not even the apology was heard", True, turn=turn)
        )
        self._context.turn_events.failed(turn, "turn deadline")

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
        if reply is None:
            accepted = "a turn whose answer is or was just playing"
            text = f"playback.turn: got {report.turn}, accepted: {accepted}"
            self._outbox.put(
                Notice("protocol", Reason.BAD_MESSAGE, text, seq=report.seq, field="playback.turn")
            )
            return
        if report.playing is PlaybackState.STARTED:
            reply.timeline.mark(Mark.FIRST_PLAYED, self._context.clock.now())
        position = reply.report(report.played)
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

    def _say_metrics(self, reply: Reply, interrupt_stop: float | None) -> None:
        metrics = turn_metrics(
            reply.command.turn, reply.timeline, reply.costs, interrupt_stop, reply.decision, reply.waste
        )
        metrics = replace(metrics, echo_loss=self._context.echo.loss.take())
        if self._context.observer is not None:
            self._context.observer.turn_ended(metrics, loop_now())
        if self._context.config.current.sends_metrics:
            self._outbox.put_in_order(metrics)


def _heard_of(reply: Reply) -> Message | None:
    """What the user has heard of an answer so far, as it is remembered if nothing more of it is; None:
    nothing."""
    position = reply.playout.position()
    words, _ = reply.segments.answer.by_speaker(position.heard_text)
    heard = Heard.REPORTED if position.is_reported else Heard.ESTIMATED
    return Message(Role.ASSISTANT, words, reply.command.turn, heard) if words else None


NO_TURN = 0
"""Of words that are nobody's turn."""


class CommandRunner:
    def __init__(
        self,
        context: SessionContext,
        listener: Listener,
        transcriber: Transcriber,
        scores: EndOfTurnScores,
        memory: Memory,
    ) -> None:
        self._context = context
        self._listener, self._transcriber, self._memory = listener, transcriber, memory
        self._outcomes = Outcomes(context, memory)
        self._prompts = Prompts(context, transcriber, memory)
        self._times = TurnTimes()
        self._scores = scores
        self._wasted = Waste()
        """Of the turns that are over."""
        self._tasks: asyncio.TaskGroup | None = None
        self._replies = AliveReplies(context, self._prompts)
        self._yielding = Yielding(context, self._replies)

    def run_in(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._replies.run_in(tasks)

    @property
    def tasks(self) -> asyncio.TaskGroup:
        assert self._tasks is not None
        return self._tasks

    # ------------------------------------------------------------ told of what happened

    def note(self, event: Event, now: float) -> None:
        """The times of a turn are what its events say."""
        self._times.note(event, now)

    def reported(self, report: PlaybackReport) -> None:
        self._outcomes.reported(report)

    def ended(self, number: int) -> None:
        """A reply played to its end, or gave up by itself."""
        alive = self._replies.take(number)
        if alive is not None:
            self._outcomes.completed(alive.reply)

    # ------------------------------------------------------------ commands

    async def carry_out(self, command: c.Command, now: float) -> None:
        match command:
            case c.AskTranscript() | c.ScoreSound() | c.ScoreWords() | c.SplitUtterance():
                self._ask(command)
            case c.KeepPart(turn, message, spoken):
                self._keep_part(turn, message, spoken)
            case c.LeaveOut() | c.GiveUpButton():
                self._outcomes.bound_met(command)
            case c.PrepareReply():
                self._replies.prepare(command)
            case c.CommitReply():
                self._commit(command, now)
            case c.CancelReply():
                await self._cancel(command, now)
            case c.DiscardTurn():
                self._discard(command)
            case c.Forget(spoken):
                if spoken:
                    self._transcriber.say_final(NO_TURN, spoken)
                self._listener.end_utterance(self.tasks)
                self._scores.forget()
            case c.Duck() | c.Unduck() | c.HoldReply() | c.ResumeReply():
                self._yielding.carry_out(command)

    def _ask(self, command: c.AskTranscript | c.ScoreSound | c.ScoreWords | c.SplitUtterance) -> None:
        """What is answered by an event."""
        match command:
            case c.AskTranscript(revision, is_early):
                self._transcriber.ask(revision, self.tasks, is_early=is_early)
            case c.ScoreSound(revision):
                self._scores.ask_sound(revision, self.tasks)
            case c.ScoreWords(turn, text, continues, is_early):
                prompt = self._prompts.make(turn, text, continues)
                self._scores.ask_words(text, prompt, self.tasks, is_early=is_early)
            case c.SplitUtterance():
                self._transcriber.split(self.tasks)

    def _keep_part(self, turn: int, message: str, spoken: str) -> None:
        self._transcriber.say_part(turn, spoken)
        limit = self._context.config.current.turns.turn_limit
        for notice in [*self._memory.user_said(turn, message), split_notice(limit, turn)]:
            self._context.outbox.put(notice)

    def _commit(self, command: c.CommitReply, now: float) -> None:
        reply = self._replies.promise(command.number)
        if self._transcriber.sound.is_open and command.spoken is not None:
            self._times.mark(reply.timeline)
        reply.timeline.mark(Mark.COMMIT, now)
        reply.decision, reply.waste = command.decision, self._replies.waste
        self._close_waste()
        if command.spoken is not None:
            if self._transcriber.is_transcribing:
                text = "the user's words could not be made out in time"
                self._context.outbox.put(Notice("stt", Reason.TURN_DEADLINE, text, True, turn=command.turn))
            self._end_user_turn(command.turn, command.spoken)
        if command.continues:
            self._memory.conversation.leave_out(command.continues)
        self._memory.language = self._prompts.language
        for notice in self._memory.user_said(command.turn, command.message):
            self._context.outbox.put(notice)
        self._context.turn_events.thinking(command.turn)
        self._outcomes.expect(reply)
        reply.commit()

    async def _cancel(self, command: c.CancelReply, now: float) -> None:
        alive = self._replies.take(command.number)
        assert alive is not None, "only what is alive is cancelled"
        reply = alive.reply
        position = reply.mute()
        self._context.tool_calls.cancel(reply.command.turn)
        if reply.is_committed:
            is_speech = command.reason is CancelReason.SPEECH
            onset = self._times.speech_start if is_speech else None
            silent_at = now if position.held_at is None else position.held_at
            self._outcomes.cancelled(reply, command, position, None if onset is None else silent_at - onset)
            if is_speech and not command.returns_words:
                rest = reply.segments.answer.unheard(position.heard_text)
                self._context.post(AnswerCut(reply.command.turn, rest))
        else:
            self._replies.waste_of(alive)
        await self._replies.end(alive, command.reason)

    def _discard(self, command: c.DiscardTurn) -> None:
        self._memory.last_turn = turn = command.turn
        if command.failed:
            self._outcomes.failed(turn)
            return
        self._memory.conversation.take_back(turn)
        self._end_user_turn(turn, "")
        why = "the voice was far quieter than the user's" if command.is_far else "nothing was said"
        self._context.turn_events.discarded(turn, why)

    def _end_user_turn(self, turn: int, text: str) -> None:
        """Its last transcript is told, and its sound let go."""
        self._transcriber.say_final(turn, text)
        self._listener.end_utterance(self.tasks)
        self._scores.forget()
        self._times.reset()

    def stop(self) -> None:
        """The session ends in mid-answer: the answer is cut, and what was heard of it remembered. A second
        time there is nothing left to do."""
        self._scores.close()
        for alive in self._replies.take_all():
            reply = alive.reply
            position = reply.mute()
            self._context.tool_calls.cancel(reply.command.turn)
            if reply.is_committed:
                self._outcomes.interrupted(reply, CancelReason.ENDED, position)
            else:
                self._replies.waste_of(alive)
        self._close_waste()
        if self._wasted.replies:
            log.info("session %s: %s", self._memory.session_id, self._wasted)
        self._wasted = Waste()

    def _close_waste(self) -> None:
        self._wasted.add(self._replies.waste)
        self._replies.waste = Waste()
