"""One reply: the model's words → clauses → the voice → playout. Cancelled as one.

The only place where an `EngineError` of an answer is caught: it becomes a Notice and a spoken
apology, and the reply ends as failed. Before `commit` nothing is audible or told, no more than the first
clause is made, and an error ends the reply in silence: it is begun again once it is wanted. The configuration
of a reply is the one in force when it began: a change counts from the next turn on.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from ...core.commands import PrepareReply, ReplyKind
from ...core.errors import EngineEmpty, EngineError, EngineQuota, EngineTimeout, Reason, first
from ...core.events import ReplyAudible, ReplyEnded, SpeculationRefused
from ...core.responses import Notice
from ...core.timeline import Mark, Timeline
from ...core.turn.patience import Decision
from ...core.turn.settings import Speculation
from ...ports import Claim, Clause, Fallback, Prompt, Urgency, VoiceChoice
from ..clock import loop_now
from ..context import SessionContext
from ..metrics import ReplyCosts, Waste
from ..notices import HeldNotices, engine_notice, fallback_notice
from .generation import ClauseQueue, Generation
from .playout import PlaybackPosition, Playout, SegmentLedger
from .speech import AudioPackets, Prosody, VoiceLead, speakable_clause

STALL_SECONDS = 5.0
"""An answer that has begun and then brings nothing for so long is given up."""


FAR_AHEAD_SECONDS = 2.0
"""Of sound that is made and not let out yet, beyond which more of it is as little urgent as what is only
prepared: a first sentence of somebody else takes less, and the engines go on as soon as the ear is nearer."""


class Reply:
    def __init__(
        self,
        command: PrepareReply,
        prompt: Prompt,
        context: SessionContext,
        timeline: Timeline,
        on_made: Callable[[], None],
    ) -> None:
        """`on_made`: called once there is something to hear or, in text alone, to read; and maybe again."""
        self.command = command
        self.timeline = timeline
        self.is_failed = command.kind is ReplyKind.APOLOGY
        self.is_committed = self.is_cut = False
        self._config = config = context.config.current
        self._prompt, self._context, self._on_made = prompt, context, on_made
        self._claim = Claim(context.caller, lambda: _urgency(self.is_committed, self.playout.ahead_seconds))
        self._committed = asyncio.Event()
        self._notices = HeldNotices(context.outbox.put)
        self.decision: Decision | None = None
        """Why the turn was taken to be over."""
        self.waste = Waste()
        """Of its turn, before this one was let out."""
        self.early_error: EngineError | None = None
        """What it failed with before it was let out."""
        self.generation = Generation(
            context,
            command,
            replace(prompt, claim=self._claim),
            timeline,
            self._committed,
            self._wait_for_tools,
            self._notices.put,
        )
        self._clauses = ClauseQueue(command, self.generation, context.clock, timeline)
        packets = AudioPackets(command.turn, config.output)
        self.segments = SegmentLedger(
            packets, config.output.rate_hz, context.outbox, context.turn_events, command.turn
        )
        unread = partial(context.outbox.waiting_samples, command.turn)
        self.playout = Playout(config, context.clock, self.segments, timeline, unread, context.echo)
        self._lead = VoiceLead(context.clock, config.speaking_rate, lambda: self.playout.seconds.unheard)
        self._characters = 0
        self._is_audible = False

    # ------------------------------------------------------------ asked by the session

    def commit(self) -> None:
        self.is_committed = True
        self.playout.dry_since = self._context.clock.now()
        self._notices.release()
        self._committed.set()

    def mute(self) -> PlaybackPosition:
        """Not a sample leaves from now on. Returns how far it came."""
        self.is_cut = True
        self.segments.mute()
        self.playout.drop()
        self._context.outbox.drop(self.command.turn)
        return self.playout.position()

    def report(self, played: int) -> PlaybackPosition:
        """The client says that `played` samples were played. Returns how far it came by that."""
        self.playout.report(played)
        return self.playout.position()

    @property
    def has_sound(self) -> bool:
        """What is heard first is made."""
        return self.playout.has_sound

    @property
    def costs(self) -> ReplyCosts:
        usage, playout = self.generation.usage, self.playout
        seconds = playout.seconds
        if not usage.output_tokens:
            usage = replace(usage, output_tokens=self.generation.written)
        return ReplyCosts(usage, self._characters, seconds.sent, seconds.made, playout.underruns)

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
            await self._fail(first(group))
        if self.early_error is not None:
            return
        self.timeline.mark(Mark.ENDED, self._context.clock.now())
        self._context.post(ReplyEnded(self.command.number, self.segments.answer.text))

    async def _fail(self, error: EngineError) -> None:
        """Nobody asked yet for what was only prepared: it is begun again when somebody does. Where a vendor
        is at its limit, nothing more is prepared in this session."""
        if self.is_committed:
            self.is_failed = True
            self._context.outbox.put(engine_notice(error, self.command.turn))
            await self._apologize()
            return
        self.early_error = error
        if isinstance(error, EngineQuota):
            text = f"answers are no longer prepared before the turn is over: {error}"
            self._context.outbox.put(Notice(error.stage, Reason.SPECULATION_OFF, text))
            self._context.post(SpeculationRefused())

    async def _answer(self) -> None:
        is_written, is_spoken = self.command.kind is ReplyKind.ANSWER, not self.command.text_only
        self._context.account.check_spending(loop_now(), tokens=is_written, characters=is_spoken)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._clauses.write(), name="llm")
            if self.command.text_only:
                await self._show()
                return
            tasks.create_task(self._speak(), name="tts")
            await self._committed.wait()
            try:
                await self.playout.play(self._say_audible, STALL_SECONDS)
            except TimeoutError:
                raise _stalled("llm" if self._clauses.is_behind else "tts") from None

    async def _speak(self) -> None:
        """The clauses, spoken as they come."""
        config = self._config
        choice = VoiceChoice(config.voice, self._prompt.language, config.speaking_rate, self._claim)
        async with aclosing(self._context.engines.tts.speak(self._speakable(), choice)) as sounds:
            async for sound in sounds:
                if isinstance(sound, Fallback):
                    self._notices.put(fallback_notice(sound, self.command.turn))
                else:
                    self.playout.feed(sound.samples, sound.rate_hz, sound.clause_index)
                    if self.has_sound:
                        self._on_made()
                    await self._lead.take(sound)
        if not self._characters and self.command.kind is ReplyKind.ANSWER:
            raise EngineEmpty("llm", "the model gave nothing that can be spoken")
        if self._characters and not self.playout.has_sound:
            raise EngineEmpty("tts", "the voice gave no sound")
        self.playout.end()

    async def _speakable(self) -> AsyncIterator[Clause]:
        prosody = Prosody(self._config.pitch, self._config.volume)
        while (clause := await self._clauses.next()) is not None:
            if self._characters or self._config.turns.speculation < Speculation.TTS:
                await self._committed.wait()
            segment = self.segments.answer.add(clause.text)
            spoken = speakable_clause(replace(clause, index=segment), self._prompt.language, prosody)
            if spoken is not None:
                await self._lead.give(spoken)
                self.timeline.mark(Mark.TTS_REQUEST, self._context.clock.now())
                self._characters += len(spoken.text)
                yield spoken

    async def _show(self) -> None:
        """The clauses in text alone, as they come."""
        await self._committed.wait()
        try:
            while (
                clause := await self._clauses.next_within(STALL_SECONDS if self.segments.has_begun else None)
            ) is not None:
                self._on_made()
                await self._context.clock.running()
                self.segments.show(clause.text)
                self._say_audible()
        except TimeoutError:
            raise _stalled("llm") from None
        self.segments.finish_text()

    def _wait_for_tools(self, is_waiting: bool) -> None:
        self.playout.wait_for(is_waiting)
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
        self._on_made()
        apology = self._context.engines.apology
        separator = " " if self.segments.has_begun else ""
        if self.command.text_only:
            self.segments.answer.begin_apology()
            self.segments.show(separator + apology.text)
            self._say_audible()
            self.segments.finish_text()
            return
        self.segments.answer.begin_apology()
        segment = self.segments.answer.add(separator + apology.text)
        self.playout.feed(apology.samples, apology.rate_hz, segment)
        self.playout.end()
        await self.playout.play(self._say_audible, STALL_SECONDS)


def _urgency(is_committed: bool, ahead_seconds: float) -> Urgency:
    """Nobody waits for what is not let out, nor for what comes only seconds after what is heard."""
    is_waited_for = is_committed and ahead_seconds <= FAR_AHEAD_SECONDS
    return Urgency.COMMITTED if is_waited_for else Urgency.PREPARED


def _stalled(stage: str) -> EngineTimeout:
    return EngineTimeout(stage, f"nothing came for {STALL_SECONDS:g} s in mid-answer")
