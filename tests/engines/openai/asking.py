"""One answer asked of an OpenAI-compatible server that keeps that protocol's rules."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from tests.fakes.openai_llm import ChatReply, FakeOpenAi
from tests.fakes.openai_llm_rules import KEY, Traits
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.engines.timeouts import Timeouts
from voice_grpc.ports import Prompt, TextDelta

UNHURRIED = Timeouts(60, 60, 60)
HELLO = Prompt("Be brief.", (Message(Role.USER, "Hello.", 1),), temperature=0.3)
WEATHER = ToolDeclaration("weather", "The weather somewhere.", {})


@asynccontextmanager
async def server(
    *answers: ChatReply, style: str = "vllm", traits: Traits | None = None
) -> AsyncIterator[tuple[OpenAiLlm, FakeOpenAi]]:
    async with FakeOpenAi(None, answers or (ChatReply(),), style=style, traits=traits) as fake:
        llm = OpenAiLlm(fake.url, KEY, timeouts=UNHURRIED)
        try:
            yield llm, fake
        finally:
            await llm.close()


async def ask(llm: OpenAiLlm, prompt: Prompt = HELLO) -> str:
    async with aclosing(llm.stream(prompt)) as items:
        return "".join([item.text async for item in items if isinstance(item, TextDelta)])
