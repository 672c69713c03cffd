"""How long what nobody uses is kept: conversations as long as the operator says, leases of none for a day.

A file of its own: every store keeps what it has for equally long.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ..ports.wall_clock import unix_now

DAY_SECONDS = 86_400

UNUSED_LEASE_SECONDS = DAY_SECONDS
"""For the lease of a conversation that is not there: it was deleted, or was taken by a process that was
killed before it saved anything. Whoever still holds it looks for it far more often."""


@dataclass(frozen=True, slots=True)
class Retention:
    days: float = 0.0
    """0: for ever."""
    now: Callable[[], float] = unix_now
    """Unix seconds."""

    @property
    def seconds(self) -> int:
        """0: for ever."""
        return max(1, round(self.days * DAY_SECONDS)) if self.days else 0

    def today(self) -> date:
        return datetime.fromtimestamp(self.now(), UTC).date()

    def oldest(self) -> float:
        """What was updated before this time, in Unix seconds, is kept no longer."""
        return self.now() - self.seconds if self.seconds else float("-inf")


FOR_EVER = Retention()
