"""What servers do not take: left out at once, remembered, and never a turn lost over it."""

import asyncio
import json

import pytest

from tests.fakes.openai_llm import ChatReply, FakeOpenAi
from tests.fakes.openai_llm_rules import KEY, Refused, Traits
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineError
from voice_grpc.engines.openai.capabilities import Capabilities, learned
from voice_grpc.engines.openai.client import OpenAiClient, address
from voice_grpc.engines.openai.errors import refusal
from voice_grpc.engines.openai.llm import OpenAiLlm
from voice_grpc.engines.openai.negotiation import Negotiator
from voice_grpc.ports import Prompt

from .asking import HELLO, UNHURRIED, WEATHER, ask, server

# ---------------------------------------------------------------- capabilities


@pytest.mark.parametrize(
    ("message", "changed"),
    [
        ("Unrecognized request argument supplied: chat_template_kwargs", {"switches_template": False}),
        ("property 'chat_template_kwargs' is unsupported", {"switches_template": False}),
        ("chat_template is not supported for Mistral tokenizers.", {"switches_template": False}),
        ("Unrecognized request argument supplied: reasoning_effort", {"effort": ""}),
        ("Argument not supported on this model: reasoningEffort", {"effort": ""}),
        ('"granite4:3b" does not support thinking', {"effort": ""}),
        (
            "Unsupported value: 'reasoning_effort' does not support 'none' with this model. Supported "
            "values are: 'minimal', 'low', 'medium', and 'high'.",
            {"effort": "minimal", "room": 1024},
        ),
        (
            "1 validation error: {'type': 'literal_error', 'loc': ('body', 'reasoning_effort'), 'msg': "
            "\"Input should be 'low', 'medium' or 'high'\", 'input': 'none'}",
            {"effort": "low", "room": 1024},
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
            "'max_completion_tokens' instead.",
            {"limit": "max_completion_tokens"},
        ),
        (
            "Could not finish the message because max_tokens or model output limit was reached.",
            {"room": 1024},
        ),
        ("Unknown field: stream_options", {"counts_usage": False}),
        (
            "Unsupported value: 'temperature' does not support 0.3 with this model. Only the default (1) "
            "value is supported.",
            {"sets_temperature": False},
        ),
        ("registry.ollama.ai/library/gemma:2b does not support tools", {"takes_tools": False}),
        (
            '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set',
            {"takes_tools": False},
        ),
        ("tools param requires --jinja flag", {"takes_tools": False}),
        ("No endpoints found that support tool use.", {"takes_tools": False}),
        ("System role not supported", {"takes_system": False}),
        (
            "Unsupported value: 'messages[0].role' does not support 'system' with this model.",
            {"takes_system": False},
        ),
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
            {"history": 12_000},
        ),
        ("request (2024 tokens) exceeds the available context size (1024 tokens)", {"history": 12_000}),
        ("The weather is bad", {}),
    ],
)
def test_a_refusal_teaches_what_to_leave_out(message: str, changed: dict[str, object]) -> None:
    said = refusal(400, json.dumps({"error": {"message": message}}).encode())
    better = learned(Capabilities(), said, {"temperature": 0.3, "tools": [1]}, bases=1)
    assert better == (Capabilities(**changed) if changed else None)  # type: ignore[arg-type]
    if better is not None and "history" not in changed:
        assert learned(better, said, {"temperature": 0.3, "tools": [1]}, bases=1) != better


def test_what_a_request_quotes_teaches_nothing() -> None:
    """FastAPI's servers repeat what they were sent, the user's words among it."""
    detail = [
        {"loc": ["body", "top_k"], "msg": "Extra inputs", "input": "the temperature of a thinking model"}
    ]
    said = refusal(422, json.dumps({"detail": detail}).encode())
    assert learned(Capabilities(), said, {"temperature": 0.3}, bases=1) is None


def test_the_field_that_a_server_names_goes_before_its_words() -> None:
    error = {"message": "Unsupported value in a request with reasoning_effort", "param": "temperature"}
    said = refusal(400, json.dumps({"error": error}).encode())
    assert learned(Capabilities(), said, {"temperature": 0.3}, bases=1) == Capabilities(
        sets_temperature=False
    )


