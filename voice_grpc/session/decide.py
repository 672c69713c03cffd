"""Deciding: what happened goes to the TurnTaker, and its commands are carried out, one event at a time.

The only place that feeds the TurnTaker. When the next event is due is `agenda.py`'s to know, how a command
is carried out is `turns.py`'s; no task is made here.
"""

from ..core import inbound as i
from ..core.events import Event, ReplyEnded
from ..core.floor import State
from ..core.outbound import Applied, EndReason, Phase, TurnChanged
from ..core.turn import TurnTaker
from .agenda import Agenda
from .lifetime import Lifetime
from .listen import Listener
from .reader import Reader
from .turns import Turns


class Decider:
    """Also the `Host` of the reader: what comes in is told to it, and it says where the turn stands."""

    def __init__(
        self, taker: TurnTaker, agenda: Agenda, listener: Listener, turns: Turns, lifetime: Lifetime
    ) -> None:
        self._taker, self._agenda, self._listener = taker, agenda, listener
        self._turns, self._lifetime = turns, lifetime
        self._clock, self._outbox = turns.around.clock, turns.around.outbox

    # ------------------------------------------------------------ the reader's host

    def post(self, event: Event) -> None:
        self._agenda.add(event)

    def apply(self, update: i.Update) -> None:
        self._agenda.add(update)

    def playback(self, report: i.Playback) -> None:
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
            if isinstance(event, i.Update):
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

    def _adjust(self, update: i.Update) -> None:
        self._taker.adjust(update.config.turns)
        self._agenda.adjust(update.config)
        self._listener.adjust(update.config)
        self._turns.adjust(update.config)
        self._outbox.put(Applied(update.config, update.seq))

    def _say_state(self, before: State, turn_before: int) -> None:
        """What changed for the caller, and for whoever keeps the sound of the turn."""
        state, turn = self._taker.state, self._taker.turn
        if state is State.HEARING and (before is not State.HEARING or turn != turn_before):
            self._listener.open()
            if turn != turn_before:
                self._outbox.put_in_order(TurnChanged(turn, Phase.USER_SPEAKING))
        if state is not State.LISTENING:
            self._agenda.quiet_since = None
        elif before is not State.LISTENING:
            self._outbox.put_in_order(TurnChanged(0, Phase.LISTENING))
            self._agenda.quiet_since = self._clock.now()
        self._lifetime.set_quiet(state is State.LISTENING)
