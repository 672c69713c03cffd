"""The conversation as chat messages: what strict servers and strict templates take, whatever was said."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.openai_llm_rules import MODELS, Refused, Traits, check
from voice_grpc.core.conversation import Conversation, Heard, Message, Role
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.openai.capabilities import Capabilities
from voice_grpc.engines.openai.request import SILENCE, messages, request
from voice_grpc.engines.prompt_history import CUT_OFF, OPENING
from voice_grpc.ports import Prompt

ASSISTANT, TOOLS, USER = Role.ASSISTANT, Role.TOOLS, Role.USER


def use(number: int, vendor_id: str = "", arguments: str = "{}") -> ToolUse:
    return ToolUse(f"t{number}", "weather", arguments, f'{{"n": {number}}}', vendor_id)


def told(*said: Message, characters: int = 24_000) -> list[dict[str, Any]]:
    return messages(Prompt("Be brief.", said), characters, takes_system=True)[1:]


def shape(*said: Message) -> list[tuple[str, str]]:
    return [(each["role"], each["content"]) for each in told(*said)]


def taken(body: dict[str, Any], style: str = "vllm") -> None:
    check(json.loads(json.dumps(body)), style, Traits(), MODELS[style])


# ---------------------------------------------------------------- who says what


def test_the_system_comes_first_with_the_language() -> None:
    prompt = Prompt("Be brief.", (Message(USER, "Hola.", 1),), language="es-ES")
    system, user = messages(prompt, 24_000, takes_system=True)
    assert system["role"] == "system"
    assert system["content"].startswith("Be brief.")
    assert "Answer in Spanish (es-ES)." in system["content"]
    assert user == {"role": "user", "content": "Hola."}
    unknown = messages(Prompt("", prompt.messages, language="xh-ZA"), 24_000, takes_system=True)[0]
    assert "Answer in the language xh-ZA." in unknown["content"]
    (only,) = messages(prompt, 24_000, takes_system=False)
    assert only["role"] == "user"
    assert only["content"].startswith("Be brief.")
    assert only["content"].endswith("\n\nHola.")


def test_what_one_says_twice_in_a_row_is_one_message() -> None:
    said = (Message(USER, " One. ", 1), Message(USER, "Two.", 2), Message(ASSISTANT, "Three.", 2))
    assert shape(*said, Message(USER, "Four.", 3)) == [
        ("user", "One.\nTwo."),
        ("assistant", "Three."),
        ("user", "Four."),
    ]


@pytest.mark.parametrize("heard", [Heard.REPORTED, Heard.ESTIMATED])
def test_an_answer_that_was_cut_off_is_marked(heard: Heard) -> None:
    said = (
        Message(USER, "Tell me.", 1),
        Message(ASSISTANT, "Once upon a", 1, heard),
        Message(USER, "Stop.", 2),
    )
    assert shape(*said)[1] == ("assistant", f"Once upon a {CUT_OFF}")
    assert CUT_OFF in messages(Prompt("", said), 24_000, takes_system=True)[0]["content"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ((), [("user", OPENING)]),
        ((Message(USER, "  ", 1),), [("user", OPENING)]),
        (
            (Message(ASSISTANT, "Hello!", 0), Message(USER, "Hi.", 1)),
            [("user", OPENING), ("assistant", "Hello!"), ("user", "Hi.")],
        ),
        (
            (Message(USER, "Hi.", 1), Message(ASSISTANT, "Hello!", 1)),
            [("user", "Hi."), ("assistant", "Hello!"), ("user", SILENCE)],
        ),
    ],
)
def test_the_user_begins_and_the_assistant_is_not_last(
    said: tuple[Message, ...], expected: list[tuple[str, str]]
) -> None:
    assert shape(*said) == expected


# ---------------------------------------------------------------- tools


def test_a_step_is_a_call_and_its_results() -> None:
    step = Message(TOOLS, "", 1, uses=(use(1, "abc", '{"city": "Oslo"}'), use(2)))
    user, calls, first, second = told(Message(USER, "Weather?", 1), step)
    assert user["role"] == "user"
    assert calls == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "abc",
                "type": "function",
                "function": {"name": "weather", "arguments": '{"city": "Oslo"}'},
            },
            {"id": "call00001", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
        ],
    }
    assert first == {"role": "tool", "tool_call_id": "abc", "content": '{"n": 1}'}
    assert second["tool_call_id"] == "call00001"


def test_words_before_a_call_stand_with_it() -> None:
    said = (Message(USER, "Weather?", 1), Message(ASSISTANT, "Let me see.", 1))
    _, calls, result = told(*said, Message(TOOLS, "", 1, uses=(use(1),)))
    assert calls["content"] == "Let me see."
    assert calls["tool_calls"]
    assert result["role"] == "tool"


def test_a_user_who_did_not_wait_for_the_answer_is_told_apart_from_the_results() -> None:
    said = (
        Message(USER, "Weather?", 1),
        Message(TOOLS, "", 1, uses=(use(1),)),
        Message(USER, "Never mind.", 2),
    )
    roles = [each["role"] for each in told(*said)]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert told(*said)[3]["content"] == CUT_OFF


def test_ids_are_unique_and_short_whoever_gave_them() -> None:
    """Of an engine before this one in the fallback chain, of a server that counts from 0 in each answer."""
    steps = [Message(TOOLS, "", 1, uses=(use(1, "call_0"), use(2, "call_0"), use(3, "x" * 41), use(4)))] * 2
    found = told(Message(USER, "Weather?", 1), *steps)
    ids = [call["id"] for each in found for call in each.get("tool_calls", ())]
    assert len(ids) == len(set(ids)) == 8
    assert all(len(each) <= 40 for each in ids)
    assert [each["tool_call_id"] for each in found if each["role"] == "tool"] == ids


@pytest.mark.parametrize("arguments", ["", "[]", "nonsense", '"x"'])
def test_arguments_that_are_no_object_are_none(arguments: str) -> None:
    step = Message(TOOLS, "", 1, uses=(use(1, "", arguments),))
    calls = told(Message(USER, "Weather?", 1), step)[1]["tool_calls"]
    assert calls[0]["function"]["arguments"] == "{}"


def test_tools_are_declared_as_objects() -> None:
    tools = (
        ToolDeclaration("now", "The time.", {}),
        ToolDeclaration("weather", "", {"properties": {"city": {"type": "string"}}, "required": ["city"]}),
    )
    body = request(Prompt("", (Message(USER, "Hi.", 1),), tools=tools), "Qwen/Qwen3-8B", Capabilities())
    taken(body)
    first, second = (tool["function"]["parameters"] for tool in body["tools"])
    assert first == {"type": "object", "properties": {}}
    assert second["required"] == ["city"]


# ---------------------------------------------------------------- whatever was said


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """As a session makes them: spoken, called, interrupted, taken back, in any order."""
    conversation = Conversation()
    for number in range(draw(st.integers(1, 8))):
        conversation.user_said(number, draw(st.sampled_from(["Hi.", "", "And then?"])))
        for _ in range(draw(st.integers(0, 2))):
            ids = draw(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=3))
            uses = tuple(use(number * 10 + place, id_) for place, id_ in enumerate(ids))
            conversation.tools_used(number, uses)
        end = draw(st.sampled_from(["answered", "interrupted", "silent", "taken back"]))
        if end in ("answered", "interrupted"):
            heard = Heard.WHOLE if end == "answered" else Heard.REPORTED
            conversation.assistant_said(number, "Well, ", heard)
        elif end == "taken back":
            conversation.take_back(number)
    return conversation.asked(99, "What now?")


@given(conversations(), st.sampled_from([40, 400, 24_000]), st.booleans())
def test_every_conversation_is_taken_by_the_strictest_server(
    said: tuple[Message, ...], characters: int, takes_system: bool
) -> None:
    known = Capabilities(history=characters, takes_system=takes_system)
    body = request(Prompt("Be brief.", said), "Qwen/Qwen3-8B", known)
    check(json.loads(json.dumps(body)), "vllm", Traits(takes_system=takes_system), MODELS["vllm"])
    last = body["messages"][-1]
    assert last["role"] == "tool" or "What now?" in last["content"]


# ---------------------------------------------------------------- the fake refuses misuse


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"messages": []}, "empty array"),
        ({"messages": [{"role": "bot", "content": "x"}]}, "Invalid value"),
        ({"messages": [{"role": "user"}]}, "must contain 'content'"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, "start with a user"),
        ({"messages": [{"role": "user", "content": "x"}] * 2}, "must alternate"),
        ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "a"}]}, "must be a response"),
        ({"model": "nobody"}, "does not exist"),
        ({"max_tokens": 0}, "below minimum"),
        ({"temperature": 3}, "Expected 0 to 2"),
        ({"stream": False}, "only allowed when 'stream'"),
        ({"tools": []}, "empty array"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "function.name"),
        ({"tools": [{"type": "function", "function": {"name": "a"}}]}, "type 'object'"),
        ({"reasoning_effort": "little"}, "reasoning_effort"),
        ({"chat_template_kwargs": "none"}, "valid dictionary"),
    ],
)
def test_the_fake_refuses_what_real_servers_refuse(change: dict[str, Any], said: str) -> None:
    body = request(Prompt("", (Message(USER, "Hi.", 1),)), "Qwen/Qwen3-8B", Capabilities())
    taken(body)
    with pytest.raises(Refused) as caught:
        taken({**body, **change})
    assert said in caught.value.message


def test_the_fake_wants_a_result_for_every_call() -> None:
    step = Message(TOOLS, "", 1, uses=(use(1), use(2)))
    body = request(Prompt("", (Message(USER, "Hi.", 1), step)), "Qwen/Qwen3-8B", Capabilities())
    taken(body)
    for broken in (body["messages"][:-1], [*body["messages"], body["messages"][-1]]):
        with pytest.raises(Refused):
            taken({**body, "messages": broken})


def test_openai_knows_no_fields_of_others() -> None:
    body = request(Prompt("", (Message(USER, "Hi.", 1),)), "gpt-4.1-mini", Capabilities())
    with pytest.raises(Refused) as caught:
        taken(body, "openai")
    assert "chat_template_kwargs" in caught.value.message
