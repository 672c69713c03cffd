"""Google Cloud TTS, for the conformance suite of voices: one that streams, and one that cannot."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from tests.engines.conformance import REMOTE, Rig, Subject, unhurried
from tests.fakes.google_tts import FakeGoogleTts
from tests.fakes.script import Script, Trouble
from voice_grpc.engines.google_tts.tts import GoogleTts
from voice_grpc.ports import Tts

STREAMING = "en-US-Chirp3-HD-Kore"
UNARY = "en-US-Neural2-C"

_MIDDLE = {Trouble.ERROR_MIDDLE, Trouble.STALL_MIDDLE, Trouble.CUT}


@asynccontextmanager
async def open_google(voice: str, trouble: Trouble) -> AsyncIterator[Rig[Tts]]:
    """A voice that cannot stream makes a call a clause: the middle of its answer is its second call."""
    script = Script(between=0.005)
    async with FakeGoogleTts(script, streams_at_once=2_000, chirp3_a_minute=10_000) as fake:
        waits = unhurried()
        tts = GoogleTts(endpoint=fake.url, voice=voice, timeouts=waits)
        await tts.warm()
        script.calls.clear()
        script.always = trouble
        if voice == UNARY and trouble in _MIDDLE:
            script.trouble = deque([Trouble.NONE])
        try:
            yield Rig(tts, script, waits=waits)
        finally:
            await tts.close()


SUBJECTS: list[Subject[Tts]] = [
    Subject("google", partial(open_google, STREAMING), REMOTE - {Trouble.BLOCKED}),
    Subject("google-unary", partial(open_google, UNARY), REMOTE - {Trouble.BLOCKED}),
]
