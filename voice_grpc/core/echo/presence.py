"""Whether anything of the answer comes back at all: `EchoPresence`.

A canceller that has not heard an echo yet expects one, and takes a voice that speaks over the answer for it:
AEC3 left 0 to 30 % of the first second of such a voice in the first five seconds of an answer. Whoever has a
headset, or sends no microphone's sound, is to be heard from the start: where the answer sounds and nothing
comes in, there is no echo, and what comes in later is the user. Sound of any kind while that is not known
leaves it open. Pure; a frame is what comes in at once, levels are root mean squares.
"""

from collections import deque

from ..audio import RATE_HZ, Samples, rms, sample_count

SILENT_SECONDS = 1.0
"""Of an answer that sounds while nothing comes in: an echo comes up to half a second late, and the place of
the ear is known to a third of one."""

LATE_SECONDS = 0.8
"""For which the loudest of an answer may still come in."""

AUDIBLE = 0.003
"""Level from which an answer sounds (-50 dBFS)."""

FAINTEST = 0.016
"""Of an echo, as a share of the answer (-36 dB): what is fainter wakes no detector."""


class EchoPresence:
    def __init__(self) -> None:
        self._far: deque[tuple[int, float]] = deque()
        """Where each frame of the answer ended, and its level: of the last `LATE_SECONDS`."""
        self._heard = 0
        """Samples so far, of all answers."""
        self._silent = 0
        """Samples in which an echo should have come and none did, without a break."""
        self._was_loud = False
        """Something came in since it was known that there is no echo."""

    @property
    def is_absent(self) -> bool:
        return self._silent >= SILENT_SECONDS * RATE_HZ

    def begin(self) -> None:
        """An answer begins. What came in over the last one may have been an echo after all, of a loudspeaker
        that was switched on meanwhile."""
        if self._was_loud:
            self._silent, self._was_loud = 0, False

    def add(self, near: Samples, far: Samples) -> None:
        """What came in, and what was played then."""
        self._heard += len(far)
        self._far.append((self._heard, rms(far)))
        while self._far[0][0] < self._heard - sample_count(LATE_SECONDS):
            self._far.popleft()
        loudest = max(level for _, level in self._far)
        if loudest < AUDIBLE:
            return
        if rms(near) <= FAINTEST * loudest:
            self._silent += len(near)
        elif self.is_absent:
            self._was_loud = True
        else:
            self._silent = 0
