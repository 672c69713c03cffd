"""How long an engine elsewhere is waited for. Vendors' clients bound a connection, never a whole stream.

A file of its own: every engine behind a network takes these three numbers, and none of them owns them.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds, each well within the 6.5 s that a turn has before it is apologised for."""

    connect: float = 1.5
    first: float = 3.5
    """From the request to the first output."""
    between: float = 2.5
    """From one output to the next."""
