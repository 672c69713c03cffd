"""Servers of OpenAI's chat completions, one of each kind, for the conformance suite of language models."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from tests.engines.conformance import Rig, Subject, unhurried
from tests.fakes.openai_llm import STYLES, ChatReply, FakeOpenAi
from tests.fakes.openai_llm_rules import KEY
from tests.fakes.script import Script, Trouble
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.ports import Llm


@asynccontextmanager
async def open_openai(
    style: str, trouble: Trouble, answers: Sequence[ChatReply] = (ChatReply(),)
) -> AsyncIterator[Rig[Llm]]:
    """With the first model that the server lists; Ollama asks for no key and gets one all the same."""
    script = Script(between=0.005)
    async with FakeOpenAi(script, answers, "" if style == "ollama" else KEY, style=style) as fake:
        waits = unhurried()
        llm = OpenAiLlm(fake.url, KEY, timeouts=waits)
        await llm.warm()
        script.calls.clear()
        script.always = trouble
        try:
            yield Rig(llm, script, waits=waits)
        finally:
            await llm.close()


SUBJECTS: list[Subject[Llm]] = [Subject(style, partial(open_openai, style)) for style in STYLES]

CALLERS: list[Subject[Llm]] = [
    Subject(style, partial(open_openai, style, answers=[ChatReply(calls_what_is_declared=True)]))
    for style in STYLES
]
"""Their models call the first tool that is declared, then say what it is good for."""
