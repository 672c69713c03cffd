"""What every model is told of a conversation: which turns of it, and in which language to answer."""

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolUse
from voice_grpc.engines.prompt_history import instructions, recent
from voice_grpc.ports import Prompt


def turn(number: int, characters: int) -> list[Message]:
    return [
        Message(Role.USER, "u" * characters, number),
        Message(Role.TOOLS, "", number, uses=(ToolUse("call", "weather", "{}", '{"n": 1}'),)),
        Message(Role.ASSISTANT, "a" * characters, number),
    ]


def asked(number: int) -> Message:
    return Message(Role.USER, "And now?", number)


@pytest.mark.parametrize(("length", "characters"), [(1000, 24_000), (100, 4_000)])
def test_history_loses_whole_turns_from_the_front_and_rarely(length: int, characters: int) -> None:
    starts = []
    for count in range(1, 60):
        said = [message for number in range(count) for message in turn(number, length)]
        kept = recent([*said, asked(count)], characters)
        assert kept[0].role is Role.USER
        assert kept[-1] == asked(count)
        assert sum(len(message.text) for message in kept[:-1]) <= characters
        starts.append(kept[0].turn)
    assert starts == sorted(starts)
    assert starts[0] == 0
    assert 3 < len(set(starts)) < 12, "the start moves, but not with every turn"


def test_the_turn_that_is_answered_is_whole_whatever_its_size() -> None:
    result = ToolUse("call", "read", "{}", "z" * 90_000)
    last = [asked(2), Message(Role.TOOLS, "", 2, uses=(result, result))]
    assert recent([*turn(1, 100), *last], 24_000) == [*turn(1, 100), *last]
    assert recent([*turn(1, 20_000), *last], 24_000) == last


@pytest.mark.parametrize(
    ("language", "line"),
    [
        ("", "Answer in the language that the user speaks."),
        ("es-MX", "Answer in Spanish (es-MX)."),
        ("en", "Answer in English (en)."),
        ("gsw-CH", "Answer in the language gsw-CH."),
    ],
)
def test_the_language_is_asked_for(language: str, line: str) -> None:
    told = instructions(Prompt("You are Ada.", (asked(0),), language))
    assert told.startswith("You are Ada.\n\n")
    assert told.endswith(line)
