"""How loud the user of a session is, and whether a voice is somebody else's: far quieter, so further away.

The level of a stretch of speech is that of its louder windows, which a pause or a soft ending does not
change. The user's is the median of those that were answered lately. Where nobody was answered for a while
less is asked: somebody who has moved away from the microphone is not shut out for good.
"""

import math
from collections import deque
from statistics import median

FAR_DB = 12.0
"""So far below the user a voice is not the user's: at four times the distance, or behind a door."""
LOUD_SHARE = 0.7
"""Share of the windows of a stretch that are softer than its level."""
FEWEST_WINDOWS = 4
"""Of which a stretch has a level: 128 ms. A first syllable may be soft."""
LOUDEST_DB = -18.0
"""dBFS that a turn counts for at most: what is louder is shouted or clipped, and the user speaks on as
ever."""
REMEMBERED = 8
"""Turns of the user whose median counts."""
EASED_DB_A_MINUTE = 6.0
"""By which less is asked for each minute in which nobody was answered."""
MOST_WINDOWS = 2_048
"""Of one stretch, the last ones: a minute."""


class VoiceLevel:
    """Of one stretch of speech, window by window."""

    def __init__(self) -> None:
        self._windows: deque[float] = deque(maxlen=MOST_WINDOWS)

    def add(self, rms: float) -> None:
        """A voiced window; `rms` in units of full scale."""
        self._windows.append(rms)

    @property
    def is_known(self) -> bool:
        return len(self._windows) >= FEWEST_WINDOWS

    @property
    def db(self) -> float | None:
        """dBFS; None: too little was heard. Looks at all windows: not to be asked for each of them."""
        if not self.is_known:
            return None
        loud = sorted(self._windows)[int(LOUD_SHARE * len(self._windows))]
        return 20 * math.log10(max(loud, 1e-6))


class UserLevel:
    """Of one session. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._turns: deque[float] = deque(maxlen=REMEMBERED)
        self._learned_at = 0.0

    def learn(self, db: float | None, now: float) -> None:
        """A turn of that level was the user's."""
        if db is not None:
            self._turns.append(min(db, LOUDEST_DB))
            self._learned_at = now

    def below(self, db: float | None) -> float | None:
        """dB that a voice of that level is softer than the user's; None: not known."""
        return median(self._turns) - db if db is not None and self._turns else None

    def is_far(self, db: float | None, now: float) -> bool:
        """A voice of that level is somebody else's. False while the user's is not known."""
        softer = self.below(db)
        eased = EASED_DB_A_MINUTE * (now - self._learned_at) / 60
        return softer is not None and softer > FAR_DB + eased
