"""One utterance asked of a Whisper server, whichever protocol it speaks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np

from tests.fakes.script import Script
from tests.fakes.spoken import Spoken
from tests.fakes.whisper_live import FakeWhisperLive
from voice_grpc.core.audio import RATE_HZ, Samples
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.engines.whisper_remote.address import parse_address
from voice_grpc.engines.whisper_remote.whisper_live import WhisperLiveStt
from voice_grpc.ports import Stt, SttOptions, Transcription

QUICK = Timeouts(connect=2.0, first=0.8, between=0.4)
TEXT = Spoken().text
"""What the fakes hear in whatever they are sent."""
HZ = 500
"""Of the hum."""


def hum(seconds: float) -> Samples:
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples: Samples = (np.sin(2 * np.pi * HZ * time) * 3000).astype(np.int16)
    return samples


async def heard(stt: Stt, samples: Samples, *languages: str, prompt: str = "") -> Transcription:
    stream = stt.open(SttOptions(languages, prompt))
    try:
        stream.feed(samples)
        return await stream.final()
    finally:
        await stream.close()


@asynccontextmanager
async def whisper_live(
    script: Script | None = None, timeouts: Timeouts = QUICK, **options: Any
) -> AsyncIterator[tuple[FakeWhisperLive, WhisperLiveStt]]:
    async with FakeWhisperLive(script, **options) as fake:
        stt = WhisperLiveStt(parse_address(fake.url, options.get("token", "")), timeouts=timeouts)
        try:
            yield fake, stt
        finally:
            await stt.close()
