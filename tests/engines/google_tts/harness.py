"""Talking with Google Cloud TTS at its fake: what its tests share."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.google_tts_sound import PAUSE, SECONDS_A_CHARACTER
from voice_grpc.engines.google_tts.tts import GoogleTts
from voice_grpc.ports import Clause, Speech, VoiceChoice

TEXTS = ("Sure, I can do that.", "It takes a moment to look it up.", "Here is what I found.")
ANY = VoiceChoice()
UNARY = VoiceChoice("en-US-Neural2-C")


@asynccontextmanager
async def opened(fake: FakeGoogleTts, **options: object) -> AsyncIterator[tuple[FakeGoogleTts, GoogleTts]]:
    """Not warmed: only what the test asks for is seen."""
    async with fake:
        tts = GoogleTts(endpoint=fake.url, **options)  # type: ignore[arg-type]
        try:
            yield fake, tts
        finally:
            await tts.close()


async def given(*texts: str | Clause | asyncio.Event) -> AsyncIterator[Clause]:
    """An event is waited for."""
    index = 0
    for text in texts:
        if isinstance(text, asyncio.Event):
            await text.wait()
            continue
        yield text if isinstance(text, Clause) else Clause(index, text)
        index += 1


async def say(tts: GoogleTts, *texts: str | Clause, choice: VoiceChoice = ANY) -> list[Speech]:
    return await heard(tts, given(*texts), choice)


async def heard(
    tts: GoogleTts,
    clauses: AsyncIterator[Clause],
    choice: VoiceChoice = ANY,
) -> list[Speech]:
    async with aclosing(tts.speak(clauses, choice)) as sounds:
        return [sound async for sound in sounds]


def seconds_of(spoken: Sequence[Speech], index: int) -> float:
    return sum(len(each.samples) / each.rate_hz for each in spoken if each.clause_index == index)


def spoken_texts(fake: FakeGoogleTts) -> list[str]:
    return [said.text for said in fake.said]


def true_seconds(text: str) -> float:
    return len(text) * SECONDS_A_CHARACTER + PAUSE
