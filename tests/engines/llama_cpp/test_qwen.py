"""The default model, for real: its file's template, its tools, its manners, a prefix that stays hot."""

import importlib.util
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest
import pytest_asyncio

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.llama_cpp.llm import LocalLlm
from voice_grpc.ports import CallRequest, Claim, LlmItem, Prompt, TextDelta, Urgency, Usage
from voice_grpc.settings.personas import load_personas

if importlib.util.find_spec("xllamacpp") is None and os.environ.get("REQUIRE_ALL") != "1":
    pytest.skip("needs the extra `local`", allow_module_level=True)

pytestmark = pytest.mark.asyncio(loop_scope="module")

INSTRUCTIONS = load_personas()["default"].instructions
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolDeclaration("get_weather", "The weather in a city now.", CITY)
USE = ToolUse("c1", "get_weather", '{"city": "Lisbon"}', '{"sky": "rain", "celsius": 12}')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def qwen() -> AsyncIterator[LocalLlm]:
    engine = LocalLlm("qwen-0.5b")
    await engine.warm()
    yield engine
    await engine.close()


async def asked(
    llm: LocalLlm, *messages: Message, tools: Sequence[ToolDeclaration] = (), max_tokens: int = 256
) -> list[LlmItem]:
    prompt = Prompt(INSTRUCTIONS, messages, "en", max_tokens, tools=tuple(tools))
    async with aclosing(llm.stream(prompt)) as items:
        return [item async for item in items]


def user(text: str, turn: int = 1) -> Message:
    return Message(Role.USER, text, turn)


def text(items: Sequence[LlmItem]) -> str:
    return "".join(item.text for item in items if isinstance(item, TextDelta))


def calls(items: Sequence[LlmItem]) -> list[CallRequest]:
    return [item for item in items if isinstance(item, CallRequest)]


async def test_it_knows_its_name_and_some_facts(qwen: LocalLlm) -> None:
    assert "Robin" in text(await asked(qwen, user("What is your name?")))
    assert "Madrid" in text(await asked(qwen, user("What is the capital of Spain?")))


async def test_a_recipe_is_three_whole_sentences(qwen: LocalLlm) -> None:
    said = text(await asked(qwen, user("How do I boil an egg?")))
    assert said[-1] in ".!?"
    assert len(said) < 400


async def test_a_story_is_longer_and_ends_with_a_sentence(qwen: LocalLlm) -> None:
    said = text(await asked(qwen, user("Tell me a long story about a dog."), max_tokens=128))
    assert said.count(".") >= 3
    assert said[-1] in '.!?"”'


async def test_it_calls_a_tool(qwen: LocalLlm) -> None:
    items = await asked(qwen, user("What is the weather in Paris?"), tools=(WEATHER,))
    assert calls(items) == [CallRequest("get_weather", {"city": "Paris"})]
    assert text(items) == ""
    assert isinstance(items[-1], Usage)
    assert qwen.calls_tools


async def test_it_answers_with_what_the_tool_said(qwen: LocalLlm) -> None:
    done = Message(Role.TOOLS, "", 1, uses=(USE,))
    items = await asked(qwen, user("What is the weather in Lisbon?"), done, tools=(WEATHER,))
    assert not calls(items)
    assert "rain" in text(items).lower()


async def test_it_does_not_call_what_nobody_asked_for(qwen: LocalLlm) -> None:
    items = await asked(qwen, user("What is two plus two?"), tools=(WEATHER,))
    assert not calls(items)
    assert "four" in text(items) or "4" in text(items)


async def test_a_later_turn_computes_only_its_own_words(qwen: LocalLlm) -> None:
    said = text(await asked(qwen, user("Which ocean is the biggest one?")))
    answer = Message(Role.ASSISTANT, said, 1)
    items = await asked(qwen, user("Which ocean is the biggest one?"), answer, user("How deep is it?", 2))
    usage = items[-1]
    assert isinstance(usage, Usage)
    assert usage.input_tokens - usage.cached_tokens < 40


async def test_the_words_of_an_answer_that_was_ended_early_are_counted(qwen: LocalLlm) -> None:
    items = await asked(qwen, user("How do I boil an egg?"))
    usage = items[-1]
    assert isinstance(usage, Usage)
    assert usage.input_tokens > 100
    assert 10 < usage.output_tokens < 130


async def test_what_it_is_told_it_reacts_to(qwen: LocalLlm) -> None:
    """It would say the very words again; the next answer still knows what was told before."""
    told = "I left my umbrella on the train this morning."
    reaction = text(await asked(qwen, user(told)))
    assert len(reaction.split()) >= 3
    assert not reaction.startswith("I left my umbrella")
    name = (user("My name is Anna."), Message(Role.ASSISTANT, "Hello Anna!", 1), user(told, 2))
    said = Message(Role.ASSISTANT, text(await asked(qwen, *name)), 2)
    assert "Anna" in text(await asked(qwen, *name, said, user("What is my name?", 3)))


async def test_another_conversation_finds_the_instructions_read_in_whichever_slot(qwen: LocalLlm) -> None:
    ahead = Prompt(INSTRUCTIONS, (user(""),), "en", claim=Claim.of("Ben", Urgency.PREPARED))
    await qwen.read_ahead(ahead, to_answer=True)
    others = [user("Please say hello to Anna " * 20), Message(Role.ASSISTANT, "Hello, Anna. " * 20, 1)]
    await asked(qwen, *others, user("Thank you.", 2), max_tokens=4)
    items = await asked(qwen, user("What is the capital of Portugal?"), max_tokens=4)
    usage = items[-1]
    assert isinstance(usage, Usage)
    assert usage.input_tokens - usage.cached_tokens < 25 < usage.cached_tokens
