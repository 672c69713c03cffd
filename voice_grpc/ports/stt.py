"""Ports of the listening side: is it speech, and what does it say."""

from dataclasses import dataclass, field
from typing import Protocol

from ..core.audio import Samples
from ..core.transcript.belief import TranscriptSegment
from .claim import NOBODY, Claim
from .engine import Engine, Fallback

INTERIM_AT_LEAST_S = 0.4
"""Seconds of speech before the first interim: a text of less only flickers."""


@dataclass(frozen=True, slots=True)
class Word:
    text: str
    start: float
    """Seconds from the first sample fed."""
    end: float


@dataclass(frozen=True, slots=True)
class Transcription:
    text: str
    """Stripped; empty when nothing was said."""
    language: str = ""
    """ISO 639-1, empty when not known."""
    words: tuple[Word, ...] = ()
    """With times; empty where the engine gives none."""
    segments: tuple[TranscriptSegment, ...] = ()
    """Stretches of `text`, in order, with what the engine thinks of each; empty where it does not say."""
    fallback: Fallback | None = None
    """It is not the work of the first engine of the chain."""


@dataclass(frozen=True, slots=True)
class SttOptions:
    languages: tuple[str, ...] = ()
    """BCP 47 tags in order of preference; one is used as it is, none or several are detected among."""
    prompt: str = ""
    """Words to expect: names, jargon."""
    claim: Claim = field(default=NOBODY, compare=False)
    """Of its finals; an interim is `PREPARED` at most."""


class SttStream(Protocol):
    """One utterance. It may be asked for its text at any time, and fed on afterwards.

    What is asked for is dropped by cancelling; an engine that works elsewhere stops the work there.
    """

    def feed(self, samples: Samples) -> None:
        """The next samples at `RATE_HZ`. Cheap; never blocks."""
        ...

    async def interim(self) -> Transcription | None:
        """What it sounds like so far; None while the engine has no room to look, and of less than
        `INTERIM_AT_LEAST_S`."""
        ...

    async def final(self) -> Transcription:
        """Everything fed so far, as well as the engine can. Asked again after every further `feed`."""
        ...

    async def close(self) -> None: ...


class Stt(Engine, Protocol):
    @property
    def languages(self) -> frozenset[str]:
        """ISO 639-1 codes it understands."""
        ...

    def has_room(self) -> bool:
        """A final asked for now is begun at once, on cores that nobody else waits for. Never true of one that
        computes elsewhere: there each one costs its owner something."""
        ...

    def is_alone(self) -> bool:
        """It has room, and one utterance is open at most: what is only useful takes nothing from anybody."""
        ...

    def open(self, options: SttOptions) -> SttStream:
        """A fresh utterance. Raises `EngineError`."""
        ...
