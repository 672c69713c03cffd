"""Engines that do what they are told, when they are told: for tests, and for load without models.

They keep the ports' promises (cancellation, errors, order) and their delays are the event loop's
time, so that on a virtual-time loop a conversation takes no time at all.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core.audio import Floats, Samples, to_pcm16
from ..core.errors import EngineError
from ..core.transcript.belief import TranscriptSegment
from ..ports import (
    BLOCK,
    NOBODY,
    Apology,
    CallRequest,
    Claim,
    Clause,
    Engines,
    LlmItem,
    Prompt,
    Speech,
    SttOptions,
    TextDelta,
    Transcription,
    Usage,
    Voice,
    VoiceChoice,
    Word,
)

RATE_HZ = 24_000
SECONDS_A_CHARACTER = 0.06
"""About 16 characters a second: an unhurried speaker."""
HANG = 3600.0
"""As a delay: for ever."""


class ScriptedEngine:
    location = "scripted"
    is_embedded = False

    def __init__(self, name: str) -> None:
        self.name = name

    async def warm(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """There is nothing to free."""


class ScriptedVad(ScriptedEngine):
    """Speech is what is louder than -40 dBFS."""

    def __init__(self) -> None:
        super().__init__("loudness")

    def open(self) -> "ScriptedVad":
        return self

    async def probability(self, window: Floats) -> float:
        return float(np.dot(window, window) > 1e-4 * len(window))


@dataclass(slots=True)
class Hearing:
    """What is understood of one utterance, and when."""

    text: str
    delay: float = 0.0
    language: str = "en"
    error: EngineError | None = None
    sure: tuple[float, float] | None = None
    """Mean log probability, and that of no speech; None: it is not told."""
    words: tuple[Word, ...] = ()


class ScriptedStt(ScriptedEngine):
    """The utterances come out as written, one `Hearing` each; the last one again and again."""

    languages = frozenset({"de", "en", "es", "fr"})

    def __init__(self, hearings: Sequence[Hearing]) -> None:
        super().__init__("script")
        self._hearings = list(hearings)
        self.opened: list[SttOptions] = []
        self.finals = 0

    def has_room(self) -> bool:
        return False

    def is_alone(self) -> bool:
        return False

    def open(self, options: SttOptions) -> "_ScriptedSttStream":
        hearing = self._hearings[min(len(self.opened), len(self._hearings) - 1)]
        self.opened.append(options)
        return _ScriptedSttStream(self, hearing)


class _ScriptedSttStream:
    def __init__(self, stt: ScriptedStt, hearing: Hearing) -> None:
        self._stt, self._hearing = stt, hearing
        self._voiced = False

    def feed(self, samples: Samples) -> None:
        self._voiced = self._voiced or bool(samples.any())

    async def interim(self) -> Transcription | None:
        words = self._hearing.text.split()
        text = " ".join(words[: max(1, len(words) // 2)])
        return Transcription(text, self._hearing.language, segments=self._segments(text))

    async def final(self) -> Transcription:
        self._stt.finals += 1
        await asyncio.sleep(self._hearing.delay)
        if self._hearing.error is not None:
            raise self._hearing.error
        hearing = self._hearing
        if not self._voiced:
            return Transcription("", hearing.language)
        segments = self._segments(hearing.text)
        return Transcription(hearing.text, hearing.language, words=hearing.words, segments=segments)

    def _segments(self, text: str) -> tuple[TranscriptSegment, ...]:
        sure = self._hearing.sure
        return (TranscriptSegment(text, 0.0, None, *sure),) if sure else ()

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class ScriptedAnswer:
    """What the model writes, word by word, and when."""

    text: str
    first_token: float = 0.0
    a_token: float = 0.0
    calls: tuple[CallRequest, ...] = ()
    """Asked for after the last word of `text`."""
    error: EngineError | None = None
    """Raised after the last word of `text`."""
    hangs: bool = False
    """Instead of ending."""


class ScriptedLlm(ScriptedEngine):
    """One `ScriptedAnswer` a request; the last one again and again."""

    calls_tools = True

    def __init__(self, answers: Sequence[ScriptedAnswer]) -> None:
        super().__init__("script")
        self._answers = list(answers)
        self.prompts: list[Prompt] = []
        self.cancelled = 0
        self.open = 0

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        answer = self._answers[min(len(self.prompts), len(self._answers) - 1)]
        self.prompts.append(prompt)
        self.open += 1
        try:
            await asyncio.sleep(answer.first_token)
            words = answer.text.split(" ") if answer.text else []
            for place, word in enumerate(words):
                yield TextDelta(word if place == 0 else f" {word}")
                await asyncio.sleep(answer.a_token)
            for call in answer.calls:
                yield call
            if answer.hangs:
                await asyncio.sleep(HANG)
            if answer.error is not None:
                raise answer.error
            yield Usage(len(prompt.messages), len(words))
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        finally:
            self.open -= 1


@dataclass(slots=True)
class Voicing:
    """How the voice does, and when."""

    first_audio: float = 0.0
    error_at: int | None = None
    """The clause at which it fails."""
    hang_at: int | None = None
    is_silent: bool = False
    """It gives no sound at all."""


class ScriptedTts(ScriptedEngine):
    """Each clause is a tone of `SECONDS_A_CHARACTER` a character."""

    def __init__(self, voicing: Voicing | None = None) -> None:
        super().__init__("tone")
        self.voicing = voicing or Voicing()
        self.spoken: list[str] = []
        self.choices: list[VoiceChoice] = []

    async def voices(self) -> Sequence[Voice]:
        return [
            Voice("tone", "en-US", "scripted", "a tone", RATE_HZ),
            Voice("hum", "es-ES", "scripted", "a lower tone", RATE_HZ),
        ]

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        self.choices.append(voice)
        count = 0
        async for clause in clauses:
            await asyncio.sleep(self.voicing.first_audio)
            if count == self.voicing.hang_at:
                await asyncio.sleep(HANG)
            if count == self.voicing.error_at:
                raise EngineError("tts", "the voice broke")
            count += 1
            self.spoken.append(clause.text)
            if not self.voicing.is_silent:
                yield Speech(clause.index, tone(len(clause.text) * SECONDS_A_CHARACTER), RATE_HZ)


class ScriptedEndOfTurn(ScriptedEngine):
    """Implements `ports.AcousticEndOfTurn` and `ports.TextEndOfTurn`: the probabilities come out as written,
    the last one again and again."""

    def __init__(self, *probabilities: float, delay: float = 0.0, error: EngineError | None = None) -> None:
        super().__init__("verdicts")
        self._probabilities, self._delay, self._error = probabilities, delay, error
        self.asked: list[Samples | Prompt] = []
        self.read: list[Prompt] = []

    async def read_ahead(self, prompt: Prompt) -> None:
        self.read.append(prompt)
        if self._error is not None:
            raise self._error

    async def probability(self, heard: Samples | Prompt, claim: Claim = NOBODY) -> float:
        self.asked.append(heard)
        await asyncio.sleep(self._delay)
        if self._error is not None:
            raise self._error
        return self._probabilities[min(len(self.asked), len(self._probabilities)) - 1]


class ScriptedEcho(ScriptedEngine):
    """Implements `ports.EchoCanceller`: takes out exactly what it is given, so that only an echo that is
    neither late nor softer goes."""

    delay = 0

    def __init__(self, error: EngineError | None = None) -> None:
        super().__init__("subtraction")
        self.error = error
        self.opened = 0
        self.blocks = 0

    def open(self) -> "ScriptedEcho":
        self.opened += 1
        return self

    async def cleaned(self, near: Samples, far: Samples) -> Samples:
        if self.error is not None:
            raise self.error
        self.blocks += len(near) // BLOCK
        return (near.astype(np.int32) - far).clip(-32768, 32767).astype(np.int16)


def tone(seconds: float, hz: float = 440.0, rate_hz: int = RATE_HZ) -> Samples:
    """A sine at -12 dBFS."""
    return to_pcm16(0.25 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz))


@dataclass(frozen=True, slots=True)
class Script:
    """One of each, with the scripts at hand."""

    stt: ScriptedStt = field(default_factory=lambda: ScriptedStt([Hearing("hello there")]))
    llm: ScriptedLlm = field(default_factory=lambda: ScriptedLlm([ScriptedAnswer("Hello. How can I help?")]))
    tts: ScriptedTts = field(default_factory=ScriptedTts)
    vad: ScriptedVad = field(default_factory=ScriptedVad)
    acoustic_end: ScriptedEndOfTurn | None = None
    text_end: ScriptedEndOfTurn | None = None
    echo: ScriptedEcho | None = None

    @property
    def engines(self) -> Engines:
        apology = Apology("Sorry, please say that again.", tone(1.0, 220.0), RATE_HZ)
        ends = self.acoustic_end, self.text_end
        return Engines(self.vad, self.stt, self.llm, self.tts, apology, *ends, self.echo)
