"""How much voice is speech: speech probabilities in; SpeechStarted, SpeechFaded and SpeechEnded out, and
SpeechHinted at the first sound, which SpeechDismissed takes back.

How long a silence must last to end the *turn* is not decided here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ..audio import RATE_HZ, WINDOW, seconds
from ..events import SpeechDismissed, SpeechEnded, SpeechFaded, SpeechHinted, SpeechStarted


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    threshold: float = 0.5
    """Probability from which a window is speech; Silero's own default."""
    threshold_thinking: float | None = None
    """The same while an answer is being made; None: `threshold`."""
    threshold_speaking: float | None = None
    """The same while an answer is heard; None: `threshold`."""
    min_speech: float = 0.06
    """Seconds of speech that make a start: two windows. A click is shorter."""
    soft_end: float = 0.096
    """Seconds of silence that make an end: three windows. Shorter gaps are stops within words."""
    hysteresis: float = 0.15
    """Once speaking, a window is silence only below `threshold` minus this (Silero's own)."""


FAR_BELOW = 10 ** (-25 / 20)
"""Of the loudest window: what is softer is an echo, a breath or the room; final syllables are louder."""

LAG = 0.16
"""Seconds for which a detector may go on after the voice (Silero: 64 in the median, 0.09 in nine of ten);
who is that soft for longer speaks softly."""

_SOFT_FADE = 3 * WINDOW
"""Samples of sound so soft that are a fade before the detector lets go. So nine in ten sentences of the bench
fade within 126 ms of their end, not 161, and 21 times in 78 s of them speech went on behind a fade, not 11;
with two windows it would be 91 ms and 64 times."""

_FADING = 0.995
"""By which the loudest window counts less with each that follows: half after 4.4 s."""


class Endpointer:
    """One stream of windows, `WINDOW` samples each, in order.

    Sound that is missing between two of them is neither speech nor silence: no time passed in it.
    """

    def __init__(self, settings: Callable[[], EndpointSettings]) -> None:
        """`settings` gives those in force, whenever one is needed."""
        self._settings = settings
        self.is_speech = False
        self._run = 0
        """Samples of speech that may be a start; once speaking, of silence that may be an end."""
        self._last_voiced = 0
        self._soft = 0
        """Samples at the end of the voice that are too soft to be its own."""
        self._loudest = 0.0
        self._faded = -1
        """Where the fade was that was told last."""

    def is_voiced(self, probability: float) -> bool:
        """Whether a window of `probability` keeps speech going."""
        settings = self._settings()
        return probability >= settings.threshold - settings.hysteresis

    @property
    def is_fading(self) -> bool:
        """Somebody spoke, and by the last window does not: it held no voice, or so little that the detector
        only has not let go yet."""
        return self.is_speech and (self._run > 0 or self._soft > 0)

    def feed(
        self, probability: float, end: int, level: float = 1.0
    ) -> SpeechHinted | SpeechDismissed | SpeechStarted | SpeechFaded | SpeechEnded | None:
        """The window that ends before sample `end` (at `RATE_HZ`) is speech with `probability`; `level`: its
        RMS in units of full scale, which counts once somebody speaks."""
        if self.is_speech:
            return self._listen_for_end(probability, end, level)
        return self._listen_for_start(probability, end)

    def stop(self, position: int) -> SpeechEnded | None:
        """Nothing more is heard from `position` on: the microphone was closed."""
        self._run = 0
        if not self.is_speech:
            return None
        self.is_speech = False
        return SpeechEnded(self._last_voiced, seconds(position - self._last_voiced), 0.0)

    def _listen_for_start(
        self, probability: float, end: int
    ) -> SpeechHinted | SpeechDismissed | SpeechStarted | None:
        before = self._run
        self._run = before + WINDOW if probability >= self._settings().threshold else 0
        speech = seconds(self._run)
        onset = end - self._run
        if not self._run:
            return SpeechDismissed() if before else None
        if speech < self._settings().min_speech:
            return None if before else SpeechHinted(onset, speech)
        self.is_speech, self._run, self._last_voiced, self._soft = True, 0, end, 0
        return SpeechStarted(onset, speech, probability)

    def _listen_for_end(self, probability: float, end: int, level: float) -> SpeechFaded | SpeechEnded | None:
        if self.is_voiced(probability):
            self._run = 0
            self._loudest = max(level, _FADING * self._loudest)
            is_loud = level > FAR_BELOW * self._loudest
            self._soft = 0 if is_loud else min(self._soft + WINDOW, round(LAG * RATE_HZ))
            self._last_voiced = end - self._soft
            return self._fade() if self._soft == _SOFT_FADE else None
        self._run += WINDOW
        silence = seconds(self._run)
        if silence < self._settings().soft_end:
            return self._fade() if self._run == WINDOW else None
        self.is_speech, self._run = False, 0
        return SpeechEnded(self._last_voiced, silence + seconds(self._soft), probability)

    def _fade(self) -> SpeechFaded | None:
        """Told once of one place."""
        if self._faded == self._last_voiced:
            return None
        self._faded = self._last_voiced
        return SpeechFaded(self._last_voiced)
