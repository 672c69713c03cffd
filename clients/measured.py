"""What a listener with a stopwatch would say of a recording, in seconds."""

from dataclasses import dataclass

from .recording import Recording
from .sound import INPUT_HZ, OUTPUT_HZ, Samples, audible_span


@dataclass(frozen=True, slots=True)
class Said:
    """A clip and when it was begun."""

    clip: Samples
    begins: float

    @property
    def onset(self) -> float:
        return self.begins + audible_span(self.clip, INPUT_HZ)[0] / INPUT_HZ

    @property
    def end(self) -> float:
        """Behind the last voiced sample."""
        return self.begins + audible_span(self.clip, INPUT_HZ)[1] / INPUT_HZ


def answer_delay(recording: Recording, said: Said) -> float | None:
    """From the end of what was said to the first audible sample of an answer; None: there is none."""
    heard = recording.answer.samples()[round(said.end * OUTPUT_HZ) :]
    first, last = audible_span(heard, OUTPUT_HZ)
    return first / OUTPUT_HZ if last else None
