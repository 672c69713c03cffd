"""The conversation of one session and its copy in the store, written after every turn, off the loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..core.conversation import Conversation
from ..core.errors import VoiceError
from ..core.responses import Notice
from ..core.tools import ToolUse
from ..ports import SavedSession, Store
from .notices import forgotten_notice, unanswered_notice

log = logging.getLogger(__name__)

LAST_SAVE_SECONDS = 2.0
"""For the last save of a session that ends."""


def unix_now() -> float:
    return datetime.now(UTC).timestamp()


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
    owner: str = ""
    persona: str = "default"
    language: str = ""
    last_turn: int = 0
    created_at: float = field(default_factory=unix_now)
    is_resumed: bool = False
    conversation: Conversation = field(default_factory=Conversation)
    _dirty: asyncio.Event = field(default_factory=asyncio.Event)
    _told: set[Callable[[], Notice]] = field(default_factory=set)
    """Of what gives way, what was told: once a stream."""

    @classmethod
    def of(cls, store: Store, session_id: str, owner: str, saved: SavedSession | None) -> "Memory":
        if saved is None:
            return cls(store, session_id, owner)
        USE_TIMES.seen(saved.updated_at)
        return cls(
            store,
            session_id,
            owner,
            saved.persona,
            saved.language,
            saved.last_turn,
            saved.created_at,
            is_resumed=True,
            conversation=Conversation(saved.messages),
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

    async def keep(self, on_error: Callable[[VoiceError], None]) -> None:
        """Save whenever something changed, for ever; a change while saving is saved next."""
        while True:
            await self._dirty.wait()
            self._dirty.clear()
            try:
                await self.store.save(self._snapshot())
            except VoiceError as error:
                on_error(error)

    async def save_last(self) -> None:
        """At the end of a session, however it ends; not waited for long."""
        try:
            async with asyncio.timeout(LAST_SAVE_SECONDS):
                await self.store.save(self._snapshot())
        except (VoiceError, TimeoutError) as error:
            log.error("session %s: the last save failed: %s", self.session_id, error)

    def _snapshot(self) -> SavedSession:
        return SavedSession(
            self.session_id,
            self.owner,
            self.created_at,
            USE_TIMES.now(),
            self.last_turn,
            self.persona,
            self.language,
            self.conversation.messages,
        )
