"""One conversation: feeds the TurnTaker and has its commands carried out.

read    requests → frames and events      `reader.py`, the only reader of the wire
listen  frames → events                   `listen.py`
decide  events, deadline → commands       here, the only toucher of the TurnTaker
reply   one answer                        `reply.py`, one task, cancelled as one
write   messages → the wire               here, the only writer
keep    the conversation → the store      `memory.py`
watch   idle, age, drain                  `lifetime.py`
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from ..core import inbound as i
from ..core.config import SessionConfig
from ..core.errors import Draining, VoiceError
from ..core.events import Event, PatienceOver, ReplyEnded, TextReceived
from ..core.floor import State
from ..core.outbound import (
    Applied,
    Ended,
    EndReason,
    NoticeOut,
    Phase,
    Speaking,
    SpeechHeard,
    Started,
    TurnChanged,
)
from ..core.turn import TurnTaker
from ..ports import Clock, Engines, Transcription
from .clock import TICK, ConversationClock
from .failures import first
from .lifetime import Lifetime, SessionLimits
from .listen import Listener
from .memory import Memory
from .outbox import Outbox, Send
from .reader import HungUp, Reader
from .reply import Surroundings
from .transcripts import Transcripts
from .turns import Turns
from .utterance import Utterance

log = logging.getLogger(__name__)

MAX_EVENTS = 1024
"""Events that may wait for `decide`. It never falls so far behind: a full queue is a bug, and ends the
session."""

HESITATION_STEP = 0.02
"""Between two looks at whether somebody who fell silent speaks again: a frame."""


class Session:
    def __init__(
        self, engines: Engines, config: SessionConfig, memory: Memory, clock: Clock, limits: SessionLimits
    ) -> None:
        self._config, self._memory = config, memory
        self._clock = ConversationClock(clock)
        self._outbox = Outbox()
        self._outbox.put(Started(config, memory.is_resumed, memory.last_turn))
        self._events: asyncio.Queue[Event | i.Update | None] = asyncio.Queue(MAX_EVENTS)
        self._taker = TurnTaker(config.turns, memory.last_turn)
        self._listener = Listener(engines, config, self.post, self._outbox, self._on_interim)
        self._transcripts = Transcripts(config, self._outbox)
        around = Surroundings(engines, config, self._clock, self._outbox, self.post)
        self._turns = Turns(around, self._listener, memory, self._transcripts)
        self._reader = Reader(config, self, self._listener, self._outbox, self._clock)
        self._lifetime = Lifetime(limits, self._outbox)
        self._quiet_since: float | None = None
        """Since when nobody speaks, until IDLE_TIMEOUT was said."""
        self._farewell: Draining | None = None
        """What the session ends with once everything was said."""
        self.closed = asyncio.Event()
        """Over, and its last words are in the store."""

    # ------------------------------------------------------------ the reader's host

    def post(self, event: Event) -> None:
        self._events.put_nowait(event)

    def apply(self, update: i.Update) -> None:
        self._events.put_nowait(update)

    def playback(self, report: i.Playback) -> None:
        self._turns.playback(report)

    @property
    def turn(self) -> int:
        return self._taker.turn

    @property
    def waiting(self) -> int:
        return self._taker.waiting + self._events.qsize() // 2

    @property
    def is_behind(self) -> bool:
        """More happened than was decided about: held, or flooded."""
        return self._events.qsize() > MAX_EVENTS // 2

    @property
    def is_deaf(self) -> bool:
        return self._config.is_half_duplex and self._taker.state in (State.SPEAKING, State.YIELDING)

    @property
    def config(self) -> SessionConfig:
        return self._config

    # ------------------------------------------------------------ running

    def announce(self, notices: Iterable[NoticeOut]) -> None:
        """To be said right after SessionStarted."""
        for notice in notices:
            self._outbox.put(notice)

    def end_with(self, error: VoiceError, grace: float = 0.0) -> None:
        """End it from outside: when nobody speaks, but within `grace` seconds."""
        self._lifetime.end_with(error, grace)

    async def run(self, requests: AsyncIterator[i.Inbound], send: Send) -> None:
        """The whole conversation. Raises the `VoiceError` that ended it, if one did."""
        try:
            await self._converse(requests, send)
        except* VoiceError as group:
            raise first(group) from None
        except* HungUp:
            raise asyncio.CancelledError from None
        finally:
            self._turns.stop()
            self._memory.last_turn = max(self._memory.last_turn, self._taker.turn)
            if self._taker.words:
                self._memory.conversation.user_said(self._taker.turn, self._taker.words)
            await self._listener.close()
            await self._memory.save_last()
            self.closed.set()

    async def _converse(self, requests: AsyncIterator[i.Inbound], send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._turns.run_in(tasks)
            memory = self._memory
            writing = tasks.create_task(self._outbox.deliver(send), name="write")
            helpers = [
                tasks.create_task(self._reader.read(requests, self._lifetime.touch), name="read"),
                tasks.create_task(self._listener.run(tasks, self._is_held), name="listen"),
                tasks.create_task(memory.keep(self._say_store_error), name="keep"),
                tasks.create_task(self._watch(), name="watch"),
            ]
            if self._config.greeting and not memory.is_resumed:
                self.post(TextReceived(self._config.greeting, verbatim=True))
            reason = await self._decide()
            for helper in helpers:
                helper.cancel()
            self._turns.stop()
            await self._listener.close()
            self._outbox.close(None if self._farewell else Ended(reason))
            await writing
            if self._farewell is not None:
                raise self._farewell

    # ------------------------------------------------------------ deciding

    async def _decide(self) -> EndReason:
        self._say_state(State.HEARING, 0)
        while True:
            if self._reader.end_reason is not None and self._is_done:
                return self._reader.end_reason
            event = await self._next_event()
            if event is None:
                return EndReason.IDLE
            if isinstance(event, i.Update):
                self._adjust(event)
                continue
            await self._receive(event)

    async def _receive(self, event: Event) -> None:
        now = self._clock.now()
        state, turn = self._taker.state, self._taker.turn
        self._turns.stopwatch.note(event, now)
        commands = self._taker.receive(event, now)
        if isinstance(event, ReplyEnded):
            self._turns.ended(event.number)
        for command in commands:
            await self._turns.carry_out(command, now)
        self._say_state(state, turn)

    async def _next_event(self) -> Event | i.Update | None:
        """The next event, or `PatienceOver` at the deadline; None once the session idled out."""
        while True:
            await self._clock.running()
            now, deadline, idle_at = self._clock.now(), self._taker.deadline, self._idle_at()
            if self._events.empty():
                if deadline is not None and deadline <= now:
                    if not self._hesitates(now - deadline):
                        return PatienceOver()
                    deadline = now + HESITATION_STEP
                if idle_at is not None and idle_at <= now:
                    self._say_idle()
                    continue
            wake = min((max(TICK, at - now) for at in (deadline, idle_at) if at is not None), default=None)
            try:
                async with asyncio.timeout(wake):
                    event = await self._events.get()
            except TimeoutError:
                continue
            await self._clock.running()
            return event

    def _hesitates(self, late: float) -> bool:
        """A cough is not told from speech before it is known to be over, which is `soft_end` after it is."""
        is_undecided = self._taker.state is State.YIELDING and self._listener.is_fading
        return is_undecided and late < self._config.endpoint.soft_end + HESITATION_STEP

    def _is_held(self) -> bool:
        return self._clock.is_paused

    async def _watch(self) -> None:
        """Whoever holds the conversation does not hold its end."""
        try:
            await self._lifetime.watch()
        except Draining as error:
            self._farewell = error
        self._clock.resume()
        self._events.put_nowait(None)

    @property
    def _is_done(self) -> bool:
        """Everything that came in was heard and answered."""
        return (
            self._taker.state is State.LISTENING
            and not self._taker.waiting
            and self._listener.is_drained
            and self._events.empty()
        )

    def _adjust(self, update: i.Update) -> None:
        self._config = update.config
        self._taker.adjust(update.config.turns)
        self._listener.adjust(update.config)
        self._turns.adjust(update.config)
        self._outbox.put(Applied(update.config, update.seq))

    # ------------------------------------------------------------ saying

    def _say_state(self, before: State, turn_before: int) -> None:
        """What changed for the caller, and for whoever keeps the sound of the turn."""
        state, turn = self._taker.state, self._taker.turn
        if state is State.HEARING and (before is not State.HEARING or turn != turn_before):
            self._listener.open()
            if turn != turn_before:
                self._outbox.put_in_order(TurnChanged(turn, Phase.USER_SPEAKING))
        if state is State.LISTENING and before is not State.LISTENING:
            self._outbox.put_in_order(TurnChanged(0, Phase.LISTENING))
        if state is State.LISTENING:
            self._quiet_since = self._clock.now() if before is not state else self._quiet_since
        else:
            self._quiet_since = None
        self._lifetime.set_quiet(state is State.LISTENING)

    def _idle_at(self) -> float | None:
        if self._quiet_since is None or self._config.idle_timeout is None:
            return None
        return self._quiet_since + self._config.idle_timeout

    def _say_idle(self) -> None:
        self._quiet_since = None
        self._outbox.put(SpeechHeard(Speaking.IDLE, self._listener.position, 0.0))

    def _on_interim(self, utterance: Utterance, heard: Transcription) -> None:
        if self._taker.state in (State.HEARING, State.ENDING) or self._listener.is_transcribing:
            self._transcripts.interim(self._taker.turn, utterance, heard)

    def _say_store_error(self, error: VoiceError) -> None:
        log.error("session %s: not saved: %s", self._memory.session_id, error)
        self._outbox.put(NoticeOut("session", "STORE_ERROR", str(error), retryable=True))
