"""One reply: the model's words → clauses → the voice → playout. Cancelled as one.

The only place where an `EngineError` of an answer is caught: it becomes a Notice and a spoken
apology, and the reply ends as failed. Nothing is audible before `commit`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from ..core.commands import PrepareReply, ReplyKind
from ..core.config import SessionConfig
from ..core.errors import EngineEmpty, EngineError, EngineTimeout, first
from ..core.events import Event, ReplyAudible, ReplyEnded
from ..core.text.normalization import speakable
from ..core.text.ssml import with_prosody
from ..core.timeline import Mark, Timeline
from ..ports import Clause, Engines, Fallback, Prompt, VoiceChoice
from .clock import ConversationClock
from .generation import ClauseQueue, Desk, Generation, Hooks
from .notices import engine_notice, fallback_notice
from .outbox import Outbox
from .playout import PlaybackPosition, Playout, SegmentLedger
from .tool_calls import ToolCalls

STALL_SECONDS = 5.0
"""An answer that has begun and then brings nothing for so long is given up."""


@dataclass(frozen=True, slots=True)
class SessionContext:
    """What the parts of a session work with; the same from its beginning to its end but for the config."""

    engines: Engines
    config: SessionConfig
    clock: ConversationClock
    outbox: Outbox
    post: Callable[[Event], None]
    toolbox: ToolCalls


class Reply:
    def __init__(
        self, command: PrepareReply, prompt: Prompt, around: SessionContext, timeline: Timeline
    ) -> None:
        self.command = command
        self.timeline = timeline
        self.characters = 0
        """Given to the voice."""
        self.is_failed = command.kind is ReplyKind.APOLOGY
        self.is_committed = self.is_cut = False
        self._prompt, self._around = prompt, around
        self._committed = asyncio.Event()
        hooks = Hooks(self._committed, self._say_fallback, self._wait_for_tools, not command.text_only)
        desk = Desk(around.engines.llm, around.toolbox, around.clock)
        self.thinking = Generation(command.turn, prompt, desk, timeline, hooks)
        self.writer = ClauseQueue(command, self.thinking, around.clock, timeline)
        self.delivery = SegmentLedger(command.turn, around.config.output, around.outbox, timeline)
        self.playout = Playout(around.config, around.clock, self.delivery, timeline)
        self._is_audible = self._is_waiting = False

    # ------------------------------------------------------------ asked by the session

    def commit(self) -> None:
        self.is_committed = True
        self.playout.dry_since = self._around.clock.now()
        self._committed.set()

    def mute(self) -> PlaybackPosition:
        """Not a sample leaves from now on. Returns where it stood."""
        self.is_cut = True
        self.delivery.mute()
        self._around.outbox.drop(self.command.turn)
        return self.playout.standing()

    # ------------------------------------------------------------ running

    async def run(self) -> None:
        try:
            if self.command.kind is ReplyKind.APOLOGY:
                await self._apologize()
            else:
                await self._answer()
        except* EngineError as group:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # A TaskGroup whose child fails in the moment it is cancelled tells only of the failure.
                raise asyncio.CancelledError from None
            await self._give_up(first(group))
        self.timeline.mark(Mark.ENDED, self._around.clock.now())
        self._around.post(ReplyEnded(self.command.number))

    async def _answer(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.writer.write(), name="llm")
            if self.command.text_only:
                await self._show()
                return
            tasks.create_task(self._speak(), name="tts")
            await self._committed.wait()
            try:
                await self.playout.play(self._say_audible, STALL_SECONDS)
            except TimeoutError:
                stage = "llm" if self.writer.is_behind else "tts"
                raise EngineTimeout(stage, f"nothing came for {STALL_SECONDS:g} s in mid-answer") from None

    async def _speak(self) -> None:
        """The clauses, spoken as they come."""
        engines, config = self._around.engines, self._around.config
        language = self._prompt.language
        choice = VoiceChoice(config.voice, language, config.speaking_rate)
        async with aclosing(engines.tts.speak(self._speakable(), choice)) as sounds:
            async for sound in sounds:
                if isinstance(sound, Fallback):
                    self._say_fallback(sound)
                else:
                    self.playout.feed(sound.samples, sound.rate_hz, sound.clause_index)
        if not self.characters and self.command.kind is ReplyKind.ANSWER:
            raise EngineEmpty("llm", "the model gave nothing that can be spoken")
        if self.characters and not self.playout.has_sound:
            raise EngineEmpty("tts", "the voice gave no sound")
        self.playout.end()

    async def _speakable(self) -> AsyncIterator[Clause]:
        while (clause := await self.writer.next()) is not None:
            segment = self.delivery.add_clause(clause.text)
            spoken = speakable(clause.text, self._prompt.language or "en")
            if spoken:
                self.timeline.mark(Mark.TTS_REQUEST, self._around.clock.now())
                self.characters += len(spoken)
                yield Clause(segment, spoken, clause.ssml or self._marked(spoken))

    def _marked(self, spoken: str) -> str:
        """As the persona wants every clause to sound; empty where it wants nothing."""
        config = self._around.config
        return with_prosody(spoken, config.pitch, config.volume) if config.pitch or config.volume else ""

    async def _show(self) -> None:
        await self._committed.wait()
        try:
            while (clause := await self._next_clause()) is not None:
                await self._around.clock.running()
                self.delivery.show(clause.text)
                self._say_audible()
        except TimeoutError:
            raise EngineTimeout("llm", f"nothing came for {STALL_SECONDS:g} s in mid-answer") from None
        self.delivery.finish_text()

    async def _next_clause(self) -> Clause | None:
        """Raises TimeoutError when an answer that has begun stalls; a tool that is at work is no stall."""
        while True:
            try:
                async with asyncio.timeout(STALL_SECONDS if self.delivery.has_begun else None):
                    return await self.writer.next()
            except TimeoutError:
                if not self._is_waiting:
                    raise

    def _wait_for_tools(self, is_waiting: bool) -> None:
        self._is_waiting = is_waiting
        self.playout.wait_for(is_waiting)
        if self.command.text_only:
            self._say_audible()

    def _say_fallback(self, fallback: Fallback) -> None:
        self._around.outbox.put(fallback_notice(fallback, self.command.turn))

    def _say_audible(self) -> None:
        if not self._is_audible:
            self._is_audible = True
            self._around.post(ReplyAudible(self.command.number))

    # ------------------------------------------------------------ failing

    async def _give_up(self, error: EngineError) -> None:
        self.is_failed = True
        await self._committed.wait()
        self._around.outbox.put(engine_notice(error, self.command.turn))
        await self._apologize()

    async def _apologize(self) -> None:
        """With sound that was made at start: the voice may be what failed."""
        await self._committed.wait()
        apology = self._around.engines.apology
        separator = " " if self.delivery.has_begun else ""
        if self.command.text_only:
            self.delivery.show(separator + apology.text)
            self._say_audible()
            self.delivery.finish_text()
            return
        self.delivery.drop_unspoken()
        segment = self.delivery.add_clause(separator + apology.text)
        self.playout.feed(apology.samples, apology.rate_hz, segment)
        self.playout.end()
        await self.playout.play(self._say_audible, STALL_SECONDS)
