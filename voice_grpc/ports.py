"""What a session needs from the world. Engines and stores implement these; sessions know nothing else.

Every engine is loaded once, warmed before the server says SERVING, shared by all sessions,
and never blocks the event loop: what computes, computes in threads that the engine owns.
A failure is an `EngineError`; every coroutine and iterator here may be cancelled at any
await, and the work behind it stops then.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .core.audio import Floats, Samples
from .core.conversation import Message


class Clock(Protocol):
    def now(self) -> float:
        """Monotonic seconds."""
        ...


class Engine(Protocol):
    """What all four stages share."""

    @property
    def name(self) -> str:
        """Model and version for people, such as `whisper-base int8`."""
        ...

    @property
    def location(self) -> str:
        """Where it runs: `in process`, or the address without any secret."""
        ...

    async def warm(self) -> None:
        """Load and run once, so that the first user waits for nothing."""
        ...

    async def close(self) -> None:
        """Stop what runs and free it; returns within 2 s."""
        ...


class VadStream(Protocol):
    async def probability(self, window: Floats) -> float:
        """That the next `WINDOW` samples at `RATE_HZ` hold speech: 0 to 1. Windows are consecutive."""
        ...


class Vad(Engine, Protocol):
    def open(self) -> VadStream:
        """A fresh stream state for one session."""
        ...


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
    stability: float = 1.0
    """How likely the text is to stay as it is, 0 to 1."""
    words: tuple[Word, ...] = ()
    """With times; empty where the engine gives none."""


@dataclass(frozen=True, slots=True)
class SttOptions:
    languages: tuple[str, ...] = ()
    """BCP 47 tags in order of preference; one is used as it is, none or several are detected among."""
    prompt: str = ""
    """Words to expect: names, jargon."""


class SttStream(Protocol):
    """One utterance. It may be asked for its text at any time, and fed on afterwards."""

    def feed(self, samples: Samples) -> None:
        """The next samples at `RATE_HZ`. Cheap; never blocks."""
        ...

    async def interim(self) -> Transcription | None:
        """What it sounds like so far; None while the engine has no room to look."""
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

    def open(self, options: SttOptions) -> SttStream: ...


@dataclass(frozen=True, slots=True)
class Prompt:
    instructions: str
    messages: tuple[Message, ...]
    """Oldest first; the last is the user's."""
    language: str = ""
    """BCP 47; the answer should be in it. Empty: the language of the user."""
    max_tokens: int = 256
    temperature: float | None = None
    """None: the engine's own."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0


class Llm(Engine, Protocol):
    def stream(self, prompt: Prompt) -> AsyncGenerator[TextDelta | Usage, None]:
        """The answer as it is made; `Usage`, where it is known, comes last. `aclose` stops the work."""
        ...


@dataclass(frozen=True, slots=True)
class Voice:
    id: str
    language: str
    """BCP 47."""
    engine: str
    description: str = ""
    sample_rate_hz: int = 0
    """The native rate."""


@dataclass(frozen=True, slots=True)
class VoiceChoice:
    id: str = ""
    """Empty: the engine's default for `language`."""
    language: str = ""
    rate: float = 1.0
    """Speaking rate, 0.5 to 2; 1 is normal."""


@dataclass(frozen=True, slots=True)
class Clause:
    index: int
    """Rising from 0 within one answer."""
    text: str


@dataclass(frozen=True, slots=True)
class Speech:
    """Some sound of one clause. A clause may come in several; they come in the order of the clauses."""

    clause_index: int
    samples: Samples
    """At the engine's `sample_rate_hz`."""


class Tts(Engine, Protocol):
    @property
    def sample_rate_hz(self) -> int: ...

    async def voices(self) -> Sequence[Voice]: ...

    def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        """Say clauses as they come, one after the other. Raises `EngineError` for an unknown voice.

        `aclose` stops the work.
        """
        ...


@dataclass(frozen=True, slots=True)
class Apology:
    """What is said when a turn cannot be answered; made at start, since the voice may be what failed."""

    text: str
    samples: Samples
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class Engines:
    """One of each stage, shared by all sessions."""

    vad: Vad
    stt: Stt
    llm: Llm
    tts: Tts
    apology: Apology


@dataclass(frozen=True, slots=True)
class SavedSession:
    id: str
    owner: str
    """Who may read it; empty where the server asks for no credentials."""
    created_at: float
    """Unix seconds."""
    updated_at: float
    last_turn: int
    persona: str
    language: str
    messages: tuple[Message, ...]


class Store(Protocol):
    """Keeps conversations. Survives a kill at any moment with the last saved state whole."""

    async def load(self, session_id: str) -> SavedSession | None: ...

    async def save(self, session: SavedSession) -> None: ...

    async def sessions(self, owner: str, limit: int, before: float | None) -> Sequence[SavedSession]:
        """Newest first, without their messages, at most `limit`, updated before `before` (Unix seconds)."""
        ...

    async def delete(self, session_id: str) -> bool:
        """True when there was one."""
        ...

    async def close(self) -> None: ...
