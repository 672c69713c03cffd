"""How far ahead of the ear sound is sent: the lead that was asked for, at the client, and more of it where
the client says that playing runs dry.

What a client has waiting is less than what was sent ahead of it: some is on its way there, and the report of
what was played was on its way here. Both ways together are told by a report that says how much has arrived.

Pure accounts; times are monotonic seconds.
"""

from collections import deque

MOST_LEAD = 0.4
"""Seconds, as far as the lead grows: enough for a line of 150 ms that loses one segment in a
hundred, each for 350 ms."""
GROWTH = 0.2
"""Seconds by which it grows each time that playing ran dry."""
LOW = 0.08
"""Seconds still waiting at the client at which it nearly has: two chunks."""
LOW_GROWTH = 0.1
"""The same, for each report of so little."""
EASE = 0.02
"""Seconds by which it falls back after an answer without either."""

MOST_WAY = 0.3
"""Seconds of the way there and back that are counted at most: what is slower is stuck, and not far away."""
REMEMBERED = 20
"""Reports whose shortest way counts: two seconds of them. A jitter or a stall makes some of them longer."""
CONTINUOUS = 0.1
"""Seconds between two chunks within which they are one flow: behind a longer gap the last chunk has been
there for nobody knows how long."""
KEPT_CHUNKS = 64
"""Of which it is known when they left: more than the lead and the way hold."""


class PlayoutLead:
    """Of one session."""

    def __init__(self) -> None:
        self._grown = 0.0

    def seconds(self, asked: float) -> float:
        """`asked`: by the client, for all is well."""
        return max(asked, min(MOST_LEAD, asked + self._grown))

    def ran_dry(self, times: int) -> None:
        self._grow(times * GROWTH)

    def ran_low(self) -> None:
        self._grow(LOW_GROWTH)

    def went_well(self) -> None:
        """An answer was played without a gap."""
        self._grown = max(0.0, self._grown - EASE)

    def _grow(self, seconds: float) -> None:
        self._grown = min(MOST_LEAD, self._grown + seconds)


class AnswerLead:
    """Of one answer: what the reports of it say about the lead of its session."""

    def __init__(self, lead: PlayoutLead, asked: float) -> None:
        """`asked`: as in `PlayoutLead.seconds`."""
        self._lead, self._asked = lead, asked
        self._underruns = 0
        self._has_gap = False

    @property
    def seconds(self) -> float:
        return self._lead.seconds(self._asked)

    def report(self, underruns: int, left: float) -> None:
        """`underruns`: so far, those aside that were for want of sound here. `left`: seconds that wait at the
        client; infinite where it does not matter, or nobody knows."""
        if underruns > self._underruns:
            self._lead.ran_dry(underruns - self._underruns)
        elif left < LOW:
            self._lead.ran_low()
        else:
            return
        self._underruns, self._has_gap = max(underruns, self._underruns), True

    def end(self) -> None:
        """It was played to its end."""
        if not self._has_gap:
            self._lead.went_well()


class Way:
    """From the server to the client's buffer and back, of the sound of one answer."""

    def __init__(self) -> None:
        self._left: deque[tuple[int, float]] = deque(maxlen=KEPT_CHUNKS)
        """The end of each chunk, in samples, and when it left."""
        self._ways: deque[float] = deque(maxlen=REMEMBERED)

    @property
    def seconds(self) -> float:
        """0.0 while no report tells it."""
        return min(min(self._ways, default=0.0), MOST_WAY)

    def sent(self, end: int, now: float) -> None:
        """A chunk left that ends before the sample `end`."""
        self._left.append((end, now))

    def arrived(self, samples: int, now: float) -> None:
        """A report says that so many samples of the answer have come to the client. More than were sent tells
        nothing."""
        if not self._left or samples > self._left[-1][0]:
            return
        while self._left[0][0] < samples:
            self._left.popleft()
        if len(self._left) < 2:
            return
        (_, left_at), (_, next_at) = self._left[0], self._left[1]
        if next_at - left_at <= CONTINUOUS:
            self._ways.append(now - left_at)
