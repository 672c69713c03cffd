"""Carries out what the TurnTaker decides: replies begun, let out and cut, and the history of it.

`session.py` calls it from its `decide` task alone.
"""

import asyncio
import logging
from dataclasses import replace

from ..core import commands as c
from ..core.config import SessionConfig
from ..core.conversation import Heard, Message, Role
from ..core.events import Why
from ..core.inbound import Playback, Playing
from ..core.outbound import Cut, Flush, InterruptedOut, NoticeOut, Phase, TurnChanged
from ..core.timeline import Mark
from ..ports import Prompt, Transcription
from .listen import Listener
from .memory import Memory
from .playout import Standing
from .reply import Reply, Surroundings
from .stopwatch import Stopwatch, metrics
from .transcripts import Transcripts

log = logging.getLogger(__name__)

CANCEL_SECONDS = 1.0
"""A reply that is cancelled ends at its next await. One that does not is muted, and a bug."""

REMEMBERED = 4
"""Past answers whose playback reports still count."""


class Turns:
    def __init__(
        self, around: Surroundings, listener: Listener, memory: Memory, transcripts: Transcripts
    ) -> None:
        self.around = around
        self.stopwatch = Stopwatch()
        self._listener, self._memory, self._transcripts = listener, memory, transcripts
        self._tasks: asyncio.TaskGroup | None = None
        self._replies: dict[int, tuple[Reply, asyncio.Task[None]]] = {}
        """Alive, by number."""
        self._played: dict[int, Reply] = {}
        """Committed ones, by turn: the last few."""
        self._thinking = 0
        """The last turn that was said to be THINKING."""

    def run_in(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks

    @property
    def tasks(self) -> asyncio.TaskGroup:
        assert self._tasks is not None
        return self._tasks

    @property
    def config(self) -> SessionConfig:
        return self.around.config

    # ------------------------------------------------------------ commands

    async def carry_out(self, command: c.Command, now: float) -> None:
        match command:
            case c.AskTranscript(revision):
                self._listener.ask(revision, self.tasks)
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
        messages = self._memory.conversation.messages
        is_spoken = self._listener.utterance is not None
        if command.kind is c.Kind.ANSWER:
            messages = (*messages, Message(Role.USER, command.text, command.turn))
        config = self.config
        prompt = Prompt(
            config.instructions, messages, self._language(), config.max_tokens, config.temperature
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
            self.around.outbox.put_in_order(TurnChanged(command.turn, Phase.THINKING))
        self._played[command.turn] = reply
        while len(self._played) > REMEMBERED:
            del self._played[next(iter(self._played))]
        reply.commit()

    def _say_late_words(self, command: c.CommitReply) -> None:
        if self._listener.is_transcribing:
            text = "the user's words could not be made out in time"
            self.around.outbox.put(NoticeOut("stt", "TURN_DEADLINE", text, True, turn=command.turn))

    async def _cancel(self, command: c.CancelReply, now: float) -> None:
        reply, task = self._replies.pop(command.number)
        standing = reply.mute()
        if reply.is_committed:
            self._say_cut(reply, command, standing, now)
        task.cancel(command.why.value)
        done, _ = await asyncio.wait({task}, timeout=CANCEL_SECONDS)
        if not done:
            log.error("reply %d does not end when cancelled; it stays muted", command.number)

    def _say_cut(self, reply: Reply, command: c.CancelReply, standing: Standing, now: float) -> None:
        turn, outbox = reply.command.turn, self.around.outbox
        if command.why is Why.DEADLINE:
            stage = "llm" if reply.timeline.at(Mark.TTS_REQUEST) is None else "tts"
            text = f"no sound of an answer within {self.config.turns.turn_deadline:g} s"
            outbox.put(NoticeOut(stage, "TURN_DEADLINE", text, True, turn=turn))
            return
        cut = Cut(command.why.value)
        if command.returns_words:
            self._memory.conversation.take_back(turn)
            if reply.playout.has_begun:
                outbox.put(InterruptedOut(turn, cut, 0, "", standing.is_reported))
                outbox.put(Flush(turn))
            outbox.put_in_order(TurnChanged(turn, Phase.DISCARDED, "its words go into the next turn"))
            return
        self._say_interrupted(turn, cut, standing)
        onset = self.stopwatch.speech_start
        self._say_metrics(reply, now - onset if command.why is Why.SPEECH and onset is not None else None)

    def _say_interrupted(self, turn: int, cut: Cut, standing: Standing) -> None:
        outbox = self.around.outbox
        outbox.put(InterruptedOut(turn, cut, standing.played, standing.heard_text, standing.is_reported))
        outbox.put(Flush(turn))
        outbox.put_in_order(TurnChanged(turn, Phase.INTERRUPTED, cut.value))
        self._remember(turn, standing)

    def _discard(self, turn: int, *, failed: bool) -> None:
        outbox = self.around.outbox
        self._memory.last_turn = turn
        if failed:
            outbox.put(NoticeOut("tts", "TURN_DEADLINE", "not even the apology was heard", True, turn=turn))
            outbox.put_in_order(TurnChanged(turn, Phase.FAILED, "turn deadline"))
            return
        self._final(turn, "")
        outbox.put_in_order(TurnChanged(turn, Phase.DISCARDED, "nothing was said"))

    def _final(self, turn: int, text: str) -> None:
        """The user's turn is over: its last transcript, and its sound is let go."""
        heard = self._listener.heard
        if heard.text != text:
            heard = Transcription(text, heard.language)
        self._transcripts.final(turn, self._listener.utterance, heard)
        self._listener.close_utterance(self.tasks)
        self.stopwatch.reset()

    # ------------------------------------------------------------ what replies report

    def ended(self, number: int) -> None:
        """A reply played to its end, or gave up by itself."""
        entry = self._replies.pop(number, None)
        if entry is None:
            return
        reply, turn = entry[0], entry[0].command.turn
        outbox = self.around.outbox
        outbox.put_in_order(TurnChanged(turn, Phase.FAILED if reply.is_failed else Phase.COMPLETED))
        self._memory.conversation.assistant_said(turn, reply.playout.text)
        self._memory.changed()
        self._say_metrics(reply, None)

    def playback(self, report: Playback) -> None:
        """The client says how much of an answer was played; of one that was cut it corrects the memory."""
        reply = self._played.get(report.turn)
        if reply is None:
            text = f"playback.turn: got {report.turn}, accepted: a turn whose answer is or was just playing"
            self.around.outbox.put(
                NoticeOut("protocol", "BAD_MESSAGE", text, seq=report.seq, field="playback.turn")
            )
            return
        if report.playing is Playing.STARTED:
            reply.timeline.mark(Mark.FIRST_PLAYED, self.around.clock.now())
        reply.playout.report(report.played)
        if reply.is_committed and reply.is_cut:
            self._remember(report.turn, reply.playout.standing())

    def stop(self) -> None:
        """The session ends in mid-answer: the answer is cut, and what was heard of it remembered."""
        for reply, task in self._replies.values():
            standing = reply.mute()
            if reply.is_committed:
                self._say_interrupted(reply.command.turn, Cut.ENDED, standing)
            task.cancel(Cut.ENDED.value)
        self._replies.clear()

    def _remember(self, turn: int, standing: Standing) -> None:
        heard = Heard.REPORTED if standing.is_reported else Heard.ESTIMATED
        self._memory.conversation.assistant_said(turn, standing.heard_text, heard)
        self._memory.changed()

    def _say_metrics(self, reply: Reply, interrupt_stop: float | None) -> None:
        if self.config.sends_metrics:
            self.around.outbox.put_in_order(metrics(reply, interrupt_stop))

    def _language(self) -> str:
        """Of the conversation: the one that is configured, else the one that was heard."""
        languages = self.config.languages
        heard = self._listener.heard.language or self._memory.language
        if len(languages) == 1 or not heard:
            return languages[0] if languages else heard
        return heard

    def adjust(self, config: SessionConfig) -> None:
        """From the next turn on."""
        self.around = replace(self.around, config=config)
        self._transcripts.config = config
