"""A circuit breaker: an engine that keeps failing is left out for a while, then tried by one call.

    closed      every call goes through; `FAILURES` in a row open it, one that cannot get better does at once
    open        no call goes through until it has cooled; each time it fails again it cools twice as long
    half open   it has cooled: one call is the probe, the others still go elsewhere; its success closes it

No clock lives here: `now` is an argument, monotonic seconds. (M. Nygard, Release It!, 2007, ch. 5.)
"""

from dataclasses import dataclass

FAILURES = 3
"""In a row: one bad second of a vendor is no reason to leave it."""

COOLING_SECONDS, LONGEST_SECONDS = 10.0, 300.0


@dataclass(slots=True)
class Breaker:
    failures: int = 0
    """In a row."""
    cooling: float = 0.0
    """Seconds that it is left out; 0: closed."""
    reopens_at: float = 0.0
    is_probing: bool = False

    def is_closed(self) -> bool:
        return self.cooling == 0.0

    def allows(self, now: float) -> bool:
        """Whether a call may go through."""
        return self.is_closed() or (now >= self.reopens_at and not self.is_probing)

    def begin(self, now: float) -> None:
        """A call goes through, whether it was allowed or there was nothing else left."""
        if not self.is_closed() and now >= self.reopens_at:
            self.is_probing = True

    def succeeded(self) -> None:
        self.failures, self.cooling, self.is_probing = 0, 0.0, False

    def failed(self, now: float, *, for_good: bool = False) -> None:
        """`for_good`: it will not get better by itself, such as a wrong key."""
        self.failures += 1
        was_open, self.is_probing = not self.is_closed(), False
        if was_open or for_good or self.failures >= FAILURES:
            self.cooling = min(max(2 * self.cooling, COOLING_SECONDS), LONGEST_SECONDS)
            self.reopens_at = now + self.cooling

    def abandoned(self) -> None:
        """A call ended without a verdict: it was cancelled."""
        self.is_probing = False
