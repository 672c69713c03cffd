"""How much voice is speech: speech probabilities in, SpeechStarted and SpeechEnded out.

How long a silence must last to end the *turn* is not decided here.
"""

from dataclasses import dataclass

from .audio import RATE_HZ, WINDOW, seconds
from .events import SpeechEnded, SpeechStarted


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    threshold: float = 0.5
    """Probability from which a window is speech; Silero's own default."""
    min_speech: float = 0.06
    """Seconds of speech that make a start: two windows. A click is shorter."""
    soft_end: float = 0.096
    """Seconds of silence that make an end: three windows. Shorter gaps are stops within words."""
    hysteresis: float = 0.15
    """Once speaking, a window is silence only below `threshold` minus this (Silero's own)."""


class Endpointer:
    """One stream of consecutive windows, `WINDOW` samples each."""

    def __init__(self, settings: EndpointSettings) -> None:
        self.settings = settings
        self.is_speech = False
        self._onset: int | None = None
        self._last_voiced = 0

    def feed(self, probability: float, end: int) -> SpeechStarted | SpeechEnded | None:
        """The window that ends before sample `end` (at `RATE_HZ`) is speech with `probability`."""
        if self.is_speech:
            return self._listen_for_end(probability, end)
        return self._listen_for_start(probability, end)

    def stop(self, position: int) -> SpeechEnded | None:
        """Nothing more is heard from `position` on: the microphone was closed."""
        self._onset = None
        if not self.is_speech:
            return None
        self.is_speech = False
        return SpeechEnded(self._last_voiced, seconds(position - self._last_voiced), 0.0)

    def _listen_for_start(self, probability: float, end: int) -> SpeechStarted | None:
        if probability < self.settings.threshold:
            self._onset = None
            return None
        if self._onset is None:
            self._onset = end - WINDOW
        speech = seconds(end - self._onset)
        if speech < self.settings.min_speech:
            return None
        self.is_speech, self._last_voiced = True, end
        return SpeechStarted(self._onset, speech, probability)

    def _listen_for_end(self, probability: float, end: int) -> SpeechEnded | None:
        if probability >= self.settings.threshold - self.settings.hysteresis:
            self._last_voiced = end
            return None
        silence = (end - self._last_voiced) / RATE_HZ
        if silence < self.settings.soft_end:
            return None
        self.is_speech, self._onset = False, None
        return SpeechEnded(self._last_voiced, silence, probability)
