"""The embedded engines on this machine: each alone, then a spoken conversation through a real server.

Voice-to-voice counts from the last voiced sample of the recording (its own energy, never our detector)
to the first audible sample that the client gets.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

import numpy as np
import soxr

from ..core.audio import RATE_HZ, Samples, audible_from
from ..core.conversation import Message, Role
from ..ports import Clause, Engines, Prompt, Speech, SttOptions, TextDelta, VoiceChoice
from ..server.server import Server
from ..server.startup import build_engines, close_engines, render
from ..settings import Settings
from ..settings.personas import DEFAULT_ID, load_personas
from ..store import MemoryStore
from .aloud import ANSWER_WITHIN, QUESTIONS, ask_aloud, trimmed


@dataclass(slots=True)
class Figures:
    """Seconds, one a question."""

    stt: list[float] = field(default_factory=list)
    llm: list[float] = field(default_factory=list)
    tts: list[float] = field(default_factory=list)
    voice_to_voice: list[float] = field(default_factory=list)
    """`ANSWER_WITHIN` where none was."""

    @property
    def unanswered(self) -> int:
        return self.voice_to_voice.count(ANSWER_WITHIN)


async def measure() -> Figures:
    settings = Settings(port=0, _env_file=None)  # type: ignore[call-arg]
    instructions = load_personas()[DEFAULT_ID].instructions
    engines = await build_engines(settings, lambda text: print(f"  {text}"), instructions)
    figures = Figures()
    try:
        questions = [await _spoken(engines, text) for text in QUESTIONS]
        await _engines_alone(engines, questions, figures)
        server = Server(settings)
        await server.start()
        await server.make_ready(engines, MemoryStore(), load_personas())
        figures.voice_to_voice = await ask_aloud(f"127.0.0.1:{server.port}", questions)
        await server.stop()
    finally:
        await close_engines(engines)
    return figures


async def _spoken(engines: Engines, text: str) -> Samples:
    """The voice's own recording of a question at `RATE_HZ`, from its first to its last audible sample."""
    sound, rate_hz = await render(engines.tts, text)
    return trimmed(soxr.resample(sound, rate_hz, RATE_HZ))


async def _engines_alone(engines: Engines, questions: list[Samples], figures: Figures) -> None:
    clock = asyncio.get_running_loop().time
    instructions = load_personas()[DEFAULT_ID].instructions
    history: list[Message] = []
    for turn, (text, samples) in enumerate(zip(QUESTIONS, questions, strict=True)):
        stream = engines.stt.open(SttOptions(("en",)))
        stream.feed(samples)
        begun = clock()
        await stream.final()
        figures.stt.append(clock() - begun)
        await stream.close()

        history.append(Message(Role.USER, text, turn))
        begun, answer = clock(), ""
        async for item in engines.llm.stream(Prompt(instructions, tuple(history), "en")):
            if isinstance(item, TextDelta):
                if not answer:
                    figures.llm.append(clock() - begun)
                answer += item.text
        history.append(Message(Role.ASSISTANT, answer.strip(), turn))

        begun = clock()
        async with aclosing(engines.tts.speak(_one("Sure, I can help."), VoiceChoice())) as sounds:
            async for sound in sounds:
                if isinstance(sound, Speech) and audible_from(sound.samples, sound.rate_hz) < len(
                    sound.samples
                ):
                    figures.tts.append(clock() - begun)
                    break


async def _one(text: str) -> AsyncIterator[Clause]:
    yield Clause(0, text)


def report(figures: Figures, questions: int = len(QUESTIONS)) -> str:
    rows = [
        ("STT: Whisper, the whole question", figures.stt),
        ("LLM: Qwen, first token", figures.llm),
        ("TTS: Piper, first audible sound of 'Sure, I can help.'", figures.tts),
        ("voice-to-voice: last voiced sample → first audible one", figures.voice_to_voice),
    ]
    lines = ["| embedded engines | median ms | worst ms | n |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {1000 * np.median(values):.0f} | {1000 * max(values):.0f} | {len(values)} |"
        for name, values in rows
    ]
    return "\n".join(lines) + f"\n\nunanswered: {figures.unanswered} of {questions}"
