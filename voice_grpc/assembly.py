"""Which engine does which stage: settings in, warm engines out, one line a stage on the way."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np

from .core.audio import Samples
from .core.conversation import Message, Role
from .core.errors import EngineEmpty, EngineError, EngineMissing
from .ports import Apology, Clause, Engine, Engines, Llm, Prompt, Speech, Store, Tts, VoiceChoice
from .session.failures import first
from .settings import Settings
from .store import MemoryStore, SqliteStore

APOLOGY = "Sorry, something went wrong. Please say that again."

Say = Callable[[str], None]

ANY_VOICE = VoiceChoice()


async def build_engines(settings: Settings, say: Say) -> Engines:
    """Load and warm all of them; `say` gets one line a stage.

    The language model comes last and alone: its threads wait for each other by spinning, and beside
    the others both take twice as long. Raises `EngineError` naming what is missing and what to do.
    """
    refuse_remote(settings)
    from .engines.llm_local import LocalLlm
    from .engines.stt_whisper_local import WhisperStt
    from .engines.tts_piper import PiperTts
    from .engines.vad_silero import SileroVad

    model = Path(settings.local_llm_model) if settings.local_llm_model else None
    vad, stt = SileroVad(), WhisperStt(settings.whisper_model)
    llm, tts = LocalLlm(model, threads=settings.threads), PiperTts()
    for name in settings.placeholders:
        say(f"{name} still holds its placeholder: taken as not set")
    say("loading the models …")
    try:
        async with asyncio.TaskGroup() as tasks:
            for stage, engine in (("tts", tts), ("stt", stt), ("vad", vad)):
                tasks.create_task(_warm(stage, engine, say), name=f"warm-{stage}")
    except* EngineError as group:
        raise first(group) from None
    await _warm("llm", llm, say)
    return Engines(vad, stt, llm, tts, await apology(tts))


def refuse_remote(settings: Settings) -> None:
    """What is set must not be ignored."""
    remote = {
        "WHISPER_SERVER_URL": ("stt", settings.whisper_server_url.get_secret_value()),
        "GEMINI_API_KEY": ("llm", settings.gemini_api_key.get_secret_value()),
        "GOOGLE_TTS_CREDENTIALS": ("tts", settings.google_tts_credentials.get_secret_value()),
    }
    for name, (stage, value) in remote.items():
        if value:
            text = f"{name} is set, and this version has no engine for it yet: unset it to run embedded"
            raise EngineMissing(stage, text)


async def prime(llm: Llm, instructions: str) -> None:
    """Have the model read what the first conversation will begin with: its prefix is hot then."""
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
    async with asyncio.TaskGroup() as tasks:
        for engine in (engines.vad, engines.stt, engines.llm, engines.tts):
            tasks.create_task(engine.close(), name=f"close-{engine.name}")


async def _warm(stage: str, engine: Engine, say: Say) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    await engine.warm()
    say(f"{stage}  {engine.name}  {engine.location}  warm in {(loop.time() - started) * 1000:.0f} ms")
