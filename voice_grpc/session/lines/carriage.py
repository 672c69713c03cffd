"""Which line carries a conversation: one at a time, the last that came; and what is told as one begins.

One that is lost, or left, parks the conversation (`parking.py`); one that comes while another still lives
takes its place. The life of the conversation itself is `session.py`'s, which says here how it went.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ...core.consumption import Consumed
from ...core.errors import Draining, Superseded
from ...core.requests import ComeBack
from ...core.responses import SessionStarted
from ..context import SessionContext
from ..memory import Memory
from ..reader import Reader, one_error
from .lifetime import Lifetime
from .line import Line, Numbered, ToldMessages
from .parking import Parking
from .resumption import ResumeUpdates, Standing


@dataclass(slots=True)
class Carriage:
    context: SessionContext
    memory: Memory
    reader: Reader
    parking: Parking
    standing: Standing
    lifetime: Lifetime
    updates: ResumeUpdates
    on_idle: Callable[[], None] = lambda: None
    """Called when nothing came for too long: the conversation is over."""
    was_carried: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """The conversation can be carried."""
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """It is over, and its last words are in the store."""
    is_over: bool = False
    _failure: BaseException | None = None
    """What it ended of; None: nothing, or it goes on."""
    _line: Line | None = None
    """The last that came; None: it is gone."""
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the line that carries it, until nothing is read from it or written to it any more."""
    _told: ToldMessages = field(default_factory=ToldMessages)

    @property
    def failure(self) -> BaseException | None:
        """What it ended of; None: of nothing wrong, or it goes on. One that somebody else holds is
        superseded, whatever else ended it here."""
        return Superseded("superseded") if self.memory.is_lost else self._failure

    @property
    def is_carried(self) -> bool:
        """A line does."""
        return self._line is not None

    @property
    def goes_on(self) -> bool:
        """Also without a line: its caller may come back."""
        return self.updates.are_told and self.was_carried and not self.is_over

    async def carry(self, line: Line, come_back: ComeBack | None) -> None:
        """Until the conversation is over, or the line is lost or left: then it is parked. One that carries it
        now is left for this one, and told `Superseded`.

        Raises the `VoiceError` that ended either of them, if one did.
        """
        await self.begun.wait()
        before, self._line = self._line, line
        if before is not None:
            before.cut(Superseded("superseded"))
        try:
            async with self._one_at_a_time:
                opening = self._open(line, come_back or ComeBack(""))
                with one_error():
                    await line.carry(opening, self._told, self.context.outbox, self.reader, self._stay)
        finally:
            if self._line is line:
                self._line = None
                if not self.is_over:
                    self.parking.line_lost()
                    self.memory.went_on()
            if self.is_over:
                await self.closed.wait()
        if self._failure is not None:
            raise self._failure

    def _open(self, line: Line, come_back: ComeBack) -> list[Numbered]:
        """Returns what is told first on it. Raises `Superseded` where a later one came meanwhile."""
        if self._line is not line:
            raise Superseded("superseded")
        if self.is_over:
            raise self._failure or Superseded("the session is over")
        opening: list[Numbered] = []
        if self.was_carried:
            self.parking.line_lost()
            config, known = self.context.config.latest, self.reader.begin_line()
            started = SessionStarted(config, True, self.memory.last_turn, known)
            again = self.parking.line_found(come_back, self._told)
            opening = [(self._told.number(started), started), *again]
        else:
            self._told.count = come_back.last_received if self.memory.is_resumed else 0
        self.was_carried = True
        self.updates.tell(self._consumed().seq)
        return opening

    async def _stay(self) -> None:
        """While this line may carry it."""
        try:
            await self.lifetime.watch()
        except Draining:
            self.parking.line_lost()
            await self.memory.save_now()
            self.updates.tell(self._consumed().seq)
            raise
        self.on_idle()

    # ------------------------------------------------------------ told by the conversation

    def cut(self, error: BaseException) -> None:
        """The line that carries it is given up."""
        if self._line is not None:
            self._line.cut(error)

    def end(self, failure: BaseException | None = None) -> None:
        """It is over; `failure`: what of, which whoever carries it is told at once."""
        self.is_over = True
        self._failure = self._failure or failure
        self.begun.set()
        if failure is not None:
            self.cut(failure)

    def request_came(self) -> None:
        self.lifetime.touch()
        self.updates.request_came()

    def turn_over(self) -> None:
        self.updates.turn_over()
        self.memory.went_on()

    async def keep_telling(self) -> None:
        """With what its caller may come back: for ever."""
        await self.updates.keep_telling(lambda: self._consumed().seq, lambda: self.is_carried)

    def _consumed(self) -> Consumed:
        """Of the requests, what is taken care of whatever happens to this server."""
        now = self.standing.consumed()
        if self.memory.is_all_saved:
            return now
        return self.memory.kept.consumed if self.memory.kept is not None else Consumed()
