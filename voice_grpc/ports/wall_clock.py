"""The time of day, as what is kept bears it.

A file of its own: whoever needs it takes it as an argument that this is the default of, and measures nothing
by it, since it may be set back.
"""

from datetime import UTC, datetime


def unix_now() -> float:
    """Unix seconds."""
    return datetime.now(UTC).timestamp()
