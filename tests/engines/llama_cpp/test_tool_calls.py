"""Calls in what a model writes, however it writes them, wherever the stream cuts: made, and never spoken."""

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.llama_cpp.tool_calls import ToolCallReader
from voice_grpc.ports import CallRequest

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = ToolDeclaration("get_weather", "The weather in a city now.", CITY)
LIGHT = ToolDeclaration("switchLight", "Switch a lamp.", {"type": "object", "properties": {}})
TOOLS = (WEATHER, LIGHT)
OBJECT = '{"name": "get_weather", "arguments": {"city": "Rome"}}'
ROME = CallRequest("get_weather", {"city": "Rome"})


def read(reader: ToolCallReader, text: str, size: int) -> tuple[str, list[CallRequest]]:
    said = "".join(reader.feed(text[at : at + size]) for at in range(0, len(text), size))
    rest, calls = reader.end()
    return said + rest, calls


@pytest.mark.parametrize("size", [1, 2, 5, 300])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"<tool_call>\n{OBJECT}\n</tool_call>", ""),
        (OBJECT, ""),
        (f"\n {OBJECT}", ""),
        (f"[{OBJECT}]", ""),
        (f"```json\n{OBJECT}\n```", ""),
        (OBJECT.replace("arguments", "parameters"), ""),
        (f"Let me look. <tool_call>{OBJECT}</tool_call>", "Let me look. "),
        (f"<think>Rome, then.</think>{OBJECT}", ""),
        (f"<|python_tag|>{OBJECT.replace('arguments', 'parameters')}<|eom_id|>", ""),
        (f"[TOOL_CALLS][{OBJECT}]", ""),
        (OBJECT[:-1], ""),
        ('get_weather(city="Rome")', ""),
    ],
)
def test_a_call_is_made_and_not_spoken(text: str, said: str, size: int) -> None:
    assert read(ToolCallReader(TOOLS), text, size) == (said, [ROME])


@pytest.mark.parametrize("size", [1, 4, 300])
@pytest.mark.parametrize("text", ["It is <b>warm</b>.", "A < B", "Five (5) [six] {7}.", "`x`"])
def test_what_is_no_call_is_said_whole(text: str, size: int) -> None:
    reader = ToolCallReader(TOOLS)
    assert read(reader, text, size) == (text, [])
    assert not reader.is_unusable


def test_several_calls_at_once() -> None:
    text = f'<tool_call>{OBJECT}</tool_call>\n<tool_call>{{"name": "switchLight"}}</tool_call>'
    assert read(ToolCallReader(TOOLS), text, 7) == ("", [ROME, CallRequest("switchLight", {})])


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "add", "arguments": {"a": 2}}',
        '{"name": "get_weather", "arguments": {}}',
        '{"name": "get_weather", "arguments": "Rome"}',
        '{"temperature": 12}',
        '<tool_call>{"name": "get_wea',
        "```python\nprint(2 + 2)\n```",
    ],
)
def test_a_call_of_no_use_is_neither_made_nor_spoken(text: str) -> None:
    reader = ToolCallReader(TOOLS)
    assert read(reader, text, 3) == ("", [])
    assert reader.is_unusable


def test_a_tool_that_is_none_is_known_by_its_name() -> None:
    reader = ToolCallReader(TOOLS)
    for token in ('{"', "name", '": "', "add"):
        reader.feed(token)
        assert not reader.is_unusable
    reader.feed('",')
    assert reader.is_unusable


def test_the_same_call_in_the_same_turn_is_of_no_use() -> None:
    use = ToolUse("c1", "get_weather", '{"city":"Rome"}', "{}")
    asked = Message(Role.USER, "The weather in Rome?", 1)
    done = Message(Role.TOOLS, "", 1, uses=(use,))
    reader = ToolCallReader(TOOLS, (asked, done))
    read(reader, OBJECT, 5)
    assert reader.is_unusable
    again = Message(Role.USER, "And now?", 2)
    assert read(ToolCallReader(TOOLS, (asked, done, again)), OBJECT, 5) == ("", [ROME])


@pytest.mark.parametrize(
    ("asked", "is_made"),
    [
        ("What is the weather in Rome?", True),
        ("Is it warm in Rome?", True),
        ("Which cities are nice now?", False),
        ("What is two plus two?", False),
        ("How many days are in a week?", False),
        ("What is your name?", False),
    ],
)
def test_the_smallest_models_need_a_reason_to_call(asked: str, is_made: bool) -> None:
    reader = ToolCallReader(TOOLS, (Message(Role.USER, asked, 1),), needs_evidence=True)
    assert read(reader, OBJECT, 9)[1] == ([ROME] if is_made else [])
    assert reader.is_unusable is not is_made


def test_names_of_tools_are_read_as_words() -> None:
    reader = ToolCallReader(TOOLS, (Message(Role.USER, "The lights, please!", 1),), needs_evidence=True)
    assert read(reader, '{"name": "switchLight", "arguments": {}}', 9)[1]


def test_what_is_only_thought_is_not_said() -> None:
    assert read(ToolCallReader(()), "<think>\nHm.\n</think>It is noon.", 3) == ("It is noon.", [])


def test_a_mark_of_the_end_ends_it() -> None:
    reader = ToolCallReader(TOOLS)
    assert reader.feed("It is warm.<|im_end|>") == "It is warm."
    assert reader.is_over


def test_without_tools_everything_is_said() -> None:
    assert read(ToolCallReader(()), OBJECT, 5) == (OBJECT, [])
