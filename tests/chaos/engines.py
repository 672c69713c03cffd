"""Engines that speak the sounds of `words.py`; the detector is the real one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

import numpy as np

from voice_grpc.core.audio import Samples
from voice_grpc.core.conversation import Role
from voice_grpc.engines.scripted import ScriptedEngine, tone
from voice_grpc.engines.silero import SileroVad
from voice_grpc.ports import (
    Apology,
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
)

from . import words

LLM_FIRST_S, LLM_WORD_S = 0.05, 0.02
STT_S = 0.05
TTS_S = 0.02


class WordStt(ScriptedEngine):
    """Reads what the user says."""

    languages = frozenset({"en"})

    def has_room(self) -> bool:
        return False

    def is_alone(self) -> bool:
        return False

    def open(self, options: SttOptions) -> "_WordStream":
        return _WordStream()


class _WordStream:
    def __init__(self) -> None:
        self._fed: list[Samples] = []

    def feed(self, samples: Samples) -> None:
        self._fed.append(samples)

    async def interim(self) -> Transcription | None:
        return self._read()

    async def final(self) -> Transcription:
        said = self._read()
        await asyncio.sleep(STT_S)
        return said

    async def close(self) -> None:
        self._fed.clear()

    def _read(self) -> Transcription:
        samples = np.concatenate(self._fed) if self._fed else np.zeros(0, np.int16)
        return Transcription(" ".join(words.recognised(samples)), "en")


class WordLlm(ScriptedEngine):
    """Answers each question with its words; of an answer that was begun elsewhere, those that are left."""

    calls_tools = False

    async def stream(self, prompt: Prompt) -> AsyncGenerator[LlmItem, None]:
        asked, begun = _so_far(prompt)
        text = words.written(words.answer(asked)).split(" ")[len(begun) :]
        await asyncio.sleep(LLM_FIRST_S)
        for place, word in enumerate(text):
            yield TextDelta(word if place == 0 else f" {word}")
            await asyncio.sleep(LLM_WORD_S)
        yield Usage(len(prompt.messages), len(text))


def _so_far(prompt: Prompt) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The last question of a prompt, and what of its answer was said."""
    begun: tuple[str, ...] = ()
    for message in reversed(prompt.messages):
        found = words.read(message.text)
        if message.role is Role.ASSISTANT:
            begun = (*found, *begun)
        elif message.role is Role.USER and len(found) >= words.QUESTION_WORDS:
            return found[-words.QUESTION_WORDS :], begun
    return (), begun


class WordTts(ScriptedEngine):
    async def voices(self) -> Sequence[Voice]:
        return [Voice("levels", "en-US", "scripted", "a level for each word", words.VOICE_HZ)]

    async def speak(self, clauses: AsyncIterator[Clause], voice: VoiceChoice) -> AsyncGenerator[Speech, None]:
        async for clause in clauses:
            await asyncio.sleep(TTS_S)
            yield Speech(clause.index, words.voiced(clause.text), words.VOICE_HZ)


def engines() -> Engines:
    apology = Apology("Sorry, please say that again.", tone(1.0, 220.0), words.VOICE_HZ)
    return Engines(SileroVad(), WordStt("words"), WordLlm("words"), WordTts("levels"), apology)
