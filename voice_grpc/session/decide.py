"""Deciding: what happened goes to the TurnTaker, and its commands are carried out, one event at a time.

The only place that feeds the TurnTaker, and that changes the configuration in force. It knows when the next
event is due: the end of patience, or that nobody spoke for too long. How a command is carried out is for
`command_runner.py` to say; no task is made here.
"""

from dataclasses import replace

from ..core.config import SessionConfig
from ..core.events import Event, PatienceOver, ReplyEnded
from ..core.requests import ConfigUpdate
from ..core.responses import ConfigApplied, EndReason, SpeechEvent, SpeechKind
from ..core.turn.endpointing import LAG
from ..core.turn.state import State
from ..core.turn.taker import TurnTaker
from .clock import TICK
from .command_runner import CommandRunner
from .context import SessionContext
from .event_queue import EventQueue, Happening
from .hearing.listener import Listener
from .lines.lifetime import Lifetime

HESITATION_STEP = 0.02
"""Seconds between two looks at whether somebody who fell silent speaks again: a frame."""


class Decider:
    def __init__(
        self,
        context: SessionContext,
        queue: EventQueue,
        taker: TurnTaker,
        listener: Listener,
        runner: CommandRunner,
        lifetime: Lifetime,
    ) -> None:
        self._context, self._queue, self._taker = context, queue, taker
        self._listener, self._runner, self._lifetime = listener, runner, lifetime
        self._config, self._clock, self._outbox = context.config, context.clock, context.outbox
        self._quiet_since: float | None = None
        """Since when nobody speaks; None while somebody does, or once IDLE_TIMEOUT was said."""
        self._end_reason: EndReason | None = None
        """Why the caller has nothing more to say; None: more may come."""

    async def run(self) -> EndReason:
        """Until the caller has nothing more to say and was answered, or the session idled out."""
        self._say_state(State.HEARING, 0)
        while self._end_reason is None or not self._is_done:
            match await self._next():
                case None:
                    return EndReason.IDLE
                case EndReason() as reason:
                    self._end_reason = reason
                case ConfigUpdate(config, seq):
                    self._apply(config, seq)
                case event:
                    await self._receive(event)
                    self._queue.decided(event)
        return self._end_reason

    def _apply(self, config: SessionConfig, seq: int) -> None:
        before = self._config.current
        self._config.current = replace(config, is_recorded=config.is_recorded and before.is_recorded)
        self._outbox.put(ConfigApplied(self._config.current, seq))
        if config.instructions != before.instructions:
            self._runner.read_ahead()

    @property
    def _is_done(self) -> bool:
        """Everything that came in was heard and answered."""
        return (
            self._taker.state is State.LISTENING
            and not self._taker.waiting
            and self._listener.is_drained
            and not self._queue.waiting
        )

    # ------------------------------------------------------------ what is next, and when

    async def _next(self) -> Happening | None:
        """The next happening, or `PatienceOver` at the deadline; None once the session is over."""
        while True:
            await self._clock.running()
            now, deadline, idle_at = self._clock.now(), self._taker.deadline, self._idle_at()
            if not self._queue.waiting:
                if deadline is not None and deadline <= now:
                    if not self._hesitates(now - deadline):
                        return PatienceOver()
                    deadline = now + HESITATION_STEP
                if idle_at is not None and idle_at <= now:
                    self._say_idle()
                    continue
            wake = min((max(TICK, at - now) for at in (deadline, idle_at) if at is not None), default=None)
            try:
                happening = await self._queue.take(wake)
            except TimeoutError:
                continue
            await self._clock.running()
            return happening

    def _hesitates(self, late: float) -> bool:
        """A cough is not told from speech before it is known to be over: `soft_end` after the detector let go
        of it."""
        is_undecided = self._taker.state is State.YIELDING and self._listener.is_fading
        return is_undecided and late < LAG + self._config.current.endpoint.soft_end + HESITATION_STEP

    def _idle_at(self) -> float | None:
        timeout = self._config.current.idle_timeout
        return None if self._quiet_since is None or timeout is None else self._quiet_since + timeout

    def _say_idle(self) -> None:
        self._quiet_since = None
        self._outbox.put(SpeechEvent(SpeechKind.IDLE, self._listener.position, 0.0))

    # ------------------------------------------------------------ what follows

    async def _receive(self, event: Event) -> None:
        now = self._clock.now()
        state, turn = self._taker.state, self._taker.turn
        kept = self._taker.carried, self._taker.waiting
        self._runner.note(event, now)
        commands = self._taker.receive(event, now)
        if state in (State.SPEAKING, State.YIELDING):
            self._runner.reports.overlapped(state, commands)
        if isinstance(event, ReplyEnded):
            self._runner.ended(event.number)
        for command in commands:
            await self._runner.carry_out(command, now)
        if kept != (self._taker.carried, self._taker.waiting):
            self._runner.memory.went_on()
        self._say_state(state, turn)

    def _say_state(self, before: State, turn_before: int) -> None:
        """What changed for the caller, and for whoever keeps the sound of the turn."""
        state, turn = self._taker.state, self._taker.turn
        self._config.state = state
        is_users = state in (State.HEARING, State.ENDING)
        if is_users and turn != turn_before:
            self._context.turn_events.user_speaking(turn)
        if state is State.HEARING and (before is not State.HEARING or turn != turn_before):
            self._listener.open()
        if state is not State.LISTENING:
            self._quiet_since = None
        elif before is not State.LISTENING:
            self._context.turn_events.listening()
            self._quiet_since = self._clock.now()
        self._lifetime.set_quiet(state is State.LISTENING)
