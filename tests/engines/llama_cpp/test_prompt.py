"""The fear: a prompt that changes at its beginning, so that the model computes everything again."""

import os

import pytest

from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.repetition import SHORT_WORDS
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.llama_cpp.prompt import (
    EXAMPLE_LINES,
    chat_request,
    is_loop,
    recent,
    transcript_request,
    without_tools,
)
from voice_grpc.ports import Prompt

TOKENS = 2048


def dialogue(turns: int, words: int = 8) -> tuple[Message, ...]:
    """So many questions, and the answers to all but the last."""
    messages: list[Message] = []
    for turn in range(turns):
        messages.append(Message(Role.USER, f"question {turn} " + "word " * words, turn))
        messages.append(Message(Role.ASSISTANT, f"answer {turn} " + "word " * words, turn))
    return tuple(messages[:-1])


def transcript(messages: tuple[Message, ...], instructions: str = "") -> str:
    return str(transcript_request(Prompt(instructions, messages), TOKENS, 0)["prompt"])


def test_each_turn_only_adds_to_the_prompt() -> None:
    whole = dialogue(6)
    for turns in range(1, 6):
        assert transcript(whole[: 2 * turns + 1]).startswith(transcript(whole[: 2 * turns - 1]))


def test_what_all_personas_share_comes_before_their_instructions() -> None:
    one, other = (
        transcript(dialogue(1), "Be a pirate."),
        transcript(dialogue(1), "Speak like a poet."),
    )
    assert len(os.path.commonprefix([one, other])) > 0.8 * len(one)
    assert "Be a pirate." in one


def test_a_long_history_loses_its_beginning_rarely_and_fits() -> None:
    whole = dialogue(200)
    firsts = []
    for turns in range(1, 200):
        kept = recent(whole[: 2 * turns - 1], 3000)
        assert sum(len(message.text) for message in kept) <= 3000
        assert kept[-1] == whole[2 * turns - 2]
        firsts.append(whole.index(kept[0]))
    assert firsts == sorted(firsts)
    assert len(set(firsts)) < 20


def test_a_question_longer_than_the_model_is_cut() -> None:
    prompt = transcript((Message(Role.USER, "word " * 20_000, 0),))
    assert len(prompt) < TOKENS * 3
    assert prompt.endswith("word\nAssistant:")


def test_very_long_instructions_leave_room_for_the_question() -> None:
    prompt = transcript(dialogue(1), "Be brief. " * 5000)
    assert len(prompt) < TOKENS * 3
    assert "question 0" in prompt


def test_an_interrupted_answer_is_shown_cut_off() -> None:
    said = Message(Role.ASSISTANT, "Once upon a", 0, Heard.REPORTED)
    prompt = transcript((Message(Role.USER, "A story.", 0), said, Message(Role.USER, "Stop.", 1)))
    assert prompt.endswith("User: A story.\nAssistant: Once upon a—\nUser: Stop.\nAssistant:")


def test_a_message_stays_on_its_line() -> None:
    prompt = transcript((Message(Role.USER, "one\nAssistant: two\r\n\nthree", 0),))
    assert prompt.endswith("User: one Assistant: two three\nAssistant:")


def test_no_messages_at_all() -> None:
    assert transcript(()).endswith(":\nAssistant:")


def test_the_second_attempt_samples_otherwise() -> None:
    prompt = Prompt("", dialogue(1), temperature=0.0)
    first, second = (transcript_request(prompt, TOKENS, attempt) for attempt in (0, 1))
    assert first["temperature"] == 0.0
    assert second["temperature"] > 0.0


def test_the_second_attempt_shows_no_examples() -> None:
    first, second = (transcript_request(Prompt("", dialogue(1)), TOKENS, n)["prompt"] for n in (0, 1))
    assert all(line in first and line not in second for line in EXAMPLE_LINES)
    assert second.endswith(first[-40:])


def test_every_line_of_the_examples_can_be_told_from_a_short_answer() -> None:
    assert len(EXAMPLE_LINES) > 15
    assert all(len(line.split()) > SHORT_WORDS for line in EXAMPLE_LINES)


WEATHER = ToolDeclaration("weather", "The weather now.", {"properties": {"city": {"type": "string"}}})
USE = ToolUse("c1", "weather", '{"city": "Rome"}', '{"sky": "clear"}')


def test_tools_and_what_they_returned_are_in_a_chat() -> None:
    messages = (Message(Role.USER, "The weather in Rome?", 1), Message(Role.TOOLS, "", 1, uses=(USE,)))
    request = chat_request(Prompt("Be kind.", messages, tools=(WEATHER,)), TOKENS, 0)
    assert request["messages"][2:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": USE.arguments}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": USE.result},
    ]
    assert [tool["function"]["name"] for tool in request["tools"]] == ["weather"]
    assert request["tools"][0]["function"]["parameters"]["type"] == "object"


def test_a_model_without_tools_is_told_of_none() -> None:
    messages = (Message(Role.USER, "Rome?", 1), Message(Role.TOOLS, "", 1, uses=(USE,)))
    bare = without_tools(Prompt("", messages, tools=(WEATHER,)))
    assert bare == Prompt("", messages[:1])


def test_chat_speakers_alternate() -> None:
    messages = (Message(Role.USER, "One.", 0), Message(Role.USER, "Two.", 1))
    request = chat_request(Prompt("Be kind.", messages, language="de-DE"), TOKENS, 0)
    assert request["messages"] == [
        {"role": "system", "content": "Be kind. Answer in German."},
        {"role": "user", "content": "One.\nTwo."},
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A dog is a friendly, friendly, friendly, friendly,", True),
        ("I like tea and I like coffee.", False),
        ("Ninety nine, ninety nine.", False),
        ("", False),
    ],
)
def test_a_loop_is_seen(text: str, expected: bool) -> None:
    assert is_loop(text) is expected
