"""One answer on its way out: no line of the examples, nothing blank at its head, no call that is spoken."""

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.llama_cpp.answer import LocalAnswer
from voice_grpc.ports import CallRequest, Prompt, TextDelta

ASKED = Prompt("", (Message(Role.USER, "What is my name?", 1),))
EXAMPLES = ("Your name is Tavish.", "The capital of Fiji is Suva.")


def written(answer: LocalAnswer, *tokens: str) -> str:
    said = [item for token in tokens for item in answer.feed(token)]
    return "".join(item.text for item in (*said, *answer.end()) if isinstance(item, TextDelta))


def test_a_line_of_the_examples_does_not_come_out() -> None:
    answer = LocalAnswer(ASKED, 96, EXAMPLES)
    assert written(answer, " Your", " name", " is", " Tavish", ".") == ""
    assert not answer.has_said


def test_what_only_begins_like_one_does() -> None:
    answer = LocalAnswer(ASKED, 96, EXAMPLES)
    assert written(answer, " Your", " name", " is", " Anna", ".") == "Your name is Anna."
    assert answer.has_said


def test_nothing_blank_comes_before_the_first_word() -> None:
    assert [LocalAnswer(ASKED, 96).feed(token) for token in (" ", "\n", " Hi")] == [[], [], [TextDelta("Hi")]]
    assert not LocalAnswer(ASKED, 96).end()


def test_three_sentences_end_it() -> None:
    answer = LocalAnswer(ASKED, 96)
    tokens = ("One.", " Two.", " Three.", " Four.")
    said = [item.text for token in tokens for item in answer.feed(token)]
    assert "".join(said) == "One. Two. Three."
    assert answer.is_over


def test_a_call_is_something_that_was_said() -> None:
    tool = ToolDeclaration("time", "The time now.", {})
    answer = LocalAnswer(Prompt("", ASKED.messages, tools=(tool,)), 96)
    assert answer.feed('{"name": "time", "arguments": {}}') == []
    assert answer.end() == [CallRequest("time", {})]
    assert answer.has_said
