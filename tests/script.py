"""Speech as a script: `user(0.0, 1.2, "hello"), pause(0.7), user(0.0, 0.4, "again")`.

Pure data → what a listener would tell of it, and when. Times are seconds from the start of the script.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from voice_grpc.core.audio import sample_count
from voice_grpc.core.events import Event, SpeechEnded, SpeechStarted
from voice_grpc.core.turn.endpointing import EndpointSettings

NOTICED_AFTER = 0.064
"""Two windows: how late the start of speech is noticed."""

ENDED_AFTER = EndpointSettings().soft_end
"""How late its end is noticed."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something of a script: quiet for `wait`, then `words` for `length`."""

    wait: float
    length: float = 0.0
    words: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The user speaks from `start` to `end`."""

    start: float
    end: float
    words: str


def user(wait: float, length: float, words: str) -> Part:
    """`wait` after the part before, the user says `words`, which takes `length`."""
    return Part(wait, length, words)


def pause(length: float) -> Part:
    return Part(length)


def spans(script: Iterable[Part]) -> list[Span]:
    """Where in the script the user speaks."""
    found, now = [], 0.0
    for part in script:
        start = now + part.wait
        now = start + part.length
        if part.length:
            found.append(Span(start, now, part.words))
    return found


def length(script: Iterable[Part]) -> float:
    return sum(part.wait + part.length for part in script)


def started(at: float = 0.0, speech: float = NOTICED_AFTER) -> SpeechStarted:
    """Noticed at `at`, `speech` after the onset."""
    return SpeechStarted(sample_count(max(0.0, at - speech)), speech, 0.9)


def ended(at: float = 0.0, silence: float = ENDED_AFTER) -> SpeechEnded:
    """Noticed at `at`, `silence` after the last voiced sample."""
    return SpeechEnded(sample_count(max(0.0, at - silence)), silence, 0.1)


def events(script: Iterable[Part]) -> list[tuple[float, Event]]:
    """What the endpointer tells of it, with the times at which it does."""
    told: list[tuple[float, Event]] = []
    for span in spans(script):
        noticed, over = span.start + NOTICED_AFTER, span.end + ENDED_AFTER
        told += [(noticed, started(noticed)), (over, ended(over))]
    return told
