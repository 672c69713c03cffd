"""What came of looking at one thing that the settings name.

A file of its own: whatever is looked at, and whoever tells it, has the same.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CheckResult:
    stage: str
    engine: str
    """The name that the settings have for it."""
    model: str = ""
    where: str = ""
    is_reachable: bool | None = None
    """None: nothing was asked."""
    works: bool = False
    warm_ms: float | None = None
    """Milliseconds to load it, or to connect and make the first call."""
    latency_ms: float | None = None
    """Milliseconds of a call when it is warm, to its first output; of those who listen to their last."""
    voice: str = ""
    result: str = ""
    """What was written, or heard; of the end of a turn how likely it is; of what is no engine what is worth a
    note."""
    error: str = ""
    fix: str = ""