def test_what_another_turn_has_learned_meanwhile_is_kept() -> None:
    negotiator = Negotiator(OpenAiClient(address("http://localhost", ""), 1.0), "m", 1)
    template, effort = (
        refusal(400, json.dumps({"error": {"message": f"Unknown: {field}"}}).encode())
        for field in ("chat_template_kwargs", "reasoning_effort")
    )
    assert negotiator.take(template, HELLO, Capabilities())
    assert negotiator.take(effort, HELLO, Capabilities())
    assert negotiator.capabilities == Capabilities(switches_template=False)
    assert negotiator.take(effort, HELLO, negotiator.capabilities)
    assert negotiator.capabilities == Capabilities(switches_template=False, effort="")


async def test_turns_that_begin_at_once_learn_together() -> None:
    async with FakeOpenAi() as fake:
        llm = OpenAiLlm(fake.url, KEY, "gpt-5-mini", timeouts=UNHURRIED)
        async with asyncio.TaskGroup() as tasks:
            asking = [tasks.create_task(ask(llm)) for _ in range(10)]
        assert all(task.result().startswith("Sure.") for task in asking)
        await fake.script.until_open(0)
        refused = [seen for seen in fake.script.calls if seen.end == "refused"]
        assert 4 <= len(refused) <= 40, "four things to learn, by each at most"
        await llm.close()


@pytest.mark.parametrize("status", [401, 402, 403, 429, 503])
def test_what_has_nothing_to_do_with_the_terms_teaches_nothing(status: int) -> None:
    body = b'{"error": {"message": "reasoning_effort max_completion_tokens temperature"}}'
    assert learned(Capabilities(), refusal(status, body), {"temperature": 0.3}, bases=2) is None


@pytest.mark.parametrize(
    "traits",
    [
        Traits(takes_usage=False),
        Traits(is_vague=True),
        Traits(takes_system=False),
        Traits(takes_tools=False),
    ],
)
@pytest.mark.parametrize("style", ["openai", "vllm", "ollama", "llamacpp"])
async def test_what_a_server_does_not_take_costs_one_turn_no_words(style: str, traits: Traits) -> None:
    prompt = Prompt("Be brief.", HELLO.messages, tools=(WEATHER,))
    async with server(style=style, traits=traits) as (llm, fake):
        assert (await ask(llm, prompt)).startswith("Sure.")
        fake.script.calls.clear()
        assert (await ask(llm, prompt)).startswith("Sure.")
        await fake.script.until_open(0)
        assert [seen.end for seen in fake.script.calls] == ["done"]
        assert llm.calls_tools is traits.takes_tools
        said = json.dumps(fake.asked[0].body["messages"])
        assert "Be brief." in said


async def test_a_model_with_little_context_is_told_less_of_the_past() -> None:
    roles = (Role.USER, Role.ASSISTANT)
    past = tuple(Message(roles[place % 2], f"word {place} " * 40, place // 2) for place in range(40))
    prompt = Prompt("", (*past, Message(Role.USER, "And now?", 20)))
    async with server(traits=Traits(context=1000)) as (llm, fake):
        assert await ask(llm, prompt)
        told = fake.asked[-1].body["messages"]
        assert told[-1]["content"] == "And now?"
        assert told[1]["role"] == "user"
        assert 4 < len(told) < 42


async def test_a_prompt_that_never_fits_is_given_up() -> None:
    async with server(traits=Traits(context=5)) as (llm, fake):
        with pytest.raises(EngineError, match="context size"):
            await ask(llm)
        assert len(fake.script.calls) < 8


async def test_a_server_that_refuses_everything_is_not_asked_for_ever() -> None:
    words = (
        "chat_template_kwargs reasoning_effort max_completion_tokens stream_options temperature system role"
    )
    async with server(ChatReply(refusal=Refused(400, words))) as (llm, fake):
        with pytest.raises(EngineError, match="chat_template_kwargs"):
            await ask(llm)
        assert len(fake.script.calls) < 12
        fake.answers = [ChatReply()]
        assert await ask(llm)
        assert "chat_template_kwargs" in fake.asked[-1].body, "nothing is learned from what was no lesson"
