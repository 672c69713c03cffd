"""Whether a server can bear one more conversation, by how late it is with those that it has.

A count says how many conversations may be there; how many can be borne depends on the machine, the models
and what else runs beside them. Three delays tell it, each against its limit:

    event loop    how late a timer runs: what every frame of every conversation waits for
    transcripts   from the end of speech to its final words, against what is normal here
    answers       from the end of speech to the first sound of the answer, likewise

What is normal is the lowest median of the last hour. While one delay is beyond its limit no conversation is
added; those that are there go on, and so do those whose callers come back. Nothing here reads a clock: time
is an argument, in monotonic seconds.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from .errors import ServerFull

LOOP_SECONDS = 5.0
"""Of looks at the event loop that count."""
LOOP_LIMIT = 0.05
"""Seconds, nine in ten of those looks: sound leaves some 0.2 s ahead of the ear, so that nobody hears it yet.
With 50 conversations on one core the loop is late by 14 ms at most (`python -m voice_grpc.bench
overhead`)."""
MOST_LOOKS = 256

RECENT_SECONDS, RECENT_TURNS = 60.0, 16
"""The turns whose median counts: how old they may be, and how many."""
FEWEST_TURNS = 5
"""Of which there is a median: one slow answer is no load."""
TIMES_NORMAL, AT_LEAST = 2.0, 0.5
"""The limit of a turn's delay: so many times its normal, and so many seconds more than it at least. Turns of
one conversation alone differ by a factor of two, by what is said in them."""

NORMAL_SECONDS, NORMAL_PARTS = 3_600.0, 6
"""For how long a median may be the lowest, and in how many parts that time is kept: a vendor that became
slower for good is normal an hour later."""


class Delay(StrEnum):
    """What is looked at, as a refusal and `GetServerInfo` name it."""

    LOOP = "event loop"
    TRANSCRIPT = "transcripts"
    ANSWER = "answers"


@dataclass(frozen=True, slots=True)
class DelayNow:
    """One delay and its limit, in seconds."""

    delay: Delay
    now: float
    limit: float

    @property
    def is_over(self) -> bool:
        return self.now > self.limit

    def __str__(self) -> str:
        return f"{self.delay} are late" if self.delay is not Delay.LOOP else f"the {self.delay} is late"


class LoopLateness:
    """By how much timers run too late."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float]] = deque(maxlen=MOST_LOOKS)

    def note(self, seconds: float, now: float) -> None:
        self._looks.append((now, seconds))

    def now(self, now: float) -> DelayNow | None:
        """None: nobody looked lately."""
        lately = sorted(late for at, late in self._looks if now - at <= LOOP_SECONDS)
        return DelayNow(Delay.LOOP, lately[len(lately) * 9 // 10], LOOP_LIMIT) if lately else None


class TurnDelay:
    """One delay of turns: what it is, and what it is normally."""

    def __init__(self, delay: Delay) -> None:
        self._delay = delay
        self._turns: deque[tuple[float, float]] = deque(maxlen=RECENT_TURNS)
        self._lowest: deque[tuple[int, float]] = deque(maxlen=NORMAL_PARTS)
        """(number of the part, lowest median in it), the oldest first."""

    def note(self, seconds: float, now: float) -> None:
        self._turns.append((now, seconds))
        if (typical := self._median(now)) is not None:
            part = int(now / NORMAL_SECONDS * NORMAL_PARTS)
            if self._lowest and self._lowest[-1][0] == part:
                typical = min(typical, self._lowest.pop()[1])
            self._lowest.append((part, typical))

    def now(self, now: float) -> DelayNow | None:
        """None: too few turns ended lately."""
        typical = self._median(now)
        if typical is None:
            return None
        normal = min(lowest for _, lowest in self._lowest)
        return DelayNow(self._delay, typical, max(TIMES_NORMAL * normal, normal + AT_LEAST))

    def _median(self, now: float) -> float | None:
        lately = [seconds for at, seconds in self._turns if now - at <= RECENT_SECONDS]
        return median(lately) if len(lately) >= FEWEST_TURNS else None


class AdmissionControl:
    """Of one server. Told what it took, it says whether it is to take on more."""

    def __init__(self, *, is_on: bool = True) -> None:
        """`is_on`: else it only tells, and lets in whoever comes."""
        self._is_on = is_on
        self.loop = LoopLateness()
        self.transcripts = TurnDelay(Delay.TRANSCRIPT)
        self.answers = TurnDelay(Delay.ANSWER)

    def delays(self, now: float) -> list[DelayNow]:
        """Those that are known."""
        known = (each.now(now) for each in (self.loop, self.transcripts, self.answers))
        return [each for each in known if each is not None]

    def check(self, now: float, open_streams: int) -> None:
        """Raises `ServerFull` where one more would be borne by those that are open. A server that has none
        refuses nobody: what makes it late is not its own."""
        over = [each for each in self.delays(now) if each.is_over]
        if self._is_on and over and open_streams:
            late = "; ".join(f"{each}: {each.now:.2f} s, at most {each.limit:.2f}" for each in over)
            raise ServerFull(f"no more sessions beside the {open_streams} that are open: {late}")
