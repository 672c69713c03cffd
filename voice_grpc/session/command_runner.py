"""Carries out what the TurnTaker decides: replies begun, let out and cut, and the user's words of each turn;
and what is told and remembered of an answer that is over.

Used by the `decide` task alone.
"""

import asyncio
import logging
from dataclasses import replace

from ..core import commands as c
from ..core.commands import CancelReply
from ..core.config import SessionConfig
from ..core.conversation import Heard
from ..core.events import Why
from ..core.requests import PlaybackReport, PlaybackState
from ..core.responses import Cut, Interrupted, Notice, PlaybackControl, TurnEvent, TurnPhase
from ..core.timeline import Mark
from ..ports import Prompt, Transcription
from .listener import Listener
from .memory import Memory
from .metrics import TurnTimes, metrics
from .playout import PlaybackPosition
from .reply import Reply, SessionContext
from .transcriber import Transcripts

# ----------------------------------------------------------------
# how answers come out: what the caller is told, and what is remembered, when one ends or is cut
# Told of what was done; no reply is begun, let out or cancelled here, that is `command_runner.py`'s.


REMEMBERED = 4
"""Past answers whose playback reports still count."""


class Outcomes:
    def __init__(self, around: SessionContext, memory: Memory) -> None:
        self._around, self._memory = around, memory
        self._played: dict[int, Reply] = {}
        """Committed ones, by turn: the last few."""

    def adjust(self, config: SessionConfig) -> None:
        self._around = replace(self._around, config=config)

    def expect(self, reply: Reply) -> None:
        """It was let out: what the client reports of its playback counts from now on."""
        self._played[reply.command.turn] = reply
        while len(self._played) > REMEMBERED:
            del self._played[next(iter(self._played))]

    def completed(self, reply: Reply) -> None:
        """It played to its end, or gave up by itself."""
        turn = reply.command.turn
        self._around.outbox.put_in_order(
            TurnEvent(turn, TurnPhase.FAILED if reply.is_failed else TurnPhase.COMPLETED)
        )
        self._memory.conversation.assistant_said(turn, reply.delivery.text)
        self._memory.changed()
        self._say_metrics(reply, None)

    def cancelled(
        self, reply: Reply, command: CancelReply, standing: PlaybackPosition, took: float | None
    ) -> None:
        """`took`: seconds from the onset of the speech that cut it, where speech did."""
        turn, outbox = reply.command.turn, self._around.outbox
        if command.why is Why.DEADLINE:
            stage = "llm" if reply.timeline.at(Mark.TTS_REQUEST) is None else "tts"
            text = f"no sound of an answer within {self._around.config.turns.turn_deadline:g} s"
            outbox.put(Notice(stage, "TURN_DEADLINE", text, True, turn=turn))
            return
        cut = Cut(command.why.value)
        if command.returns_words:
            self._memory.conversation.take_back(turn)
            if reply.delivery.has_begun:
                outbox.put(Interrupted(turn, cut, 0, "", standing.is_reported))
                outbox.put(PlaybackControl(turn))
            outbox.put_in_order(TurnEvent(turn, TurnPhase.DISCARDED, "its words go into the next turn"))
            return
        self.interrupted(turn, cut, standing)
        self._say_metrics(reply, took)

    def interrupted(self, turn: int, cut: Cut, standing: PlaybackPosition) -> None:
        outbox = self._around.outbox
        outbox.put(Interrupted(turn, cut, standing.played, standing.heard_text, standing.is_reported))
        outbox.put(PlaybackControl(turn))
        outbox.put_in_order(TurnEvent(turn, TurnPhase.INTERRUPTED, cut.value))
        self._remember(turn, standing)

    def failed(self, turn: int) -> None:
        """Not even the apology was heard."""
        outbox = self._around.outbox
        outbox.put(Notice("tts", "TURN_DEADLINE", "not even the apology was heard", True, turn=turn))
        outbox.put_in_order(TurnEvent(turn, TurnPhase.FAILED, "turn deadline"))

    def reported(self, report: PlaybackReport) -> None:
        """The client says how much of an answer was played; of one that was cut it corrects the memory."""
        reply = self._played.get(report.turn)
        if reply is None:
            text = f"playback.turn: got {report.turn}, accepted: a turn whose answer is or was just playing"
            self._around.outbox.put(
                Notice("protocol", "BAD_MESSAGE", text, seq=report.seq, field="playback.turn")
            )
            return
        if report.playing is PlaybackState.STARTED:
            reply.timeline.mark(Mark.FIRST_PLAYED, self._around.clock.now())
        reply.playout.report(report.played)
        if reply.is_committed and reply.is_cut:
            self._remember(report.turn, reply.playout.standing())

    def _remember(self, turn: int, standing: PlaybackPosition) -> None:
        heard = Heard.REPORTED if standing.is_reported else Heard.ESTIMATED
        self._memory.conversation.assistant_said(turn, standing.heard_text, heard)
        self._memory.changed()

    def _say_metrics(self, reply: Reply, interrupt_stop: float | None) -> None:
        if self._around.config.sends_metrics:
            self._around.outbox.put_in_order(metrics(reply, interrupt_stop))


log = logging.getLogger(__name__)

CANCEL_SECONDS = 1.0
"""A reply that is cancelled ends at its next await. One that does not is muted, and a bug."""


