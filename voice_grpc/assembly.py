"""Settings in, warm engines out: a chain a stage, one line a stage on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np

from .chains import Link, LlmChain, SttChain, TtsChain
from .core.audio import Samples
from .core.conversation import Message, Role
from .core.errors import EngineEmpty, EngineError
from .ports import Apology, Clause, Engine, Engines, Llm, Prompt, Speech, Store, Tts, Vad, VoiceChoice
from .roster import LLM, STT, TTS, chosen
from .session.failures import first as first_of
from .settings import Settings
from .store import MemoryStore, SqliteStore

APOLOGY = "Sorry, something went wrong. Please say that again."

IN_PROCESS = "in process"

Say = Callable[[str], None]

ANY_VOICE = VoiceChoice()


async def build_engines(settings: Settings, say: Say) -> Engines:
    """Load and warm all of them; `say` gets one line a stage.

    One that cannot be warmed is left out and said; a stage of which none is left ends the start. The
    embedded language model comes last and alone: its threads wait for each other by spinning, and
    beside the others both take twice as long. Raises `EngineError` and `BadField`.
    """
    stt, llm = SttChain(chosen("stt", STT, settings)), LlmChain(chosen("llm", LLM, settings))
    tts, vad = TtsChain(chosen("tts", TTS, settings)), _vad()
    for name in settings.placeholders:
        say(f"{name} still holds its placeholder: taken as not set")
    say("loading the models …")
    took: dict[int, float] = {}
    last = [link for link in llm.links if link.engine.location == IN_PROCESS]
    first: list[Link[Any]] = [*stt.links, *tts.links, *(link for link in llm.links if link not in last)]
    started = asyncio.get_running_loop().time()
    try:
        async with asyncio.TaskGroup() as tasks:
            for link in first:
                tasks.create_task(_warm(link, took), name=f"warm-{link.engine.name}")
            tasks.create_task(vad.warm(), name="warm-vad")
    except* EngineError as group:
        raise first_of(group) from None
    say(f"vad  {vad.name}  {vad.location}  warm in {_ms_since(started)} ms")
    for link in last:
        await _warm(link, took)
    for stage, links in (("stt", stt.links), ("llm", llm.links), ("tts", tts.links)):
        _tell(stage, links, took, say)
    return Engines(vad, stt, llm, tts, await apology(tts))


def _vad() -> Vad:
    from .engines.vad_silero import SileroVad

    return SileroVad()


async def _warm(link: Link[Any], took: dict[int, float]) -> None:
    started = asyncio.get_running_loop().time()
    try:
        await link.engine.warm()
    except EngineError as error:
        link.failed(error)
        return
    took[id(link)] = _ms_since(started)


def _tell(stage: str, links: Sequence[Link[Any]], took: dict[int, float], say: Say) -> None:
    """Who does the stage, who comes after, and who cannot. Raises `EngineError` when nobody can."""
    warm = [link for link in links if id(link) in took]
    for link in links:
        if link.last is not None and link not in warm:
            advice = f" ({link.last.advice})" if link.last.advice else ""
            say(f"{stage}  {link.engine.name}  {link.engine.location}  NOT THERE: {link.last}{advice}")
    if not warm:
        raise links[0].last or EngineError(stage, "there is no engine")
    engine = warm[0].engine
    then = "".join(f", then {link.engine.name}" for link in warm[1:])
    say(f"{stage}  {engine.name}  {engine.location}  warm in {took[id(warm[0])]:.0f} ms{then}")


def _ms_since(started: float) -> float:
    return round((asyncio.get_running_loop().time() - started) * 1000)


async def prime(llm: Llm, instructions: str) -> None:
    """Have an embedded model read what the first conversation will begin with: its prefix is hot then."""
    for link in llm.links if isinstance(llm, LlmChain) else ():
        if link.engine.location == IN_PROCESS and link.is_ready:
            await _read(link.engine, instructions)


async def _read(llm: Llm, instructions: str) -> None:
    hello = Message(Role.USER, "Hello.", 1)
    async with aclosing(llm.stream(Prompt(instructions, (hello,), max_tokens=1))) as items:
        async for _ in items:
            pass


async def apology(tts: Tts) -> Apology:
    """Spoken now, so that it can be said when the voice itself fails."""
    samples, rate_hz = await render(tts, APOLOGY)
    return Apology(APOLOGY, samples, rate_hz)


async def render(tts: Tts, text: str, voice: VoiceChoice = ANY_VOICE) -> tuple[Samples, int]:
    """All the sound of one text, and its rate. Raises `EngineError`."""

    async def clauses() -> AsyncIterator[Clause]:
        yield Clause(0, text)

    async with aclosing(tts.speak(clauses(), voice)) as items:
        sounds = [item async for item in items if isinstance(item, Speech)]
    if not sounds:
        raise EngineEmpty("tts", f"{tts.name} gave no sound")
    rate_hz = sounds[-1].rate_hz
    return np.concatenate([sound.samples for sound in sounds if sound.rate_hz == rate_hz]), rate_hz


async def open_store(settings: Settings) -> Store:
    """Raises `StoreError`."""
    if settings.store == "memory":
        return MemoryStore()
    return await SqliteStore.open(Path(settings.store) if settings.store else None)


async def close_engines(engines: Engines) -> None:
    closing: list[Engine] = [engines.vad, engines.stt, engines.llm, engines.tts]
    async with asyncio.TaskGroup() as tasks:
        for engine in closing:
            tasks.create_task(engine.close(), name=f"close-{engine.name}")
