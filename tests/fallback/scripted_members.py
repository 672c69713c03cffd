"""Who plays in the chains' tests: scripted engines with names, and how they are asked."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

import numpy as np

from voice_grpc.core.audio import Samples
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineError, EngineUnreachable
from voice_grpc.engines.scripted import (
    HANG,
    Hearing,
    ScriptedAnswer,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    Voicing,
    tone,
)
from voice_grpc.fallback import LlmChain, SttChain, TtsChain
from voice_grpc.ports import (
    Clause,
    Fallback,
    LlmItem,
    Prompt,
    Speech,
    SttOptions,
    SttStream,
    TextDelta,
    Transcription,
    TtsItem,
    Voice,
    VoiceChoice,
)

PROMPT = Prompt("", (Message(Role.USER, "hi", 1),))
BROKEN = EngineUnreachable("llm", "nobody answers")
RATE_HZ = 24_000


def fallbacks(items: Sequence[object]) -> list[tuple[str, str]]:
    return [(str(item.error), item.engine) for item in items if isinstance(item, Fallback)]


# ---------------------------------------------------------------- language models


def llm(name: str, *answers: ScriptedAnswer | str, calls_tools: bool = True) -> ScriptedLlm:
    made = ScriptedLlm([ScriptedAnswer(a) if isinstance(a, str) else a for a in answers])
    made.name, made.calls_tools = name, calls_tools
    return made


def failing(name: str, error: EngineError = BROKEN) -> ScriptedLlm:
    return llm(name, ScriptedAnswer("", error=error))


async def answer(chain: LlmChain, prompt: Prompt = PROMPT) -> list[LlmItem]:
    async with aclosing(chain.stream(prompt)) as items:
        return [item async for item in items]


async def many(chain: LlmChain, count: int) -> list[list[LlmItem]]:
    return [await answer(chain) for _ in range(count)]


def text(items: Sequence[LlmItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


# ---------------------------------------------------------------- recognisers


def stt(name: str, *hearings: Hearing, languages: frozenset[str] = ScriptedStt.languages) -> ScriptedStt:
    made = ScriptedStt(hearings)
    made.name, made.languages = name, languages
    return made


class Listener:
    """Keeps what each of its streams was fed, and which of them were closed."""

    location, is_embedded, languages = "scripted", False, ScriptedStt.languages

    def __init__(
        self, name: str, *, interim: EngineError | None = None, final: EngineError | None = None
    ) -> None:
        self.name = name
        self.trouble = {"interim": interim, "final": final}
        self.streams: list[ListenerStream] = []
        self.finals = 0

    async def warm(self) -> None:
        """There is nothing to load."""

    async def close(self) -> None:
        """There is nothing to free."""

    def has_room(self) -> bool:
        return False

    def is_alone(self) -> bool:
        return False

    def open(self, options: SttOptions) -> "ListenerStream":
        self.streams.append(ListenerStream(self))
        return self.streams[-1]


class ListenerStream:
    def __init__(self, stt: Listener) -> None:
        self._stt = stt
        self.fed = 0
        self.is_closed = False

    def feed(self, samples: Samples) -> None:
        assert not self.is_closed
        self.fed += len(samples)

    async def interim(self) -> Transcription | None:
        return self._say("interim")

    async def final(self) -> Transcription:
        self._stt.finals += 1
        return self._say("final")

    def _say(self, what: str) -> Transcription:
        if (error := self._stt.trouble[what]) is not None:
            raise error
        return Transcription(f"{what} of {self._stt.name}: {self.fed}")

    async def close(self) -> None:
        self.is_closed = True


SOUND = np.full(1600, 1000, np.int16)


async def heard(chain: SttChain, options: SttOptions | None = None) -> Transcription:
    """One utterance of two parts, and its final."""
    stream: SttStream = chain.open(options or SttOptions())
    stream.feed(SOUND)
    stream.feed(SOUND)
    try:
        return await stream.final()
    finally:
        await stream.close()


# ---------------------------------------------------------------- voices


class Speaker(ScriptedTts):
    """Speaks these languages, one clause after the other."""

    def __init__(self, name: str, *languages: str, voicing: Voicing | None = None) -> None:
        super().__init__(voicing)
        self.name = name
        self._languages = languages or ("en-US",)

    async def voices(self) -> Sequence[Voice]:
        return [Voice(f"{self.name}-{tag}", tag, self.name) for tag in self._languages]


class Reader(Speaker):
    """Reads all clauses before it says a word, as an engine that streams does; then does as it is told:
    `clause` (its index) by `seconds` of sound, or the error."""

    def __init__(self, name: str, *told: tuple[int, float] | EngineError) -> None:
        super().__init__(name)
        self._told = told

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        self.spoken = [clause.text async for clause in clauses]
        for what in self._told:
            if isinstance(what, EngineError):
                raise what
            yield Speech(what[0], tone(what[1]), RATE_HZ)


class Stutterer(Speaker):
    """Breaks in the middle of its first clause."""

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async for clause in clauses:
            yield Speech(clause.index, tone(0.5), RATE_HZ)
            raise EngineError("tts", "broke in the middle")


def hanging(name: str) -> Speaker:
    return Speaker(name, voicing=Voicing(first_audio=HANG))


async def clauses(*texts: str) -> AsyncGenerator[Clause, None]:
    """Numbered by twos: an index is a name, not a place."""
    for place, said in enumerate(texts):
        yield Clause(2 * place, said)


async def say(chain: TtsChain, *texts: str, voice: VoiceChoice | None = None) -> list[TtsItem]:
    async with (
        aclosing(clauses(*texts)) as source,
        aclosing(chain.speak(source, voice or VoiceChoice())) as items,
    ):
        return [item async for item in items]


def indexes(items: Sequence[TtsItem]) -> list[int]:
    return [item.clause_index for item in items if isinstance(item, Speech)]
