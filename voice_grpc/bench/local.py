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

from ..client import Access, Call
from ..core.audio import RATE_HZ, Samples, audible_from, rms, silence
from ..core.conversation import Message, Role
from ..pb import voice_pb2 as pb
from ..ports import Clause, Engines, Prompt, Speech, SttOptions, TextDelta, VoiceChoice
from ..server.server import Server
from ..server.startup import build_engines, close_engines, render
from ..settings import Settings
from ..settings.personas import load_personas
from ..store import MemoryStore
from .load import AUDIBLE, FRAME, FRAME_SECONDS

QUESTIONS = (
    "What is the capital of France?",
    "How many days are in a week?",
    "Can you tell me what color the sky is on a clear day?",
    "Who wrote the play Romeo and Juliet?",
    "My name is Anna and I live in a small town near the sea.",
    "What is my name?",
)
ANSWER_WITHIN = 20.0


@dataclass(slots=True)
class Figures:
    """Seconds, one a question."""

    stt: list[float] = field(default_factory=list)
    llm: list[float] = field(default_factory=list)
    tts: list[float] = field(default_factory=list)
    voice_to_voice: list[float] = field(default_factory=list)
    unanswered: int = 0


async def measure() -> Figures:
    settings = Settings(port=0, _env_file=None)  # type: ignore[call-arg]
    engines = await build_engines(settings, lambda text: print(f"  {text}"))
    figures = Figures()
    try:
        questions = [await _spoken(engines, text) for text in QUESTIONS]
        await _engines_alone(engines, questions, figures)
        server = Server(settings)
        await server.start()
        await server.make_ready(engines, MemoryStore(), load_personas())
        await _converse(f"127.0.0.1:{server.port}", questions, figures)
        await server.stop()
    finally:
        await close_engines(engines)
    return figures


async def _spoken(engines: Engines, text: str) -> Samples:
    """The voice's own recording of a question at `RATE_HZ`, from its first to its last audible sample."""
    sound, rate_hz = await render(engines.tts, text)
    samples: Samples = soxr.resample(sound, rate_hz, RATE_HZ)
    start = audible_from(samples, RATE_HZ)
    end = len(samples) - audible_from(samples[::-1], RATE_HZ)
    return samples[start:end]


async def _engines_alone(engines: Engines, questions: list[Samples], figures: Figures) -> None:
    clock = asyncio.get_running_loop().time
    instructions = load_personas()["default"].instructions
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


async def _converse(target: str, questions: list[Samples], figures: Figures) -> None:
    async with Call.open(target, pb.SessionConfig(greeting="", language_codes=["en"]), Access()) as call:
        microphone = _Microphone(call)
        async with asyncio.TaskGroup() as tasks:
            speaking = tasks.create_task(microphone.run(), name="microphone")
            for question in questions:
                ended = microphone.say(question)
                try:
                    async with asyncio.timeout(ANSWER_WITHIN):
                        figures.voice_to_voice.append(await _first_audible(call) - await ended)
                except TimeoutError:
                    figures.unanswered += 1
                    figures.voice_to_voice.append(ANSWER_WITHIN)
            speaking.cancel()


async def _first_audible(call: Call) -> float:
    """When the first audible chunk of the next answer came; returns when that answer ended."""
    at = 0.0
    async for response in call:
        arm = response.WhichOneof("payload")
        if arm == "audio" and not at and rms(np.frombuffer(response.audio.data, "<i2")) > AUDIBLE:
            at = asyncio.get_running_loop().time()
        if arm == "turn_event" and response.turn_event.state == pb.TurnEvent.STATE_COMPLETED:
            break
    return at


class _Microphone:
    """Frames at start + n × 20 ms for ever: what it is to say, else silence."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._queue: asyncio.Queue[tuple[Samples, asyncio.Future[float]]] = asyncio.Queue()

    def say(self, samples: Samples) -> asyncio.Future[float]:
        """When the last voiced frame should have left."""
        ended = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((samples, ended))
        return ended

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        start, n = loop.time(), 0
        while True:
            samples, ended = self._queue.get_nowait() if not self._queue.empty() else (silence(0.02), None)
            for frame in _frames(samples):
                n += 1
                await asyncio.sleep(max(0.0, start + n * FRAME_SECONDS - loop.time()))
                await self._call.send(pb.AudioInput(data=frame.tobytes()))
            if ended is not None:
                ended.set_result(start + n * FRAME_SECONDS)


def _frames(samples: Samples) -> list[Samples]:
    """Whole ones; the silence that fills the last is added after its sound."""
    padded = np.concatenate((samples, np.zeros(-len(samples) % FRAME, np.int16)))
    return [padded[at : at + FRAME] for at in range(0, len(padded), FRAME)]


async def _one(text: str) -> AsyncIterator[Clause]:
    yield Clause(0, text)


def report(figures: Figures, questions: int = len(QUESTIONS)) -> str:
    rows = [
        ("STT: Whisper, the whole question", figures.stt),
        ("LLM: Qwen, first token (first of these turns cold)", figures.llm),
        ("TTS: Piper, first audible sound of 'Sure, I can help.'", figures.tts),
        ("voice-to-voice: last voiced sample → first audible one", figures.voice_to_voice),
    ]
    lines = ["| embedded engines | median ms | worst ms | n |", "|---|---|---|---|"]
    lines += [
        f"| {name} | {1000 * np.median(values):.0f} | {1000 * max(values):.0f} | {len(values)} |"
        for name, values in rows
    ]
    return "\n".join(lines) + f"\n\nunanswered: {figures.unanswered} of {questions}"
