"""Deciding: what happened goes to the TurnTaker, and its commands are carried out, one event at a time.

The only place that feeds the TurnTaker. When the next event is due is `decide.py`'s to know, how a command
is carried out is `command_runner.py`'s; no task is made here.
"""

import asyncio
from typing import TypeAlias

from ..core import requests as i
from ..core.config import SessionConfig
from ..core.events import Event, PatienceOver, ReplyEnded
from ..core.requests import ConfigUpdate
from ..core.responses import ConfigApplied, EndReason, SpeechEvent, SpeechKind, TurnEvent, TurnPhase
from ..core.turn import TurnTaker
from ..core.turn_actions import State
from .clock import TICK
from .command_runner import CommandRunner
from .lifetime import Lifetime
from .listener import Listener
from .reader import Reader
from .reply import SessionContext

# ----------------------------------------------------------------
# what `decide` takes up next, and when: an event, the end of patience, or that nobody spoke for too
# long
# It knows times and waits for them; what follows from an event is `decide.py`'s and the TurnTaker's to say.


Happenings: TypeAlias = asyncio.Queue[Event | ConfigUpdate | None]
"""What happened, in its order; None: the session is over."""

MAX_HAPPENINGS = 1024
"""That may wait for `decide`. It never falls so far behind: a full queue is a bug, and ends the session."""

HESITATION_STEP = 0.02
"""Between two looks at whether somebody who fell silent speaks again: a frame."""


class EventQueue:
    def __init__(
        self, happened: Happenings, taker: TurnTaker, listener: Listener, around: SessionContext
    ) -> None:
        self._happened, self._taker, self._listener = happened, taker, listener
        self._config, self._clock, self._outbox = around.config, around.clock, around.outbox
        self.quiet_since: float | None = None
        """Since when nobody speaks; None while somebody does, or once IDLE_TIMEOUT was said."""

    def add(self, happening: Event | ConfigUpdate) -> None:
        self._happened.put_nowait(happening)

    def end(self) -> None:
        """Nothing comes after what waits now."""
        self._happened.put_nowait(None)

    @property
    def waiting(self) -> int:
        return self._happened.qsize()

    @property
    def is_crowded(self) -> bool:
        """More happened than was decided about: held, or flooded."""
        return self.waiting > MAX_HAPPENINGS // 2

    def adjust(self, config: SessionConfig) -> None:
        self._config = config

    async def next(self) -> Event | ConfigUpdate | None:
        """The next event, or `PatienceOver` at the deadline; None once the session is over."""
        while True:
            await self._clock.running()
            now, deadline, idle_at = self._clock.now(), self._taker.deadline, self._idle_at()
            if self._happened.empty():
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
                    happening = await self._happened.get()
            except TimeoutError:
                continue
            await self._clock.running()
            return happening

    def _hesitates(self, late: float) -> bool:
        """A cough is not told from speech before it is known to be over, which is `soft_end` after it is."""
        is_undecided = self._taker.state is State.YIELDING and self._listener.is_fading
        return is_undecided and late < self._config.endpoint.soft_end + HESITATION_STEP

    def _idle_at(self) -> float | None:
        if self.quiet_since is None or self._config.idle_timeout is None:
            return None
        return self.quiet_since + self._config.idle_timeout

    def _say_idle(self) -> None:
        self.quiet_since = None
        self._outbox.put(SpeechEvent(SpeechKind.IDLE, self._listener.position, 0.0))


class Decider:
    """Also the `Host` of the reader: what comes in is told to it, and it says where the turn stands."""

    def __init__(
        self,
        taker: TurnTaker,
        agenda: EventQueue,
        listener: Listener,
        turns: CommandRunner,
        lifetime: Lifetime,
    ) -> None:
        self._taker, self._agenda, self._listener = taker, agenda, listener
        self._turns, self._lifetime = turns, lifetime
        self._clock, self._outbox = turns.around.clock, turns.around.outbox

    # ------------------------------------------------------------ the reader's host

    def post(self, event: Event) -> None:
        self._agenda.add(event)

    def apply(self, update: i.ConfigUpdate) -> None:
        self._agenda.add(update)

    def playback(self, report: i.PlaybackReport) -> None:
        self._turns.outcomes.reported(report)

    def tool_result(self, result: i.ToolResult) -> None:
        self._turns.around.toolbox.take(result)

    @property
    def turn(self) -> int:
        return self._taker.turn

    @property
    def waiting(self) -> int:
        return self._taker.waiting + self._agenda.waiting // 2

    @property
    def is_behind(self) -> bool:
        return self._agenda.is_crowded

    @property
    def is_deaf(self) -> bool:
        is_answering = self._taker.state in (State.SPEAKING, State.YIELDING)
        return self._turns.around.config.is_half_duplex and is_answering

    # ------------------------------------------------------------ running

    async def run(self, reader: Reader) -> EndReason:
        """Until the caller has nothing more to say and was answered, or the session idled out."""
        self._say_state(State.HEARING, 0)
        while True:
            if reader.end_reason is not None and self._is_done:
                return reader.end_reason
            event = await self._agenda.next()
            if event is None:
                return EndReason.IDLE
            if isinstance(event, i.ConfigUpdate):
                self._adjust(event)
                continue
            await self._receive(event)

    @property
    def _is_done(self) -> bool:
        """Everything that came in was heard and answered."""
        return (
            self._taker.state is State.LISTENING
            and not self._taker.waiting
            and self._listener.is_drained
            and not self._agenda.waiting
        )

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

    def _adjust(self, update: i.ConfigUpdate) -> None:
        self._taker.adjust(update.config.turns)
        self._agenda.adjust(update.config)
        self._listener.adjust(update.config)
        self._turns.adjust(update.config)
        self._outbox.put(ConfigApplied(update.config, update.seq))

    def _say_state(self, before: State, turn_before: int) -> None:
        """What changed for the caller, and for whoever keeps the sound of the turn."""
        state, turn = self._taker.state, self._taker.turn
        if state is State.HEARING and (before is not State.HEARING or turn != turn_before):
            self._listener.open()
            if turn != turn_before:
                self._outbox.put_in_order(TurnEvent(turn, TurnPhase.USER_SPEAKING))
        if state is not State.LISTENING:
            self._agenda.quiet_since = None
        elif before is not State.LISTENING:
            self._outbox.put_in_order(TurnEvent(0, TurnPhase.LISTENING))
            self._agenda.quiet_since = self._clock.now()
        self._lifetime.set_quiet(state is State.LISTENING)
