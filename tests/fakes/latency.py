"""How long a vendor takes: lognormal profiles with measured medians, drawn from a seeded source.

The table is that of the latency study: medians and spreads of what users of these services measured.
"""

import math
import random
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Profile:
    median: float
    """Seconds."""
    sigma: float = 0.0
    """Of the logarithm; 0: always the median."""
    cap: float = math.inf
    """Seconds: nothing takes longer."""


PROFILES = {
    "zero": Profile(0.0),
    "constant-100": Profile(0.1),
    "stt-deepgram": Profile(0.047, 0.45),
    "stt-google": Profile(0.678, 0.21),
    "llm-gemini-2.5-flash": Profile(0.550, 0.26, 2.350),
    "llm-gemini-3.5-flash-lite": Profile(0.591, 0.08),
    "llm-gpt-4.1": Profile(0.536, 0.73),
    "llm-groq": Profile(0.098, 0.48),
    "tts-gradium": Profile(0.155, 0.01),
    "tts-cartesia": Profile(0.188, 0.39),
    "tts-aura2": Profile(0.313, 0.16),
}


def profile(text: str) -> Profile:
    """By name, or as `median/sigma` or `median/sigma/cap` in ms. Raises `ValueError`."""
    if text in PROFILES:
        return PROFILES[text]
    try:
        median, sigma, *cap = (float(part) for part in text.split("/"))
        return Profile(median / 1000, sigma, cap[0] / 1000 if cap else math.inf)
    except (ValueError, IndexError):
        accepted = f"MEDIAN/SIGMA[/CAP] in ms, or one of {', '.join(PROFILES)}"
        raise ValueError(f"profile: got {text!r}, accepted: {accepted}") from None


@dataclass(slots=True)
class Latency:
    """Draws from a profile; the same seed gives the same times."""

    profile: Profile = field(default_factory=lambda: PROFILES["zero"])
    seed: int = 0
    _random: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def draw(self) -> float:
        """Seconds."""
        if not self.profile.median:
            return 0.0
        drawn = self.profile.median * math.exp(self._random.gauss(0.0, self.profile.sigma))
        return min(drawn, self.profile.cap)
