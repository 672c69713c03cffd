"""The sessions that are open: admission, one stream a conversation, whose it is, and drain."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary

from ..core.config import SessionConfig
from ..core.errors import Draining, Forbidden, NotFound, ServerFull, Superseded
from ..ports import Engines, SavedSession, Store
from ..session.lifetime import SessionLimits
from ..session.memory import Memory
from ..session.session import Session

log = logging.getLogger(__name__)

SUPERSEDE_SECONDS = 5.0
"""For the old stream of a session to save its last words."""


class SessionRegistry:
    def __init__(self, engines: Engines, store: Store, limits: SessionLimits, max_sessions: int) -> None:
        self._engines, self._store = engines, store
        self._limits, self.max_sessions = limits, max_sessions
        self._live: dict[str, tuple[Session, str]] = {}
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._visitors = 0
        self._is_draining = False

    @property
    def store(self) -> Store:
        return self._store

    def is_live(self, session_id: str) -> bool:
        return session_id in self._live

    @asynccontextmanager
    async def open(self, config: SessionConfig, owner: str) -> AsyncIterator[Session]:
        """A session to run. One that is open under the same id is ended first; its memory goes on."""
        session_id = config.session_id
        async with self._opening.setdefault(session_id, asyncio.Lock()):
            self._admit(session_id)
            await self._supersede(session_id, owner)
            saved = await self._store.load(session_id)
            if saved is not None and saved.owner != owner:
                raise Forbidden(f"session {session_id!r} belongs to somebody else")
            self._admit(session_id)
            memory = Memory.of(self._store, session_id, owner, saved)
            memory.persona = config.persona
            session = Session(self._engines, config, memory, self._limits)
            self._live[session_id] = (session, owner)
        try:
            yield session
        finally:
            session.closed.set()
            if self._live.get(session_id, (None,))[0] is session:
                del self._live[session_id]

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[None]:
        """A stream that is no session, such as Transcribe: it takes a place like one."""
        self._admit("")
        self._visitors += 1
        try:
            yield
        finally:
            self._visitors -= 1

    async def saved(self, session_id: str, owner: str) -> SavedSession:
        """Raises `NotFound` and `Forbidden`."""
        saved = await self._store.load(session_id)
        if saved is None:
            raise NotFound(f"no session {session_id!r}")
        if saved.owner != owner:
            raise Forbidden(f"session {session_id!r} belongs to somebody else")
        return saved

    async def delete(self, session_id: str, owner: str) -> None:
        """Ends its stream, if one is open, and erases it."""
        async with self._opening.setdefault(session_id, asyncio.Lock()):
            if session_id not in self._live:
                await self.saved(session_id, owner)
            await self._supersede(session_id, owner, "the session was deleted")
            await self._store.delete(session_id)

    def drain(self, grace: float) -> None:
        """No new sessions; the open ones say GoAway and end when nobody speaks, `grace` seconds at most."""
        self._is_draining = True
        for session, _ in self._live.values():
            session.end_with(Draining("the server goes away; open the session again elsewhere"), grace)

    async def wait_empty(self, grace: float) -> None:
        """Until all have ended, somewhat longer than `grace` seconds at most."""
        try:
            async with asyncio.timeout(grace + 0.5):
                for session, _ in list(self._live.values()):
                    await session.closed.wait()
        except TimeoutError:
            log.error("%d sessions did not end within %g s", len(self._live), grace)

    def _admit(self, session_id: str) -> None:
        if self._is_draining:
            raise Draining("the server goes away; open the session elsewhere")
        if session_id not in self._live and len(self._live) + self._visitors >= self.max_sessions:
            raise ServerFull(f"all {self.max_sessions} sessions are taken; try again in a while")

    async def _supersede(self, session_id: str, owner: str, why: str = "superseded") -> None:
        entry = self._live.get(session_id)
        if entry is None:
            return
        session, session_owner = entry
        if session_owner != owner:
            raise Forbidden(f"session {session_id!r} belongs to somebody else")
        session.end_with(Superseded(why))
        try:
            async with asyncio.timeout(SUPERSEDE_SECONDS):
                await session.closed.wait()
        except TimeoutError:
            log.error("session %s: its old stream did not end within %g s", session_id, SUPERSEDE_SECONDS)
