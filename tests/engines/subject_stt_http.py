"""Whisper servers over HTTP, as subjects of the conformance suite: one style for each way to say an error."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from tests.engines.conformance import Rig, Subject, unhurried
from tests.fakes.script import Script, Trouble
from tests.fakes.whisper_http import FakeWhisperHttp
from voice_grpc.engines.whisper_remote.stt import whisper_server
from voice_grpc.ports import Stt

KEY = "key-of-the-conformance-suite"


@asynccontextmanager
async def _open(style: str, trouble: Trouble) -> AsyncIterator[Rig[Stt]]:
    far = Script()
    async with FakeWhisperHttp(far, style=style, key=KEY) as fake:
        waits = unhurried()
        engine = whisper_server(fake.url, key=KEY, timeouts=waits)
        try:
            await engine.warm()
            far.always = trouble
            far.calls.clear()
            yield Rig(engine, far, waits=waits)
        finally:
            await engine.close()


SUBJECTS: list[Subject[Stt]] = [
    Subject(f"http-{style}", partial(_open, style), frozenset(Trouble) - {Trouble.BLOCKED})
    for style in ("openai", "whispercpp", "faster-whisper-server")
]
