"""What somebody says, as a fake Whisper server comes to know it: the more sound, the more words."""

from dataclasses import dataclass, field

import numpy as np

from voice_grpc.core.audio import RATE_HZ, Floats

AUDIBLE = 1e-3
"""Of full scale; what is below is silence."""


@dataclass(frozen=True, slots=True)
class Spoken:
    text: str = "I would like to book a table for four people on Friday evening please"
    seconds: float = 2.0
    """That it takes to say, evenly."""

    @property
    def words(self) -> list[str]:
        return self.text.split()


@dataclass
class Ear:
    """Hears the words of `spoken` in whatever is audible."""

    spoken: Spoken
    rate_hz: int = RATE_HZ
    received: float = 0.0
    """Seconds of sound, silence included."""
    voiced: float = 0.0
    pieces: list[float] = field(default_factory=list)
    """Seconds of each message."""
    ends: list[float] = field(default_factory=list)
    """Of each word that was said: seconds received by then."""

    def hear(self, floats: Floats) -> None:
        self.pieces.append(len(floats) / self.rate_hz)
        self.received += self.pieces[-1]
        if np.abs(floats).max(initial=0.0) > AUDIBLE:
            self.voiced += len(floats) / self.rate_hz
        words = self.spoken.words
        said = min(len(words), int(len(words) * self.voiced / self.spoken.seconds + 1e-6))
        self.ends += [self.received] * (said - len(self.ends))

    def text(self, start: int = 0, *, behind: float = 0.0) -> str:
        """The words from `start` on that ended `behind` seconds ago."""
        known = sum(end <= self.received - behind + 1e-6 for end in self.ends)
        return " ".join(self.spoken.words[start:known])
