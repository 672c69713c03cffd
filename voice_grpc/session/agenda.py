"""What `decide` takes up next, and when: an event, the end of patience, or that nobody spoke for too long.

It knows times and waits for them; what follows from an event is `decide.py`'s and the TurnTaker's to say.
"""

import asyncio
from typing import TypeAlias

from ..core.config import SessionConfig
from ..core.events import Event, PatienceOver
from ..core.floor import State
from ..core.inbound import Update
from ..core.outbound import Speaking, SpeechHeard
from ..core.turn import TurnTaker
from .clock import TICK
from .listen import Listener
from .reply import Surroundings

Happenings: TypeAlias = asyncio.Queue[Event | Update | None]
"""What happened, in its order; None: the session is over."""

MAX_HAPPENINGS = 1024
"""That may wait for `decide`. It never falls so far behind: a full queue is a bug, and ends the session."""

HESITATION_STEP = 0.02
"""Between two looks at whether somebody who fell silent speaks again: a frame."""


class Agenda:
    def __init__(
        self, happened: Happenings, taker: TurnTaker, listener: Listener, around: Surroundings
    ) -> None:
        self._happened, self._taker, self._listener = happened, taker, listener
        self._config, self._clock, self._outbox = around.config, around.clock, around.outbox
        self.quiet_since: float | None = None
        """Since when nobody speaks; None while somebody does, or once IDLE_TIMEOUT was said."""

    def add(self, happening: Event | Update) -> None:
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

    async def next(self) -> Event | Update | None:
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
        self._outbox.put(SpeechHeard(Speaking.IDLE, self._listener.position, 0.0))
