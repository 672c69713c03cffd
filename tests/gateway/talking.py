"""A deployment that really hears and speaks, with written answers: what is heard can be compared."""

import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from pydantic import SecretStr

from gateway.server import serving as gateway_serving
from tests.gateway.harness import Deployment, settings
from tests.gateway.web.chromium import Page
from tests.serving import PERSONAS, Served, scripted
from tests.serving import settings as server_settings
from voice_grpc.client import connect
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.engines.piper.tts import PiperTts
from voice_grpc.engines.scripted import ScriptedAnswer, ScriptedLlm
from voice_grpc.engines.silero import SileroVad
from voice_grpc.engines.whisper.stt import WhisperStt
from voice_grpc.ports import Apology, Engines, SttOptions
from voice_grpc.server.server import Server
from voice_grpc.store import MemoryStore

APOLOGY = Apology("Sorry.", np.zeros(100, np.int16), RATE_HZ)

PATIENCE = 60.0
"""Seconds until an apology: on a busy machine the models take many times as long as on a quiet one."""


@asynccontextmanager
async def real_engines() -> AsyncIterator[tuple[SileroVad, WhisperStt, PiperTts]]:
    vad, stt, tts = SileroVad(), WhisperStt("base"), PiperTts()
    engines: Sequence[Any] = (vad, stt, tts)
    try:
        for engine in engines:
            await engine.warm()
        yield vad, stt, tts
    finally:
        for engine in engines:
            await engine.close()


@asynccontextmanager
async def talking_deployment(
    real: tuple[SileroVad, WhisperStt, PiperTts],
    answers: Sequence[str],
    *,
    store: MemoryStore | None = None,
    port: int = 0,
    gateway: dict[str, Any] | None = None,
) -> AsyncIterator[Deployment]:
    """Answers one after the other, the last one again and again. `port`: of the server."""
    vad, stt, tts = real
    llm = ScriptedLlm([ScriptedAnswer(text) for text in answers])
    secret = SecretStr("the same for each server")
    given = server_settings(turn_deadline=PATIENCE)
    server = Server(given.model_copy(update={"port": port, "secret": secret}))
    await server.start()
    channel = connect(f"127.0.0.1:{server.port}")
    try:
        kept = store or MemoryStore()
        await server.make_ready(Engines(vad, stt, llm, tts, APOLOGY), kept, PERSONAS)
        served = Served(server, scripted(), kept, channel)
        if gateway is None:
            yield Deployment(served, 0)
            return
        async with gateway_serving(settings(**{"target": served.target, **gateway})) as web:
            yield Deployment(served, web)
    finally:
        await channel.close()
        await server.stop()


def write_microphone(path: Path, *parts: Samples | float) -> Path:
    """Sound, and seconds of silence."""
    pieces = [
        part if isinstance(part, np.ndarray) else np.zeros(round(part * RATE_HZ), np.int16) for part in parts
    ]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.concatenate(pieces).astype("<i2").tobytes())
    return path


async def heard_by(page: Page) -> Samples:
    """What the page let out, from the first sound to the last, at 16 kHz."""
    rate, blocks = await page.run(
        "[recorded.out[0].rate, recorded.out.map(b => Array.from(b.samples, v => Math.round(v * 32767)))]"
    )
    sound = np.concatenate([np.array(block, np.int16) for block in blocks])
    made: Samples = soxr.resample(sound, rate, RATE_HZ)
    audible = np.flatnonzero(np.abs(made) > 300)
    return made[audible[0] : audible[-1] + RATE_HZ // 10] if len(audible) else made


async def transcribed(stt: WhisperStt, samples: Samples) -> str:
    stream = stt.open(SttOptions(("en",)))
    try:
        stream.feed(samples)
        return (await stream.final()).text
    finally:
        await stream.close()


def words(text: str) -> list[str]:
    return "".join(c.lower() if c.isalnum() or c.isspace() else " " for c in text).split()


def wrong(heard: str, said: str) -> int:
    """How many words of what was said were not heard in their place, or were added."""
    matches = SequenceMatcher(None, words(heard), words(said), autojunk=False).get_matching_blocks()
    return max(len(words(heard)), len(words(said))) - sum(match.size for match in matches)
