"""The memory of a conversation: the user's words whole, the answers as heard."""

from voice_grpc.core.conversation import Conversation, Heard, Message, Role
from voice_grpc.core.tools import ToolUse

HELLO = Message(Role.USER, "hello", 1)
HI = Message(Role.ASSISTANT, "hi there", 1)


def talk() -> Conversation:
    conversation = Conversation()
    conversation.user_said(1, "hello")
    conversation.assistant_said(1, "hi there")
    return conversation


def test_what_was_said_is_kept_in_order() -> None:
    conversation = talk()
    conversation.user_said(2, "and now")
    assert conversation.messages == (HELLO, HI, Message(Role.USER, "and now", 2))


def test_a_saved_conversation_goes_on() -> None:
    conversation = Conversation(talk().messages)
    conversation.user_said(2, "again")
    assert [m.text for m in conversation.messages] == ["hello", "hi there", "again"]


def test_messages_are_a_copy() -> None:
    conversation = talk()
    before = conversation.messages
    conversation.user_said(2, "again")
    assert before == (HELLO, HI)


def test_an_answer_that_was_cut_says_how_that_is_known() -> None:
    conversation = talk()
    conversation.assistant_said(1, "hi", Heard.ESTIMATED)
    assert conversation.messages == (HELLO, Message(Role.ASSISTANT, "hi", 1, Heard.ESTIMATED))


def test_a_later_report_corrects_the_memory_in_its_place() -> None:
    conversation = talk()
    conversation.assistant_said(1, "hi", Heard.ESTIMATED)
    conversation.user_said(2, "stop")
    conversation.assistant_said(1, "hi th", Heard.REPORTED)
    assert [m.text for m in conversation.messages] == ["hello", "hi th", "stop"]
    assert conversation.messages[1].heard is Heard.REPORTED


def test_nothing_heard_leaves_no_answer() -> None:
    conversation = talk()
    conversation.assistant_said(1, "", Heard.REPORTED)
    assert conversation.messages == (HELLO,)
    conversation.assistant_said(2, "", Heard.REPORTED)
    assert conversation.messages == (HELLO,)


def test_an_answer_that_is_known_late_stands_before_the_next_question() -> None:
    conversation = Conversation([HELLO, Message(Role.USER, "stop", 2)])
    conversation.assistant_said(1, "hi", Heard.REPORTED)
    assert [m.text for m in conversation.messages] == ["hello", "hi", "stop"]


def test_an_answer_to_nothing_stands_alone() -> None:
    conversation = Conversation()
    conversation.assistant_said(1, "welcome")
    assert conversation.messages == (Message(Role.ASSISTANT, "welcome", 1),)
    late = Conversation([Message(Role.USER, "hello", 2)])
    late.assistant_said(1, "welcome")
    assert [m.text for m in late.messages] == ["welcome", "hello"]


def test_words_given_back_are_in_no_message() -> None:
    conversation = talk()
    conversation.user_said(2, "what is")
    conversation.take_back(2)
    conversation.user_said(3, "what is the time")
    assert [(m.turn, m.text) for m in conversation.messages] == [
        (1, "hello"),
        (1, "hi there"),
        (3, "what is the time"),
    ]


def test_taking_back_leaves_the_answers_alone() -> None:
    conversation = talk()
    conversation.take_back(1)
    assert conversation.messages == (HI,)
    conversation.take_back(9)
    assert conversation.messages == (HI,)


# ---------------------------------------------------------------- tools

USES = (ToolUse("call-2-1", "weather", "{}", "{}"),)
LATER = (ToolUse("call-2-1", "weather", "{}", '{"sky": "sunny"}'),)


def test_a_step_of_tools_stands_between_question_and_answer_whenever_it_is_told() -> None:
    conversation = talk()
    conversation.user_said(2, "the weather?")
    conversation.tools_used(2, USES)
    conversation.assistant_said(2, "sunny")
    conversation.user_said(3, "thanks")
    conversation.tools_used(2, LATER)
    roles = [(m.role, m.turn) for m in conversation.messages[2:]]
    assert roles == [(Role.USER, 2), (Role.TOOLS, 2), (Role.ASSISTANT, 2), (Role.USER, 3)]
    assert conversation.messages[3].uses == LATER


def test_what_tools_did_for_words_that_are_taken_back_follows_them() -> None:
    conversation = talk()
    conversation.user_said(2, "the weather")
    conversation.tools_used(2, USES)
    conversation.take_back(2)
    assert list(conversation.messages) == [HELLO, HI]
    conversation.tools_used(2, LATER)
    expected = (Message(Role.USER, "the weather in Rome", 3), Message(Role.TOOLS, "", 3, uses=LATER))
    assert conversation.asked(3, "the weather in Rome") == (HELLO, HI, *expected)
    conversation.user_said(3, "the weather in Rome")
    conversation.assistant_said(3, "sunny")
    assert conversation.messages == (HELLO, HI, *expected, Message(Role.ASSISTANT, "sunny", 3))
    assert conversation.asked(4, "thanks")[-1] == Message(Role.USER, "thanks", 4)
