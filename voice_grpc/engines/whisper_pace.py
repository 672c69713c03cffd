"""How long one answer is waited for, when it may come in parts."""

import asyncio
from dataclasses import dataclass, field


@dataclass(slots=True)
class Pace:
    """The deadline of one answer, which moves while events come."""

    seconds: float
    longest: float
    between: float
    limit: asyncio.Timeout = field(init=False)
    has_begun: bool = False
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = asyncio.get_running_loop().time() + self.longest

    def go_on(self) -> None:
        self.has_begun = True
        now, due = asyncio.get_running_loop().time(), self.limit.when() or 0.0
        self.limit.reschedule(max(due, min(self._end, now + self.between)))

    def told(self) -> str:
        return "it stopped in the middle" if self.has_begun else f"nothing within {self.seconds:.1f} s"
