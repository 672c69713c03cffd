"""The conversations of this server and the streams that are open: admission, one stream a conversation, whose
it is, what waits for its caller to come back, and the drain of them all."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from weakref import WeakValueDictionary

from ..core.admission import AdmissionControl
from ..core.config import SessionConfig
from ..core.errors import (
    Draining,
    NotFound,
    ServerError,
    ServerFull,
    shown,
)
from ..core.quota import Account
from ..core.requests import ComeBack
from ..core.resume_token import UnusableToken
from ..ports import Observers, Recorder, SavedSession, SessionIdentity, Store
from ..session.clock import loop_now
from ..session.context import Shared
from ..session.memory import Memory
from ..session.session import Session
from .callers import Caller
from .conversations import CLOSING_SECONDS, Conversations, check_owner, forbidden
from .load_watch import LoadWatch
from .parking import NOBODY_RETURNS, ParkingRules
from .streams import StreamLifetime
from .watched import SessionWatch

log = logging.getLogger(__name__)


class SessionRegistry:
    def __init__(
        self,
        shared: Shared,
        store: Store,
        max_sessions: int,
        admission: AdmissionControl | None = None,
        parking: ParkingRules = NOBODY_RETURNS,
    ) -> None:
        """`shared`: what all sessions will have in common; the registry looks on too. `admission`: None: one
        that is on."""
        self._store, self.max_sessions = store, max_sessions
        self.admission = admission or AdmissionControl()
        self.load = LoadWatch(self.admission)
        self._shared = replace(shared, observer=Observers(self.load, shared.observer), tokens=parking.tokens)
        self.conversations = Conversations(store, parking, shared.observer)
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._streams: set[StreamLifetime] = set()
        """The open calls that are no session."""
        self._is_draining = False

    @property
    def store(self) -> Store:
        return self._store

    @property
    def open_sessions(self) -> int:
        return self.conversations.carried

    @property
    def open_streams(self) -> int:
        """Sessions, and the calls beside them that take a place. One whose line was lost takes none."""
        return self.open_sessions + len(self._streams)

    def is_live(self, session_id: str) -> bool:
        """A stream is open on it."""
        return self.conversations.is_carried(session_id)

    @asynccontextmanager
    async def open(
        self, config: SessionConfig, caller: Caller, come_back: ComeBack | None = None
    ) -> AsyncIterator[tuple[Session, SessionWatch]]:
        """A session to carry, and who tells of its lines. One that is open under the same id is ended first,
        and its memory goes on; one that is open elsewhere ends as soon as it sees that it was taken
        (`session/memory.py`). To who comes back it is the same one, where it is here. Left without having
        ended, it is parked.

        Raises `UnusableToken` for who comes back to one of which nothing is kept."""
        session_id, owner = config.session_id, caller.owner
        async with self._opening.setdefault(session_id, asyncio.Lock()):
            self._check_room(caller.account, session_id, is_move=come_back is not None)
            known = self.conversations
            session = await known.held(config, owner) if come_back is not None else None
            if session is None:
                await known.end(session_id, owner)
                session = await self._taken(config, caller, come_back)
            line = known.line_opens(session_id, session)
            watch = known.watches.get(session) or SessionWatch(self._shared.observer, session)
        try:
            with caller.account.stream():
                yield session, watch
        finally:
            known.line_over(session_id, session, line)

    async def _taken(self, config: SessionConfig, caller: Caller, come_back: ComeBack | None) -> Session:
        """From the store. Raises `UnusableToken`, and nothing is taken: whoever still has it may save it."""
        session_id, owner = config.session_id, caller.owner
        if come_back is not None and await self._store.load(session_id) is None:
            raise UnusableToken("nothing is kept of its conversation")
        lease = await self._store.take(session_id, owner)
        if lease is None:
            raise forbidden(session_id)
        self._check_room(caller.account, session_id, is_move=come_back is not None)
        memory = Memory.of(self._store, session_id, owner, lease)
        memory.persona = config.persona
        identity = SessionIdentity(session_id, caller.trace)
        session = Session(self._shared, config, memory, caller.account, identity, come_back)
        self.conversations.begin(session_id, session, owner)
        return session

    @asynccontextmanager
    async def admit(self, account: Account) -> AsyncIterator[StreamLifetime]:
        """A call that is no session, such as Transcribe: takes a place like one, and is to last no longer, by
        the `lasting` of what is yielded."""
        self._check_room(account)
        stream = StreamLifetime(self._shared.limits)
        self._streams.add(stream)
        try:
            with account.stream():
                yield stream
        finally:
            self._streams.remove(stream)

    async def saved(self, session_id: str, owner: str | None) -> SavedSession:
        """`owner`: of whom it has to be; None: of anybody. Raises `NotFound` and `Forbidden`."""
        saved = await self._store.load(session_id)
        if saved is None:
            raise NotFound(f"no session {shown(session_id)}")
        check_owner(saved.owner, owner, session_id)
        return saved

    async def delete(self, session_id: str, owner: str | None) -> None:
        """Ends its stream, if one is open, and erases it with its recordings; these also where nothing else
        is left of it. What could not be erased is there to be deleted again. `owner` as in `saved`."""
        async with self._opening.setdefault(session_id, asyncio.Lock()):
            try:
                whose = self.conversations.owner(session_id)
                if whose is None:
                    whose = (await self.saved(session_id, owner)).owner
            except NotFound:
                if owner is None or not await _erased(self._shared.recorder, session_id, owner):
                    raise
                return
            await self.conversations.end(session_id, owner, "the session was deleted")
            await _erased(self._shared.recorder, session_id, whose)
            await self._store.delete(session_id)

    def drain(self, grace: float) -> None:
        """Nothing new; open sessions say GoAway and end when nobody speaks, other calls when they are done,
        and all of them after `grace` seconds at most."""
        self._is_draining = True
        self.conversations.drain(grace)
        for stream in self._streams:
            stream.end_with(Draining("the server goes away; call again elsewhere"), grace)

    async def wait_empty(self, grace: float) -> None:
        """Until all streams have ended, somewhat longer than `grace` seconds at most."""
        ends = [*self.conversations.lines, *(stream.closed for stream in self._streams)]
        try:
            async with asyncio.timeout(grace + CLOSING_SECONDS):
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

    def _check_room(self, account: Account, session_id: str = "", *, is_move: bool = False) -> None:
        """Raises `Draining`, `ServerFull` and `CallerLimit`. A session that is open already takes no place of
        its own. `is_move`: of a conversation that was let in before, as of `Account.check_room`."""
        if not self.is_live(session_id) or self._is_draining:
            self._check_server(is_move=is_move)
            account.check_room(is_move=is_move)

    def _check_server(self, *, is_move: bool = False) -> None:
        """Raises `Draining` and `ServerFull`. One that was let in before is not refused for being late: that
        would lose it, and no delay is worth that."""
        if self._is_draining:
            raise Draining("the server goes away; open the session elsewhere")
        if self.open_streams >= self.max_sessions:
            raise ServerFull(f"all {self.max_sessions} sessions are taken; try again in a while")
        if not is_move:
            self.admission.check(loop_now(), self.open_streams)


async def _erased(recorder: Recorder | None, session_id: str, owner: str) -> bool:
    """True where there were recordings of it. Raises `StoreError`."""
    return recorder is not None and await recorder.delete(session_id, owner)
