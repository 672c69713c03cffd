"""Gemini, for the conformance suite of language models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.engines.conformance import Rig, Subject, unhurried
from tests.fakes.gemini import KEY, FakeGemini
from tests.fakes.script import Script, Trouble
from voice_grpc.engines.gemini.llm import GeminiLlm
from voice_grpc.ports import Llm


@asynccontextmanager
async def open_gemini(trouble: Trouble) -> AsyncIterator[Rig[Llm]]:
    script = Script(between=0.005)
    async with FakeGemini(script) as fake:
        waits = unhurried()
        llm = GeminiLlm(KEY, timeouts=waits)
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GOOGLE_GEMINI_BASE_URL", fake.url)
            await llm.warm()
        script.calls.clear()
        script.always = trouble
        try:
            yield Rig(llm, script, waits=waits)
        finally:
            await llm.close()


SUBJECTS: list[Subject[Llm]] = [Subject("gemini", open_gemini)]
