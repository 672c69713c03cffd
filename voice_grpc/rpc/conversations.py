"""The conversations that live in this server, each with its task and the streams that carry it or did.

One is begun by the registry (`sessions.py`), which says who is let in. It lives until it ends by itself, is
ended here, or waited for its caller in vain (`parking.py`).
"""

import asyncio
import logging
from dataclasses import dataclass

from ..core.config import SessionConfig
from ..core.errors import ClientGone, Draining, Forbidden, Reason, StoreError, Superseded, shown
from ..ports import Observer, Store
from ..ports.streaming import TaskSet
from ..process.log_lines import lines_of
from ..session.session import Session
from .parking import ParkedSessions, ParkingRules
from .watched import CROWDED, OVERDUE, SessionWatch

log = logging.getLogger(__name__)

END_SECONDS = 5.0
"""For a session that is ended to save its last words, and for its stream to leave."""

CLOSING_SECONDS = 3.0
"""For the conversations of a server that goes away to be saved: somewhat longer than one save may take."""


@dataclass(frozen=True, slots=True)
class _Conversation:
    session: Session
    owner: str
    life: asyncio.Task[None]


class Conversations:
    def __init__(self, store: Store, rules: ParkingRules, observer: Observer) -> None:
        """`observer` is told of each line, and of the end of those that have none."""
        self._store, self._observer = store, observer
        self._all: dict[str, _Conversation] = {}
        self._lives = TaskSet()
        self.parked = ParkedSessions(rules, self._end_overdue, self._leave)
        """Those that wait for their callers."""
        self.watches: dict[Session, SessionWatch] = {}
        """Of each that is not over."""
        self.lines: dict[asyncio.Event, Session] = {}
        """Of each stream that carries a session: set once it does no more."""

    @property
    def carried(self) -> int:
        """Those whose line is there."""
        return len(self._all) - len(self.parked)

    def is_carried(self, session_id: str) -> bool:
        return session_id in self._all and session_id not in self.parked

    # ------------------------------------------------------------ their beginning and end

    def begin(self, session_id: str, session: Session, owner: str) -> None:
        life = self._lives.start(session.run(), f"session-{session_id}")
        self.watches[session] = SessionWatch(self._observer, session)
        self._all[session_id] = _Conversation(session, owner, life)

        def is_over(_: asyncio.Task[None]) -> None:
            self._forget(session_id, session)
            self.watches.pop(session).over()

        life.add_done_callback(is_over)

    async def held(self, config: SessionConfig, owner: str) -> Session | None:
        """The one that is here, for its caller to go on with; None: it is not, is held elsewhere by now, or
        sounds otherwise than the caller wants it, or is recorded and may be so no more: then it goes on from
        what is in the store. Raises `Forbidden`."""
        conversation = self._all.get(config.session_id)
        if conversation is None:
            return None
        check_owner(conversation.owner, owner, config.session_id)
        session = conversation.session
        if session.ending.is_set() or session.carriage.is_over or conversation.life.cancelling():
            await asyncio.wait({conversation.life}, timeout=END_SECONDS)
            return None
        is_withdrawn = session.config.is_recorded and not config.is_recorded
        if is_withdrawn or (session.config.input, session.config.output) != (config.input, config.output):
            self.watches[session].why = Reason.SUPERSEDED.value
            await self._lives.end(conversation.life, CLOSING_SECONDS)
            return None
        try:
            epoch = await self._store.epoch(config.session_id)
        except StoreError:
            return session  # then nobody else could take it
        return session if epoch in (0, session.epoch) else None

    def owner(self, session_id: str) -> str | None:
        """Whose it is; None: it is not here."""
        conversation = self._all.get(session_id)
        return None if conversation is None else conversation.owner

    async def end(self, session_id: str, owner: str | None, why: str = "superseded") -> None:
        """Where there is one, of this owner; None: of anybody. Raises `Forbidden`, and `StoreError` where
        nobody could take it: it goes on."""
        conversation = self._all.get(session_id)
        if conversation is None:
            return
        session = conversation.session
        check_owner(conversation.owner, owner, session_id)
        await self._store.epoch(session_id)
        session.end_with(Superseded(why))
        try:
            async with asyncio.timeout(END_SECONDS):
                await session.closed.wait()
                for line in [line for line, carried in self.lines.items() if carried is session]:
                    await line.wait()
            self._forget(session_id, session)
        except TimeoutError:
            log.error("session %s: its old stream did not end within %g s", session_id, END_SECONDS)

    def drain(self, grace: float) -> None:
        for conversation in self._all.values():
            text = "the server goes away; open the session again elsewhere"
            conversation.session.end_with(Draining(text, 0.0), grace)

    async def close(self) -> None:
        """What is there is left in the store for another server."""
        for session_id in self._all:
            self.parked.take(session_id)
        await self._lives.close(CLOSING_SECONDS)

    # ------------------------------------------------------------ their lines

    def line_opens(self, session_id: str, session: Session) -> asyncio.Event:
        """Returns what `line_over` is given."""
        self.parked.take(session_id)
        line = asyncio.Event()
        self.lines[line] = session
        return line

    def line_over(self, session_id: str, session: Session, line: asyncio.Event) -> None:
        """Left without having ended, and not for another line, it is parked."""
        del self.lines[line]
        line.set()
        carriage = session.carriage
        if session.closed.is_set():
            self._forget(session_id, session)
        elif not carriage.is_carried and self._has(session_id, session):
            if carriage.goes_on:
                self.parked.park(session_id, session)
            else:
                session.end_with(ClientGone("the client hung up"))

    def _has(self, session_id: str, session: Session) -> bool:
        conversation = self._all.get(session_id)
        return conversation is not None and conversation.session is session

    def _forget(self, session_id: str, session: Session) -> None:
        """It is over."""
        if self._has(session_id, session):
            del self._all[session_id]
            self.parked.take(session_id)

    def _end_overdue(self, session_id: str) -> None:
        if (conversation := self._all.get(session_id)) is not None:
            self.watches[conversation.session].why = OVERDUE
            conversation.session.end_with(ClientGone("the client did not come back"))

    def _leave(self, session_id: str) -> None:
        """It goes on from the store, if its caller comes back."""
        if (conversation := self._all.get(session_id)) is not None:
            with lines_of(session_id, conversation.session.identity.trace.trace_id):
                log.info("session %s: gives way, for too many wait for their callers", session_id)
            self.watches[conversation.session].why = CROWDED
            conversation.life.cancel()


def check_owner(of_session: str, caller: str | None, session_id: str) -> None:
    if caller is not None and of_session != caller:
        raise forbidden(session_id)


def forbidden(session_id: str) -> Forbidden:
    return Forbidden(f"session {shown(session_id)} belongs to somebody else")
