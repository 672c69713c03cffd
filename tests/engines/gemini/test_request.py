"""A prompt as Gemini is told it: who said what, how much of it, and in which language to answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.gemini_rules import check
from voice_grpc.core.conversation import Heard, Message, Role
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.gemini.request import contents, request, thinking, wire_name
from voice_grpc.engines.http.json_values import Json
from voice_grpc.engines.prompt_history import OPENING, instructions
from voice_grpc.ports import Prompt

THREE, TWO = thinking("gemini-3.5-flash-lite")[0], thinking("gemini-2.5-flash")[0]


def user(text: str, turn: int = 0) -> Message:
    return Message(Role.USER, text, turn)


def said(text: str, turn: int = 0, heard: Heard = Heard.WHOLE) -> Message:
    return Message(Role.ASSISTANT, text, turn, heard)


def used(*names: str, result: str = '{"done": true}', signature: str = "c2ln", turn: int = 0) -> Message:
    uses = tuple(
        ToolUse(f"call-{turn}-{n}", name, '{"n": 1}', result, signature=signature if n == 0 else "")
        for n, name in enumerate(names)
    )
    return Message(Role.TOOLS, "", turn, uses=uses)


def shown(*messages: Message) -> list[tuple[str, list[object]]]:
    """Roles and texts; of calls and results the names."""
    return [
        (content["role"], [_shown(part) for part in content["parts"]])
        for content in contents(messages, THREE)
    ]


def _shown(part: Json) -> object:
    for key in ("functionCall", "functionResponse"):
        if key in part:
            return {key: part[key]["name"]}
    return part["text"]


def test_one_after_the_other() -> None:
    assert shown(user("Hi."), said("Hello!"), user("How are you?")) == [
        ("user", ["Hi."]),
        ("model", ["Hello!"]),
        ("user", ["How are you?"]),
    ]


def test_words_of_one_speaker_in_a_row_are_one_content() -> None:
    assert shown(user("Well"), user("what I mean"), said("Yes?"), said("Go on."), user("is this")) == [
        ("user", ["Well", "what I mean"]),
        ("model", ["Yes?", "Go on."]),
        ("user", ["is this"]),
    ]


@pytest.mark.parametrize("heard", [Heard.REPORTED, Heard.ESTIMATED])
def test_an_interrupted_answer_is_marked_and_the_mark_explained(heard: Heard) -> None:
    messages = (user("Tell me."), said("Once upon a", heard=heard), user("Stop."))
    assert shown(*messages)[1] == ("model", ["Once upon a —"])
    assert "ends with “—”" in instructions(Prompt("", messages))


def test_a_greeting_comes_after_something_of_the_user() -> None:
    assert shown(said("Welcome!"), user("Hi.")) == [
        ("user", [OPENING]),
        ("model", ["Welcome!"]),
        ("user", ["Hi."]),
    ]


@pytest.mark.parametrize("messages", [(), (user("  "),), (said(""),)])
def test_nothing_said_is_still_a_request(messages: tuple[Message, ...]) -> None:
    assert shown(*messages) == [("user", [OPENING])]


def test_results_stand_alone_and_words_go_with_their_calls() -> None:
    assert shown(user("Both?"), said("Looking."), used("a", "b"), user("Wait."), user("Now.")) == [
        ("user", ["Both?"]),
        ("model", ["Looking.", {"functionCall": "a"}, {"functionCall": "b"}]),
        ("user", [{"functionResponse": "a"}, {"functionResponse": "b"}]),
        ("user", ["Wait.", "Now."]),
    ]


def test_steps_follow_each_other() -> None:
    assert shown(user("Go."), used("a"), used("b"), said("Done."), user("Thanks.")) == [
        ("user", ["Go."]),
        ("model", [{"functionCall": "a"}]),
        ("user", [{"functionResponse": "a"}]),
        ("model", [{"functionCall": "b"}]),
        ("user", [{"functionResponse": "b"}]),
        ("model", ["Done."]),
        ("user", ["Thanks."]),
    ]


@pytest.mark.parametrize(
    ("result", "sent"),
    [
        ('{"sky": "clear"}', {"sky": "clear"}),
        ("[1, 2]", {"result": [1, 2]}),
        ('"fine"', {"result": "fine"}),
        ("not JSON", {"result": "not JSON"}),
        ("", {"result": ""}),
    ],
)
def test_results_are_objects(result: str, sent: object) -> None:
    last = contents([user("Go."), used("a", result=result)], THREE)[-1]
    assert last["parts"][0]["functionResponse"]["response"] == sent


def test_signatures_go_back_as_they_came() -> None:
    signature = "+/8=_-"
    step = contents([user("Go."), used("a", "b", signature=signature)], THREE)[1]["parts"]
    assert step[0]["thoughtSignature"] == signature
    assert "thoughtSignature" not in step[1]


def test_only_what_wants_signatures_gets_a_placeholder() -> None:
    messages = [user("Go."), used("a", signature="")]
    assert contents(messages, THREE)[1]["parts"][0]["thoughtSignature"] == "skip_thought_signature_validator"
    assert "thoughtSignature" not in contents(messages, TWO)[1]["parts"][0]


@pytest.mark.parametrize(
    ("name", "wire"),
    [("weather", "weather"), ("_x", "_x"), ("9lives", "_9lives"), ("-" * 64, "_" + "-" * 63)],
)
def test_names_begin_as_gemini_wants_them(name: str, wire: str) -> None:
    assert wire_name(name) == wire


def test_what_is_asked_for_is_what_is_sent() -> None:
    config = request(Prompt("", (user("Hi."),), max_tokens=50, temperature=0.3), TWO).config
    assert (config.max_output_tokens, config.temperature, config.tools) == (50, 0.3, None)
    assert config.automatic_function_calling is not None
    assert config.automatic_function_calling.disable
    assert request(Prompt("", (user("Hi."),)), THREE).config.temperature is None


MESSAGES = st.lists(
    st.one_of(
        st.builds(user, st.text(max_size=20)),
        st.builds(said, st.text(max_size=20), st.just(0), st.sampled_from(Heard)),
        st.builds(
            used, st.sampled_from("ab"), st.sampled_from("ab"), signature=st.sampled_from(["", "c2ln"])
        ),
    ),
    max_size=12,
)


@given(MESSAGES)
def test_no_conversation_is_refused(messages: list[Message]) -> None:
    """Whatever was said in whatever order, as long as the user or a tool spoke last."""
    body = {"contents": contents([*messages, user("And now?")], THREE)}
    check(body, "gemini-3.5-flash-lite", [b"sig"])
    check(body, "gemini-2.5-flash", [])


def test_tools_of_one_name_are_declared_once() -> None:
    tool = ToolDeclaration("a", "", {"type": "object"})
    asked = request(Prompt("", (user("Hi."),), tools=(tool, tool)), THREE)
    assert asked.tools == {"a": "a"}
