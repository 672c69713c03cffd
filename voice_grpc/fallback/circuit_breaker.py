"""A circuit breaker: an engine that keeps failing is left out for a while, then tried by one call.

| state ↓ / what | failed | failed for good | first output | whole answer |
|---|---|---|---|---|
| closed: every call goes through | open at the `FAILURES`th in a row | open | | forget the past |
| open: none does until it has cooled | counted | counted | closed | closed, forget |
| half open: cooled, one call is the probe | open, twice as long | the same | closed | closed, forget |

- The first output lets the others in again; only a whole answer makes the failures before it forgotten.
  So an engine that always breaks in the middle is left out too, and cools longer each time.
- A call that began before the circuit opened, or that went through because there was no other engine,
  is no probe: its failure makes nothing longer, its output closes the circuit all the same.
- A vendor that says itself for how long it is not to be asked (`SHORT_SECONDS` or more) opens the circuit at
  once and for so long, at most `LONGEST_SECONDS`.
- A probe that its caller gives up leaves the next call to be the probe; one of which nothing is heard any
  more blocks nobody for ever: `PROBE_SECONDS`.

No clock lives here: `now` is an argument, monotonic seconds. (M. Nygard, Release It!, 2007, ch. 5.)
"""

from dataclasses import dataclass

FAILURES = 3
"""How many in a row open the circuit: one bad second of a vendor is no reason to leave it."""

COOLING_SECONDS, LONGEST_SECONDS = 10.0, 300.0

SHORT_SECONDS = 1.5
"""Told waits of less than this are waited for in the turn, and say nothing of the turns to come."""

PROBE_SECONDS = 60.0
"""Longer than any answer that is still listened to."""


@dataclass(slots=True)
class CircuitBreaker:
    failures: int = 0
    """How many calls failed since the last whole answer."""
    cooling: float = 0.0
    """Seconds for which it is, or was last, left out; 0 once an answer was whole."""
    open_since: float | None = None
    """None: closed."""
    reopens_at: float = 0.0
    """When the circuit, if it is open, lets one call try again; monotonic seconds."""
    _probe_since: float | None = None

    def is_closed(self) -> bool:
        return self.open_since is None

    def is_probing(self, now: float) -> bool:
        return self._probe_since is not None and now - self._probe_since < PROBE_SECONDS

    def allows(self, now: float) -> bool:
        """Whether a call may go through."""
        return self.is_closed() or (now >= self.reopens_at and not self.is_probing(now))

    def begin(self, now: float) -> bool:
        """A call goes through, whether it was allowed or there was nobody else. True: it is the probe."""
        if self.is_closed() or not self.allows(now):
            return False
        self._probe_since = now
        return True

    def answered(self) -> None:
        """The first output of a call."""
        self.open_since = self._probe_since = None

    def succeeded(self) -> None:
        """A whole answer, or as much of one as was wanted."""
        self.answered()
        self.failures, self.cooling = 0, 0.0

    def failed(
        self, now: float, *, is_probe: bool = False, for_good: bool = False, told: float | None = None
    ) -> None:
        """`for_good`: it will not get better by itself, such as a wrong key. `told`: seconds after which it
        may be asked again, as it says."""
        self.failures += 1
        is_told = told is not None and told >= SHORT_SECONDS
        if is_probe:
            self._probe_since = None
        if self.is_closed() and (for_good or is_told or self.failures >= FAILURES):
            self.open_since = now
        elif not (is_probe or is_told) or self.is_closed():
            return
        if told is not None and is_told:
            self.cooling = min(told, LONGEST_SECONDS)
        else:
            self.cooling = min(max(2 * self.cooling, COOLING_SECONDS), LONGEST_SECONDS)
        self.reopens_at = now + self.cooling

    def abandoned(self, *, is_probe: bool = False) -> None:
        """A call ended without a verdict: whoever made it does not want it any more."""
        if is_probe:
            self._probe_since = None
