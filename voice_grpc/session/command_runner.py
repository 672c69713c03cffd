"""Carries out what the TurnTaker decides: replies begun, let out and cut, and the user's words of each turn.
What is told and remembered of an answer that is over is for `outcomes.py` to say.

Used by the `decide` task alone.
"""

import asyncio
import logging

from ..core import commands as c
from ..core.errors import Reason
from ..core.events import CancelReason, Event
from ..core.responses import Notice, TurnPhase
from ..core.timeline import Mark, Timeline
from .answering.alive_replies import AliveReplies
from .answering.prompts import Prompts
from .answering.reply import cut_behind
from .answering.yielding import Yielding
from .context import SessionContext
from .hearing.end_of_turn import EndOfTurnScores
from .hearing.listener import Listener
from .hearing.transcriber import Transcriber
from .memory import Memory
from .outcomes import Outcomes
from .telling.metrics import TurnTimes, Waste
from .telling.notices import split_notice
from .telling.turn_reports import TurnReports

log = logging.getLogger(__name__)

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
        self._listener, self._transcriber, self.memory = listener, transcriber, memory
        self.reports = TurnReports(context)
        self.outcomes = Outcomes(context, memory, self.reports)
        self._prompts = Prompts(context, transcriber, memory)
        self._times = TurnTimes()
        self._scores = scores
        self._wasted = Waste()
        """Of the turns that are over."""
        self._tasks: asyncio.TaskGroup | None = None
        self.replies = AliveReplies(context, self._prompts)
        self._yielding = Yielding(context, self.replies)

    def run_in(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self.replies.run_in(tasks)

    def read_ahead(self) -> None:
        """The conversation begins, or goes on: behind an answer, or under other instructions."""
        self._scores.read_ahead(self._prompts.make(self.memory.last_turn + 1, "", 0), self.tasks)

    @property
    def tasks(self) -> asyncio.TaskGroup:
        assert self._tasks is not None
        return self._tasks

    # ------------------------------------------------------------ told of what happened

    def note(self, event: Event, now: float) -> None:
        """The times of a turn are what its events say."""
        self._times.note(event, now)

    def ended(self, number: int) -> None:
        """A reply played to its end, or gave up by itself."""
        alive = self.replies.take(number)
        if alive is not None:
            self.outcomes.completed(alive.reply)
            self.read_ahead()

    # ------------------------------------------------------------ commands

    async def carry_out(self, command: c.Command, now: float) -> None:
        match command:
            case c.AskTranscript() | c.ScoreSound() | c.ScoreWords() | c.SplitUtterance():
                self._ask(command)
            case c.KeepPart(turn, message, spoken):
                self._keep_part(turn, message, spoken)
            case c.TakeBackSpeech():
                self._transcriber.sound.take_back()
            case c.LeaveOut() | c.GiveUpButton():
                self.outcomes.bound_met(command)
            case c.PrepareReply():
                self.replies.prepare(command)
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
                self._times.turn_start = None
            case c.Duck() | c.Unduck() | c.HoldReply() | c.ResumeReply():
                self._yielding.carry_out(command)

    def _ask(self, command: c.AskTranscript | c.ScoreSound | c.ScoreWords | c.SplitUtterance) -> None:
        """What is answered by an event."""
        match command:
            case c.AskTranscript(revision, is_early):
                self._transcriber.ask(revision, self.tasks, is_early=is_early)
            case c.ScoreSound(revision):
                self._scores.ask_sound(revision, self.tasks)
            case c.ScoreWords(turn, text, continues, unbroken, is_early):
                prompt = self._prompts.make(turn, unbroken or text, continues)
                self._scores.ask_words(text, prompt, self.tasks, is_early=is_early)
            case c.SplitUtterance():
                self._transcriber.split(self.tasks)

    def _keep_part(self, turn: int, message: str, spoken: str) -> None:
        self._transcriber.say_part(turn, spoken)
        limit = self._context.config.current.turns.turn_limit
        for notice in [*self.memory.user_said(turn, message), split_notice(limit, turn)]:
            self._context.outbox.put(notice)

    def _commit(self, command: c.CommitReply, now: float) -> None:
        reply = self.replies.promise(command.number)
        if self._transcriber.sound.is_open and command.spoken is not None:
            self._times.mark(reply.timeline)
        reply.timeline.mark(Mark.COMMIT, now)
        reply.decision, reply.waste = command.decision, self.replies.waste
        self._close_waste()
        if command.spoken is not None:
            if self._transcriber.is_transcribing:
                text = "the user's words could not be made out in time"
                self._context.outbox.put(Notice("stt", Reason.TURN_DEADLINE, text, True, turn=command.turn))
            self._end_user_turn(command.turn, command.spoken)
        if command.continues:
            self.memory.conversation.leave_out(command.continues)
        self.memory.language = self._prompts.language
        for notice in self.memory.user_said(command.turn, command.message):
            self._context.outbox.put(notice)
        self._context.turn_events.thinking(command.turn)
        self.outcomes.expect(reply)
        reply.commit()

    async def _cancel(self, command: c.CancelReply, now: float) -> None:
        alive = self.replies.take(command.number)
        assert alive is not None, "only what is alive is cancelled"
        reply = alive.reply
        position = reply.mute()
        self._context.tool_calls.cancel(reply.command.turn)
        if reply.is_committed:
            is_speech = command.reason is CancelReason.SPEECH
            onset = self._times.speech_start if is_speech else None
            silent_at = now if position.held_at is None else position.held_at
            self.outcomes.cancelled(reply, command, position, None if onset is None else silent_at - onset)
            is_voice = command.reason in (CancelReason.SPEECH, CancelReason.ACTIVITY)
            if is_voice and not command.returns_words:
                self._context.post(cut_behind(reply, position.heard_text))
            self.read_ahead()
        else:
            self.replies.waste_of(alive)
        await self.replies.end(alive, command.reason)

    def _discard(self, command: c.DiscardTurn) -> None:
        self.memory.last_turn = turn = command.turn
        if command.failed:
            self.outcomes.failed(turn)
            return
        self.memory.conversation.take_back(turn)
        timeline = Timeline()
        self._times.mark(timeline)
        self._end_user_turn(turn, "")
        why = "the voice was far quieter than the user's" if command.is_far else "nothing was said"
        self._context.turn_events.discarded(turn, why)
        self.reports.unanswered(turn, TurnPhase.DISCARDED, why, timeline)

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
        for alive in self.replies.take_all():
            reply = alive.reply
            position = reply.mute()
            self._context.tool_calls.cancel(reply.command.turn)
            if reply.is_committed:
                self.outcomes.interrupted(reply, CancelReason.ENDED, position)
            else:
                self.replies.waste_of(alive)
        self._close_waste()
        if self._wasted.replies:
            log.info("session %s: %s", self.memory.session_id, self._wasted)
        self._wasted = Waste()

    def _close_waste(self) -> None:
        self._wasted.add(self.replies.waste)
        self.reports.wasted(self.replies.waste)
        self.replies.waste = Waste()
