"""Language models in this process, for the conformance suite: the embedded one, and the scripted one."""

import asyncio
import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.engines.conformance import IN_PROCESS, Rig, Subject
from tests.fakes.script import Trouble
from voice_grpc.engines.llama_cpp.llm import LocalLlm
from voice_grpc.engines.scripted import ScriptedAnswer, ScriptedLlm
from voice_grpc.ports import CallRequest, Llm

IS_INSTALLED = importlib.util.find_spec("xllamacpp") is not None

_warm: list[LocalLlm] = []
"""At most one: it takes seconds to load, and belongs to no event loop."""


@asynccontextmanager
async def open_local(trouble: Trouble) -> AsyncIterator[Rig[Llm]]:
    """Left open for the next test; `close_shared` closes it."""
    if not _warm:
        llm = LocalLlm("gemma")
        await llm.warm()
        _warm.append(llm)
    yield Rig(_warm[0], open_calls=lambda: _warm[0].busy)


def close_shared() -> None:
    while _warm:
        asyncio.run(_warm.pop().close())


@asynccontextmanager
async def open_scripted(trouble: Trouble) -> AsyncIterator[Rig[Llm]]:
    text = "Sure. I can help you with that, just tell me a little more."
    llm = ScriptedLlm([ScriptedAnswer(text, first_token=0.01, a_token=0.005)])
    yield Rig(llm, open_calls=lambda: llm.open)


@asynccontextmanager
async def open_scripted_caller(trouble: Trouble) -> AsyncIterator[Rig[Llm]]:
    llm = ScriptedLlm(
        [ScriptedAnswer("", calls=(CallRequest("weather", {}, "c1"),)), ScriptedAnswer("It rains.")]
    )
    yield Rig(llm, open_calls=lambda: llm.open)


LOCAL: Subject[Llm] = Subject("local", open_local, IN_PROCESS)
SCRIPTED: Subject[Llm] = Subject("scripted", open_scripted, IN_PROCESS)
SUBJECTS: list[Subject[Llm]] = [LOCAL, SCRIPTED]
CALLERS: list[Subject[Llm]] = [Subject("scripted", open_scripted_caller, IN_PROCESS)]
