"""The port of the voice: clauses in, sound out."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ..core.audio import Samples
from .claim import NOBODY, Claim
from .engine import Engine, Fallback


@dataclass(frozen=True, slots=True)
class Voice:
    id: str
    language: str
    """BCP 47."""
    engine: str
    description: str = ""
    sample_rate_hz: int = 0
    """The native rate."""
    renders_ssml: bool = False
    """Others say the words of an SSML clause without its marks."""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    id: str = ""
    """Empty: the engine's default for `language`. Of another language than `language`: the engine takes
    the one of its voices that is most like it."""
    language: str = ""
    """BCP 47, of what is to be said; empty: of the voice."""
    rate: float = 1.0
    """Speaking rate, 0.5 to 2; 1 is normal."""
    claim: Claim = field(default=NOBODY, compare=False)


@dataclass(frozen=True, slots=True)
class Clause:
    index: int
    """Rising from 0 within one answer."""
    text: str
    """What is said, without any marks."""
    ssml: str = ""
    """The same as a valid document `<speak>…</speak>`; empty where there is nothing but the text."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Some sound of one clause. A clause may come in several; they come in the order of the clauses."""

    clause_index: int
    samples: Samples
    rate_hz: int


TtsItem: TypeAlias = Speech | Fallback


class Tts(Engine, Protocol):
    async def voices(self) -> Sequence[Voice]:
        """All of them; kept by the engine, so that asking is cheap."""
        ...

    def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[TtsItem, None]:
        """Say clauses as they come, one after the other. Raises `EngineError` for an unknown voice.

        `aclose` stops the work.
        """
        ...