class CommandRunner:
    def __init__(
        self, around: SessionContext, listener: Listener, memory: Memory, transcripts: Transcripts
    ) -> None:
        self.around = around
        self.stopwatch = TurnTimes()
        self.outcomes = Outcomes(around, memory)
        self._listener, self._scribe = listener, listener.scribe
        self._memory, self._transcripts = memory, transcripts
        self._tasks: asyncio.TaskGroup | None = None
        self._replies: dict[int, tuple[Reply, asyncio.Task[None]]] = {}
        """Alive, by number."""
        self._thinking = 0
        """The last turn that was said to be THINKING."""

    def run_in(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks

    @property
    def tasks(self) -> asyncio.TaskGroup:
        assert self._tasks is not None
        return self._tasks

    # ------------------------------------------------------------ commands

    async def carry_out(self, command: c.Command, now: float) -> None:
        match command:
            case c.AskTranscript(revision):
                self._scribe.ask(revision, self.tasks)
            case c.PrepareReply():
                self._prepare(command)
            case c.CommitReply():
                self._commit(command, now)
            case c.CancelReply():
                await self._cancel(command, now)
            case c.DiscardTurn(turn, failed):
                self._discard(turn, failed=failed)
            case c.Forget():
                self._listener.close_utterance(self.tasks)
            case c.Duck() | c.Unduck():
                raise AssertionError("TurnSettings.duck is off: the contract's DUCK is not available yet")

    def _prepare(self, command: c.PrepareReply) -> None:
        is_spoken = self._scribe.utterance is not None
        config = self.around.config
        prompt = Prompt(
            config.instructions,
            self._memory.conversation.asked(command.turn, command.text),
            self._language(),
            config.max_tokens,
            config.temperature,
            config.tools if self.around.engines.llm.calls_tools else (),
        )
        reply = Reply(command, prompt, self.around, self.stopwatch.timeline(is_spoken=is_spoken))
        task = self.tasks.create_task(reply.run(), name=f"reply-{command.number}")
        self._replies[command.number] = (reply, task)

    def _commit(self, command: c.CommitReply, now: float) -> None:
        reply, _ = self._replies[command.number]
        reply.timeline.mark(Mark.COMMIT, now)
        if command.spoken is not None:
            self._say_late_words(command)
            self._final(command.turn, command.spoken)
        if command.message:
            self._memory.conversation.user_said(command.turn, command.message)
        self._memory.last_turn = command.turn
        self._memory.language = self._language()
        self._memory.changed()
        if self._thinking != command.turn:
            self._thinking = command.turn
            self.around.outbox.put_in_order(TurnEvent(command.turn, TurnPhase.THINKING))
        self.outcomes.expect(reply)
        reply.commit()

    def _say_late_words(self, command: c.CommitReply) -> None:
        if self._scribe.is_transcribing:
            text = "the user's words could not be made out in time"
            self.around.outbox.put(Notice("stt", "TURN_DEADLINE", text, True, turn=command.turn))

    async def _cancel(self, command: c.CancelReply, now: float) -> None:
        reply, task = self._replies.pop(command.number)
        standing = reply.mute()
        self.around.toolbox.cancel(reply.command.turn)
        if reply.is_committed:
            onset = self.stopwatch.speech_start if command.why is Why.SPEECH else None
            self.outcomes.cancelled(reply, command, standing, None if onset is None else now - onset)
        task.cancel(command.why.value)
        done, _ = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        if not done:
            log.error("reply %d does not end when cancelled; it stays muted", command.number)

    def _discard(self, turn: int, *, failed: bool) -> None:
        self._memory.last_turn = turn
        if failed:
            self.outcomes.failed(turn)
            return
        self._final(turn, "")
        self.around.outbox.put_in_order(TurnEvent(turn, TurnPhase.DISCARDED, "nothing was said"))

    def _final(self, turn: int, text: str) -> None:
        """The user's turn is over: its last transcript, and its sound is let go."""
        heard = self._scribe.heard
        if heard.text != text:
            heard = Transcription(text, heard.language)
        self._transcripts.final(turn, self._scribe.utterance, heard)
        self._listener.close_utterance(self.tasks)
        self.stopwatch.reset()

    # ------------------------------------------------------------ the end of replies

    def ended(self, number: int) -> None:
        """A reply played to its end, or gave up by itself."""
        entry = self._replies.pop(number, None)
        if entry is not None:
            self.outcomes.completed(entry[0])

    def stop(self) -> None:
        """The session ends in mid-answer: the answer is cut, and what was heard of it remembered."""
        for reply, task in self._replies.values():
            standing = reply.mute()
            self.around.toolbox.cancel(reply.command.turn)
            if reply.is_committed:
                self.outcomes.interrupted(reply.command.turn, Cut.ENDED, standing)
            task.cancel(Cut.ENDED.value)
        self._replies.clear()

    def _language(self) -> str:
        """Of the conversation: the one that is configured, else the one that was heard, with its region."""
        languages = self.around.config.languages
        heard = self._scribe.heard.language or self._memory.language
        if len(languages) == 1 or not heard:
            return languages[0] if languages else heard
        return next((tag for tag in languages if tag.split("-")[0].lower() == heard), heard)

    def adjust(self, config: SessionConfig) -> None:
        """From the next turn on."""
        self.around = replace(self.around, config=config)
        self.outcomes.adjust(config)
        self._transcripts.config = config
