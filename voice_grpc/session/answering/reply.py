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
from ...core.events import AnswerCut, ReplyAudible, ReplyEnded, SpeculationRefused
from ...core.responses import Notice
from ...core.timeline import Mark, Timeline
from ...core.turn.patience import Decision
from ...core.turn.settings import Speculation
from ...ports import Claim, Clause, Fallback, Prompt, Urgency, VoiceChoice
from ..clock import loop_now
from ..context import SessionContext
from ..telling.metrics import ReplyCosts, Waste
from ..telling.notices import HeldNotices, engine_notice, fallback_notice
from .generation import ClauseQueue, Generation
from .playout import PlaybackPosition, Playout, SegmentLedger
from .speech import AudioPackets, Prosody, VoicedClauses, VoiceLead, speakable_clause

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
        self.is_committed = self.is_cut = self.is_over = False
        self.config = config = context.config.current
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
        self.clauses = ClauseQueue(command, self.generation, context.clock, timeline)
        packets = AudioPackets(command.turn, config.output)
        self.segments = SegmentLedger(
            packets, config.output.rate_hz, context.outbox, context.turn_events, command.turn
        )
        unread = partial(context.outbox.waiting_samples, command.turn)
        self.playout = Playout(config, context, self.segments, timeline, unread)
        self.lead = _lead_of(self)
        """Of the voice that speaks now."""
        self.voiced = VoicedClauses()
        self.on_written: Callable[[], None] = lambda: None
        """Called when more of the answer is known."""
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
        is_spoken = not self.command.text_only
        self._context.account.check_spending(loop_now(), tokens=self.command.is_written, characters=is_spoken)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.clauses.write(), name="llm")
            if self.command.text_only:
                await self._show()
                return
            tasks.create_task(self._speak(), name="tts")
            await self._committed.wait()
            try:
                await self.playout.play(self._say_audible, STALL_SECONDS)
            except TimeoutError:
                raise _stalled("llm" if self.clauses.is_behind else "tts") from None

    async def _speak(self) -> None:
        """The clauses, spoken as they come. A voice that is to have no more while the conversation is held
        finishes what it has, and is asked anew when time goes on."""
        while True:
            await self._speak_some()
            if self.clauses.is_over:
                break
            await self._context.clock.running()
        if not self._characters and self.command.is_written and not self.command.said:
            raise EngineEmpty("llm", "the model gave nothing that can be spoken")
        if self._characters and not self.playout.has_sound:
            raise EngineEmpty("tts", "the voice gave no sound")
        self.playout.end()

    async def _speak_some(self) -> None:
        config = self.config
        choice = VoiceChoice(config.voice, self._prompt.language, config.speaking_rate, self._claim)
        self.lead = _lead_of(self)
        async with aclosing(self._context.engines.tts.speak(self._speakable(), choice)) as sounds:
            async for sound in sounds:
                if isinstance(sound, Fallback):
                    self._notices.put(fallback_notice(sound, self.command.turn))
                    self.voiced.fallback = sound.engine
                else:
                    self.voiced.sounded(sound.clause_index, self._context.clock.now())
                    self.playout.feed(sound.samples, sound.rate_hz, sound.clause_index)
                    if self.has_sound:
                        self._on_made()
                    await self.lead.take(sound)

    async def _speakable(self) -> AsyncIterator[Clause]:
        prosody = Prosody(self.config.pitch, self.config.volume)
        answer = self.segments.answer
        while (clause := await self.clauses.next()) is not None:
            if self._characters or self.config.turns.speculation < Speculation.TTS:
                await self._committed.wait()
            placed = replace(clause, index=answer.count)
            spoken = speakable_clause(placed, self._prompt.language, prosody)
            if spoken is not None and not await self.lead.give(spoken):
                self.clauses.put_back(clause)
                return
            answer.add(clause.text)
            self.clauses.given()
            self.on_written()
            if spoken is not None:
                now = self._context.clock.now()
                self.timeline.mark(Mark.TTS_REQUEST, now)
                self.voiced.asked(spoken, now)
                self._characters += len(spoken.text)
                yield spoken

    async def _show(self) -> None:
        """The clauses in text alone, as they come."""
        await self._committed.wait()
        try:
            while not self.clauses.is_over:
                clause = await self.clauses.next_within(STALL_SECONDS if self.segments.has_begun else None)
                if clause is not None:
                    self._on_made()
                await self._context.clock.running()
                if clause is not None:
                    self.segments.show(clause.text)
                    self.clauses.given()
                    self.on_written()
                    self._say_audible()
        except TimeoutError:
            raise _stalled("llm") from None
        self._say_audible()
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


def cut_behind(reply: Reply, heard: str) -> AnswerCut:
    """What is left of a reply once it is cancelled, behind the words that were `heard`. Of one that failed
    only what the voice had got: the rest was apologised for."""
    rest = reply.segments.answer.unheard(heard)
    if not reply.is_failed:
        rest = f"{rest} {reply.clauses.take_rest()}"
    rest, is_whole = " ".join(rest.split()), reply.is_failed or reply.clauses.is_written
    return AnswerCut(reply.command.turn, rest, is_whole, f"{heard} {rest}".strip())


def _lead_of(reply: Reply) -> VoiceLead:
    """Of the voice that is given its clauses."""
    return VoiceLead(reply.playout.clock, reply.config.speaking_rate, lambda: reply.playout.seconds.unheard)


def _urgency(is_committed: bool, ahead_seconds: float) -> Urgency:
    """Nobody waits for what is not let out, nor for what comes only seconds after what is heard."""
    is_waited_for = is_committed and ahead_seconds <= FAR_AHEAD_SECONDS
    return Urgency.COMMITTED if is_waited_for else Urgency.PREPARED


def _stalled(stage: str) -> EngineTimeout:
    return EngineTimeout(stage, f"nothing came for {STALL_SECONDS:g} s in mid-answer")
