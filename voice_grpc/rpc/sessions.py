"""The streams that are open: admission, one stream a conversation, whose it is, and the drain of them all."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from ..core.admission import AdmissionControl
from ..core.config import SessionConfig
from ..core.errors import Draining, Forbidden, NotFound, ServerError, ServerFull, Superseded, shown
from ..core.quota import Account
from ..ports import Engines, SavedSession, Store
from ..session.clock import loop_now
from ..session.context import Shared
from ..session.lifetime import SessionLimits
from ..session.memory import Memory
from ..session.session import Session
from .callers import Caller
from .load_watch import LoadWatch
from .streams import StreamLifetime

log = logging.getLogger(__name__)

SUPERSEDE_SECONDS = 5.0
"""For the old stream of a session to save its last words."""


class SessionRegistry:
    def __init__(
        self,
        engines: Engines,
        store: Store,
        limits: SessionLimits,
        max_sessions: int,
        admission: AdmissionControl | None = None,
    ) -> None:
        """`admission`: None: one that is on."""
        self._store = store
        self._limits, self.max_sessions = limits, max_sessions
        self.admission = admission or AdmissionControl()
        self.load = LoadWatch(self.admission)
        self._shared = Shared(engines, limits, observer=self.load)
        self._live: dict[str, tuple[Session, str]] = {}
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._streams: set[StreamLifetime] = set()
        """The open calls that are no session."""
        self._is_draining = False

    @property
    def store(self) -> Store:
        return self._store

    @property
    def open_sessions(self) -> int:
        return len(self._live)

    @property
    def open_streams(self) -> int:
        """Sessions, and the calls beside them that take a place."""
        return len(self._live) + len(self._streams)

    def is_live(self, session_id: str) -> bool:
        return session_id in self._live

    @asynccontextmanager
    async def open(self, config: SessionConfig, caller: Caller) -> AsyncIterator[Session]:
        """A session to run. One that is open under the same id is ended first; its memory goes on. One that
        is open elsewhere ends as soon as it sees that it was taken (`session/memory.py`)."""
        session_id, owner = config.session_id, caller.owner
        async with self._opening.setdefault(session_id, asyncio.Lock()):
            self._check_room(caller.account, session_id)
            await self._supersede(session_id, owner)
            lease = await self._store.take(session_id, owner)
            if lease is None:
                raise _forbidden(session_id)
            self._check_room(caller.account, session_id)
            memory = Memory.of(self._store, session_id, owner, lease)
            memory.persona = config.persona
            session = Session(self._shared, config, memory, caller.account)
            self._live[session_id] = (session, owner)
        try:
            with caller.account.stream():
                yield session
        finally:
            session.closed.set()
            if self._live.get(session_id, (None,))[0] is session:
                del self._live[session_id]

    @asynccontextmanager
    async def admit(self, account: Account) -> AsyncIterator[StreamLifetime]:
        """A call that is no session, such as Transcribe: takes a place like one, and lasts no longer."""
        self._check_room(account)
        stream = StreamLifetime(self._limits)
        self._streams.add(stream)
        try:
            with account.stream():
                async with stream.lasting():
                    yield stream
        finally:
            self._streams.remove(stream)

    async def saved(self, session_id: str, owner: str) -> SavedSession:
        """Raises `NotFound` and `Forbidden`."""
        saved = await self._store.load(session_id)
        if saved is None:
            raise NotFound(f"no session {shown(session_id)}")
        _check_owner(saved.owner, owner, session_id)
        return saved

    async def delete(self, session_id: str, owner: str) -> None:
        """Ends its stream, if one is open, and erases it."""
        async with self._opening.setdefault(session_id, asyncio.Lock()):
            if session_id not in self._live:
                await self.saved(session_id, owner)
            await self._supersede(session_id, owner, "the session was deleted")
            await self._store.delete(session_id)

    def drain(self, grace: float) -> None:
        """Nothing new; open sessions say GoAway and end when nobody speaks, other calls when they are done,
        and all of them after `grace` seconds at most."""
        self._is_draining = True
        for session, _ in self._live.values():
            session.end_with(Draining("the server goes away; open the session again elsewhere"), grace)
        for stream in self._streams:
            stream.end_with(Draining("the server goes away; call again elsewhere"), grace)

    async def wait_empty(self, grace: float) -> None:
        """Until all have ended, somewhat longer than `grace` seconds at most."""
        ends = [session.closed for session, _ in self._live.values()]
        ends += [stream.closed for stream in self._streams]
        try:
            async with asyncio.timeout(grace + 0.5):
                for closed in ends:
                    await closed.wait()
        except TimeoutError:
            left = sum(not closed.is_set() for closed in ends)
            log.error("%d streams did not end within %g s", left, grace)

    @property
    def has_room(self) -> bool:
        """A caller who has used none of its limits would be let in."""
        try:
            self._check_server()
        except ServerError:
            return False
        return True

    def _check_room(self, account: Account, session_id: str = "") -> None:
        """Raises `Draining`, `ServerFull` and `CallerLimit`. A session that is open already takes no place of
        its own."""
        if session_id not in self._live or self._is_draining:
            self._check_server()
            account.check_room()

    def _check_server(self) -> None:
        """Raises `Draining` and `ServerFull`."""
        if self._is_draining:
            raise Draining("the server goes away; open the session elsewhere")
        if self.open_streams >= self.max_sessions:
            raise ServerFull(f"all {self.max_sessions} sessions are taken; try again in a while")
        self.admission.check(loop_now(), self.open_streams)

    async def _supersede(self, session_id: str, owner: str, why: str = "superseded") -> None:
        entry = self._live.get(session_id)
        if entry is None:
            return
        session, session_owner = entry
        _check_owner(session_owner, owner, session_id)
        await self._store.epoch(session_id)  # raises where nobody could take it over: the old stream goes on
        session.end_with(Superseded(why))
        try:
            async with asyncio.timeout(SUPERSEDE_SECONDS):
                await session.closed.wait()
        except TimeoutError:
            log.error("session %s: its old stream did not end within %g s", session_id, SUPERSEDE_SECONDS)


def _check_owner(of_session: str, caller: str, session_id: str) -> None:
    if of_session != caller:
        raise _forbidden(session_id)


def _forbidden(session_id: str) -> Forbidden:
    return Forbidden(f"session {shown(session_id)} belongs to somebody else")
