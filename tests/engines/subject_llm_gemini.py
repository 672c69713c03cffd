"""Gemini, for the conformance suite of language models."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.engines.conformance import Rig, Subject
from tests.engines.conformance import timeouts as timeouts_of
from tests.fakes.gemini import KEY, FakeGemini
from tests.fakes.script import Script, Trouble
from voice_grpc.engines.gemini.llm import GeminiLlm
from voice_grpc.ports import Llm


@asynccontextmanager
async def open_gemini(trouble: Trouble) -> AsyncIterator[Rig[Llm]]:
    script = Script(between=0.005)
    async with FakeGemini(script) as fake:
        llm = GeminiLlm(KEY, timeouts=timeouts_of(trouble))
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GOOGLE_GEMINI_BASE_URL", fake.url)
            await llm.warm()
        script.calls.clear()
        script.always = trouble
        try:
            yield Rig(llm, script)
        finally:
            await llm.close()


SUBJECTS: list[Subject[Llm]] = [Subject("gemini", open_gemini)]
