"""Settings in, warm engines out: a chain a stage, one line a stage on the way."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from .chains import LlmChain, SttChain, TtsChain
from .chains.chain import FIRST_SECONDS
from .ports import Engine, Engines, Store, Vad
from .redaction import Redaction, secrets_of
from .roster import LLM, STT, TTS, chosen
from .settings import Settings
from .store import MemoryStore, SqliteStore
from .warming import Links, Say, Warmth, apology

FIRST_SHARE = 0.4
"""Of the turn's deadline, for the first output of an engine that another one stands by for."""


async def build_engines(settings: Settings, say: Say) -> Engines:
    """Load and warm all of them; `say` gets one line a stage.

    One that cannot be warmed is said and left out until it is due; a stage of which none is left ends
    the start. Raises `EngineError` and `BadField`; nothing is left behind then.
    """
    vad, stt, llm, tts = await asyncio.to_thread(_chains, settings)
    stages: dict[str, Links] = {"stt": stt.links, "llm": llm.links, "tts": tts.links}
    for name in settings.placeholders:
        say(f"{name} still holds its placeholder: taken as not set")
    say("loading the models …")
    try:
        await _warm(stages, vad, say)
        return Engines(vad, stt, llm, tts, await apology(tts))
    except BaseException:
        await _close([vad, stt, llm, tts])
        raise


async def _warm(stages: Mapping[str, Links], vad: Vad, say: Say) -> None:
    warmth = Warmth()
    await warmth.warm(stages, vad)
    warmth.tell(stages, vad, say)


def _chains(settings: Settings) -> tuple[Vad, SttChain, LlmChain, TtsChain]:
    """Cold. Imports vendors' packages, and reads the disk."""
    from .engines.vad_silero import SileroVad

    redact = Redaction(secrets_of(settings))
    seconds = min(FIRST_SECONDS, FIRST_SHARE * settings.turn_deadline)
    return (
        SileroVad(),
        SttChain(chosen("stt", STT, settings), first_seconds=seconds, redact=redact),
        LlmChain(chosen("llm", LLM, settings), first_seconds=seconds, redact=redact),
        TtsChain(chosen("tts", TTS, settings), first_seconds=seconds, redact=redact),
    )


async def open_store(settings: Settings) -> Store:
    """Raises `StoreError`."""
    if settings.store == "memory":
        return MemoryStore()
    return await SqliteStore.open(Path(settings.store) if settings.store else None)


async def close_engines(engines: Engines) -> None:
    await _close([engines.vad, engines.stt, engines.llm, engines.tts])


async def _close(closing: list[Engine]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for engine in closing:
            tasks.create_task(engine.close(), name=f"close-{engine.name}")
