"""The conversation of one session and its copy in the store, written after every turn and every second of an
answer, off the audio path: what a server that is killed in mid-answer had said is in the history.

Who holds it is the store's to say (`ports/store.py`): everything is written with the epoch that it was taken
with, and where other processes could take it too it is asked every second whether one has.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from ..core.conversation import Conversation, Message
from ..core.errors import Superseded, VoiceError
from ..core.responses import Notice
from ..core.tools import ToolUse
from ..core.unfinished import UnderWay
from ..ports import Lease, SavedSession, Store
from ..ports.wall_clock import unix_now
from .telling.notices import forgotten_notice, unanswered_notice

log = logging.getLogger(__name__)

LAST_SAVE_SECONDS = 2.0
"""For the last save of a session that ends."""

LOOK_SECONDS = 1.0
"""Between two looks whether somebody else holds the conversation, between two tries to save it, and between
two saves of what was heard of an answer."""


class UseTimes:
    """When conversations were used, in Unix seconds that only rise: what is used later is listed as later,
    also where the wall clock was set back meanwhile. Then they go on from the latest of them,
    a microsecond at a time, until the clock has come as far."""

    def __init__(self, wall: Callable[[], float] = unix_now) -> None:
        self._wall, self._latest = wall, 0.0

    def now(self) -> float:
        self._latest = max(self._wall(), self._latest + 1e-6)
        return self._latest

    def seen(self, used_at: float) -> None:
        """A conversation of an earlier process was used then."""
        self._latest = max(self._latest, used_at)


USE_TIMES = UseTimes()
"""Of the conversations of this process."""


@dataclass(slots=True)
class Memory:
    """`last_turn` must rise before `changed` is called for the turn."""

    store: Store
    session_id: str
    epoch: int
    """Of the lease that it is held by."""
    owner: str = ""
    persona: str = "default"
    language: str = ""
    last_turn: int = 0
    created_at: float = field(default_factory=unix_now)
    is_resumed: bool = False
    conversation: Conversation = field(default_factory=Conversation)
    under_way: Callable[[], Message | None] | None = None
    """The answer that is being heard, as far as it was; None: there is none."""
    unfinished: Callable[[], UnderWay] | None = None
    """What another server needs to go on; None: nobody is to."""
    on_saved: Callable[[], None] = lambda: None
    """Called after each try to save it."""
    kept: UnderWay | None = None
    """What is in the store for another server."""
    _saved: Message | None = None
    """As it was saved last."""
    _is_unsaved: bool = False
    """A try to save it is under way, or failed."""
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    is_lost: bool = False
    """Somebody else holds it: nothing more is written."""
    _told: set[Callable[[], Notice]] = field(default_factory=set)
    """Of what gives way, what was told: once a stream."""

    @classmethod
    def of(cls, store: Store, session_id: str, owner: str, lease: Lease) -> "Memory":
        saved = lease.saved
        if saved is None:
            return cls(store, session_id, lease.epoch, owner)
        USE_TIMES.seen(saved.updated_at)
        return cls(
            store,
            session_id,
            lease.epoch,
            owner,
            saved.persona,
            saved.language,
            saved.last_turn,
            saved.created_at,
            is_resumed=True,
            conversation=Conversation(saved.messages),
            kept=saved.unfinished,
        )

    def tools_used(self, turn: int, uses: tuple[ToolUse, ...]) -> None:
        self.conversation.tools_used(turn, uses)
        self.changed()

    def user_said(self, turn: int, text: str) -> list[Notice]:
        """Returns what the caller is to be told of it. `text` empty: nothing, or it is there already."""
        if text:
            self.conversation.user_said(turn, text)
        self.last_turn = turn
        self.changed()
        found = {
            forgotten_notice: self.conversation.has_forgotten,
            unanswered_notice: self.conversation.is_cut_short,
        }
        due = [notice for notice, is_due in found.items() if is_due and notice not in self._told]
        self._told.update(due)
        return [notice() for notice in due]

    def changed(self) -> None:
        self._dirty.set()

    def went_on(self) -> None:
        """More of it is known that another server needs to go on."""
        if self.unfinished is not None:
            self.changed()

    @property
    def is_all_saved(self) -> bool:
        return not (self._dirty.is_set() or self._is_unsaved)

    async def keep(self, on_error: Callable[[VoiceError], None]) -> None:
        """Save whenever something changed, for ever; what changes while saving is saved next, in one.

        What could not be saved is tried again until the store is back; `on_error` is told once of each time
        that it was away. Raises `Superseded` once somebody else holds the conversation: at a save, or at a
        look. A look that fails says nothing: whoever could take the conversation has no store either.
        """
        is_behind = False
        while True:
            looks = is_behind or self.store.is_shared or self.under_way is not None
            is_due = await self._changes_within(LOOK_SECONDS if looks else None) or is_behind
            is_due = is_due or self._heard() != self._saved or self._has_gone_on()
            try:
                if is_due:
                    await self._save()
                    is_behind = False
                elif self.store.is_shared:
                    await self._look()
            except Superseded:
                raise
            except VoiceError as error:
                if is_due and not is_behind:
                    on_error(error)
                is_behind = is_behind or is_due

    def _has_gone_on(self) -> bool:
        """The answer that is under way, by what is written of it and heard."""
        now = self.unfinished() if self.unfinished is not None and self.under_way is not None else None
        return now is not None and (self.kept is None or now.answer != self.kept.answer)

    async def save_last(self) -> None:
        """At the end of a session, however it ends; not waited for long."""
        if self.is_lost:
            return
        try:
            async with asyncio.timeout(LAST_SAVE_SECONDS):
                await self._save()
        except Superseded:
            log.info("session %s: it goes on elsewhere", self.session_id)
        except (VoiceError, TimeoutError) as error:
            said = error if isinstance(error, VoiceError) else f"not done within {LAST_SAVE_SECONDS:g} s"
            log.error("session %s: the last save failed: %s", self.session_id, said)

    def _heard(self) -> Message | None:
        """Of the answer that is under way, what was heard so far."""
        return self.under_way() if self.under_way is not None else None

    async def save_now(self) -> None:
        """For whoever is to go on with it elsewhere. Raises `Superseded`; what fails otherwise is tried
        again by `keep`."""
        try:
            async with asyncio.timeout(LAST_SAVE_SECONDS):
                await self._save()
        except Superseded:
            raise
        except (VoiceError, TimeoutError):
            self.changed()

    async def _save(self) -> None:
        self._dirty.clear()
        self._saved, self._is_unsaved = self._heard(), True
        snapshot = self._snapshot()
        try:
            await self.store.save(snapshot, self.epoch)
            self.kept, self._is_unsaved = snapshot.unfinished, False
        except Superseded:
            self.is_lost = True
            raise
        finally:
            self.on_saved()

    async def _look(self) -> None:
        """A store that knows of nobody who holds it has lost it, and gets it again. Raises `Superseded`."""
        found = await self.store.epoch(self.session_id)
        if not found:
            self.changed()
        elif found != self.epoch:
            self.is_lost = True
            raise Superseded("superseded")

    async def _changes_within(self, seconds: float | None) -> bool:
        """Whether there is something to save; waits for it no longer than that, None: for ever."""
        try:
            async with asyncio.timeout(seconds):
                await self._dirty.wait()
        except TimeoutError:
            return False
        return True

    def _snapshot(self) -> SavedSession:
        return SavedSession(
            self.session_id,
            self.owner,
            self.created_at,
            USE_TIMES.now(),
            self.last_turn,
            self.persona,
            self.language,
            (*self.conversation.messages, *([self._saved] if self._saved is not None else [])),
            self.unfinished() if self.unfinished is not None else None,
        )
