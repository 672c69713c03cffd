"""Conversations whose line was lost: how long they wait for their callers, and how many of them.

What a conversation does while it waits is `session/lines/parking.py`'s. Here one waits for `window` seconds;
when there are more than may be, or they take more than they may, the one that has waited longest gives way.
What becomes of it then is said by who parks it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..core.resume_token import ResumeTokens
from ..session.session import Session

log = logging.getLogger(__name__)

MAX_BYTES = 256 * 2**20
"""That they may take, all together: 300 kB each with their sound and words at the least."""


@dataclass(frozen=True, slots=True)
class ParkingRules:
    tokens: ResumeTokens | None
    """With which callers come back, and for how long; None: nobody can, and a conversation ends with its
    line."""
    most: int
    """Conversations that wait."""
    most_bytes: int = MAX_BYTES


NOBODY_RETURNS = ParkingRules(None, 0)


@dataclass(frozen=True, slots=True)
class _Place:
    session: Session
    leaves: asyncio.TimerHandle


class ParkedSessions:
    def __init__(
        self,
        rules: ParkingRules,
        on_overdue: Callable[[str], None],
        on_crowded: Callable[[str], None],
    ) -> None:
        """`on_overdue` is told of one whose caller did not come back in time, `on_crowded` of one that gives
        way: by its id, once it is parked no more."""
        self._rules, self._on_overdue, self._on_crowded = rules, on_overdue, on_crowded
        self._window = rules.tokens.window if rules.tokens is not None else 0.0
        self._places: dict[str, _Place] = {}
        """The one that has waited longest first."""

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._places

    def park(self, session_id: str, session: Session) -> None:
        self.take(session_id)
        leaves = asyncio.get_running_loop().call_later(self._window, self._overdue, session_id)
        self._places[session_id] = _Place(session, leaves)
        log.info("session %s: its line was lost; it waits, as do %d in all", session_id, len(self))
        while self._is_crowded:
            oldest = next(iter(self._places))
            self.take(oldest)
            self._on_crowded(oldest)

    def take(self, session_id: str) -> None:
        """It is parked no more. Where it was not, nothing happens."""
        place = self._places.pop(session_id, None)
        if place is not None:
            place.leaves.cancel()

    @property
    def _is_crowded(self) -> bool:
        if len(self._places) > self._rules.most:
            return True
        taken = sum(place.session.kept_bytes for place in self._places.values())
        return taken > self._rules.most_bytes and bool(self._places)

    def _overdue(self, session_id: str) -> None:
        self.take(session_id)
        log.info("session %s: nobody came back within %g s", session_id, self._window)
        self._on_overdue(session_id)
