"""One reply: the model's words → clauses → the voice → playout. Cancelled as one.

The only place where an `EngineError` of an answer is caught: it becomes a Notice and a spoken
apology, and the reply ends as failed. Nothing is audible before `commit`. The configuration of a reply is
the one in force when it began: a change counts from the next turn on.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from ..core.commands import PrepareReply, ReplyKind
from ..core.errors import EngineEmpty, EngineError, EngineTimeout, first
from ..core.events import ReplyAudible, ReplyEnded
from ..core.timeline import Mark, Timeline
from ..ports import Clause, Fallback, Prompt, VoiceChoice
from .context import SessionContext
from .generation import ClauseQueue, Generation
from .metrics import ReplyCosts
from .notices import engine_notice, fallback_notice
from .playout import PlaybackPosition, Playout, SegmentLedger
from .speech import AudioPackets, Prosody, speakable_clause

STALL_SECONDS = 5.0
"""An answer that has begun and then brings nothing for so long is given up."""


class Reply:
    def __init__(
        self, command: PrepareReply, prompt: Prompt, context: SessionContext, timeline: Timeline
    ) -> None:
        self.command = command
        self.timeline = timeline
        self.is_failed = command.kind is ReplyKind.APOLOGY
        self.is_committed = self.is_cut = False
        self._config = config = context.config.current
        self._prompt, self._context = prompt, context
        self._committed = asyncio.Event()
        self._generation = Generation(
            context, command, prompt, timeline, self._committed, self._wait_for_tools
        )
        self._clauses = ClauseQueue(command, self._generation, context.clock, timeline)
        packets = AudioPackets(command.turn, config.output)
        self.segments = SegmentLedger(
            packets, config.output.rate_hz, context.outbox, context.turn_events, command.turn
        )
        self._playout = Playout(config, context.clock, self.segments, timeline)
        self._characters = 0
        self._is_audible = False

    # ------------------------------------------------------------ asked by the session

    def commit(self) -> None:
        self.is_committed = True
        self._playout.dry_since = self._context.clock.now()
        self._committed.set()

    def mute(self) -> PlaybackPosition:
        """Not a sample leaves from now on. Returns how far it came."""
        self.is_cut = True
        self.segments.mute()
        self._context.outbox.drop(self.command.turn)
        return self._playout.position()

    def report(self, played: int) -> PlaybackPosition:
        """The client says that `played` samples were played. Returns how far it came by that."""
        self._playout.report(played)
        return self._playout.position()

    @property
    def costs(self) -> ReplyCosts:
        return ReplyCosts(self._generation.usage, self._characters, self._playout.sent_seconds)

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
            self.is_failed = True
            await self._committed.wait()
            self._context.outbox.put(engine_notice(first(group), self.command.turn))
            await self._apologize()
        self.timeline.mark(Mark.ENDED, self._context.clock.now())
        self._context.post(ReplyEnded(self.command.number))

    async def _answer(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._clauses.write(), name="llm")
            if self.command.text_only:
                await self._show()
                return
            tasks.create_task(self._speak(), name="tts")
            await self._committed.wait()
            try:
                await self._playout.play(self._say_audible, STALL_SECONDS)
            except TimeoutError:
                raise _stalled("llm" if self._clauses.is_behind else "tts") from None

    async def _speak(self) -> None:
        """The clauses, spoken as they come."""
        choice = VoiceChoice(self._config.voice, self._prompt.language, self._config.speaking_rate)
        async with aclosing(self._context.engines.tts.speak(self._speakable(), choice)) as sounds:
            async for sound in sounds:
                if isinstance(sound, Fallback):
                    self._context.outbox.put(fallback_notice(sound, self.command.turn))
                else:
                    self._playout.feed(sound.samples, sound.rate_hz, sound.clause_index)
        if not self._characters and self.command.kind is ReplyKind.ANSWER:
            raise EngineEmpty("llm", "the model gave nothing that can be spoken")
        if self._characters and not self._playout.has_sound:
            raise EngineEmpty("tts", "the voice gave no sound")
        self._playout.end()

    async def _speakable(self) -> AsyncIterator[Clause]:
        prosody = Prosody(self._config.pitch, self._config.volume)
        while (clause := await self._clauses.next()) is not None:
            segment = self.segments.add_clause(clause.text)
            spoken = speakable_clause(replace(clause, index=segment), self._prompt.language, prosody)
            if spoken is not None:
                self.timeline.mark(Mark.TTS_REQUEST, self._context.clock.now())
                self._characters += len(spoken.text)
                yield spoken

    async def _show(self) -> None:
        """The clauses in text alone, as they come."""
        await self._committed.wait()
        try:
            while (clause := await self._next_shown()) is not None:
                await self._context.clock.running()
                self.segments.show(clause.text)
                self._say_audible()
        except TimeoutError:
            raise _stalled("llm") from None
        self.segments.finish_text()

    async def _next_shown(self) -> Clause | None:
        if self.segments.has_begun:
            return await self._clauses.next_within(STALL_SECONDS)
        return await self._clauses.next()

    def _wait_for_tools(self, is_waiting: bool) -> None:
        self._playout.wait_for(is_waiting)
        if self.command.text_only:
            self._say_audible()

    def _say_audible(self) -> None:
        if not self._is_audible:
            self._is_audible = True
            self._context.post(ReplyAudible(self.command.number))

    # ------------------------------------------------------------ failing

    async def _apologize(self) -> None:
        """With sound that was made at start: the voice may be what failed."""
        await self._committed.wait()
        apology = self._context.engines.apology
        separator = " " if self.segments.has_begun else ""
        if self.command.text_only:
            self.segments.begin_apology()
            self.segments.show(separator + apology.text)
            self._say_audible()
            self.segments.finish_text()
            return
        self.segments.drop_unspoken()
        self.segments.begin_apology()
        segment = self.segments.add_clause(separator + apology.text)
        self._playout.feed(apology.samples, apology.rate_hz, segment)
        self._playout.end()
        await self._playout.play(self._say_audible, STALL_SECONDS)


def _stalled(stage: str) -> EngineTimeout:
    return EngineTimeout(stage, f"nothing came for {STALL_SECONDS:g} s in mid-answer")
