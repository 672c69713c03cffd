"""A conversation that goes on for ever: the oldest give way, by whole turns and many at once."""

from dataclasses import replace

from voice_grpc.core.conversation import (
    KEPT_SHARE,
    MAX_CHARACTERS,
    MAX_MESSAGES,
    MAX_ORPHANS,
    MAX_UNANSWERED,
    Conversation,
    Message,
    Role,
)
from voice_grpc.core.tools import MAX_RESULTS, ToolUse


def characters(messages: tuple[Message, ...]) -> int:
    return sum(
        len(m.text) + sum(len(use.arguments) + len(use.result) + len(use.signature) for use in m.uses)
        for m in messages
    )


def is_bounded(conversation: Conversation) -> bool:
    messages = conversation.messages
    return len(messages) <= MAX_MESSAGES and characters(messages) <= MAX_CHARACTERS


def talk(turns: int, question: str, answer: str) -> Conversation:
    conversation = Conversation()
    for turn in range(1, turns + 1):
        conversation.user_said(turn, question)
        conversation.assistant_said(turn, answer)
        assert turn % 10 or is_bounded(conversation)
    return conversation


def test_what_fits_is_kept_whole() -> None:
    conversation = talk(MAX_MESSAGES // 2, "x" * 100, "y" * 100)
    assert len(conversation.messages) == MAX_MESSAGES
    assert characters(conversation.messages) == MAX_CHARACTERS
    assert not conversation.has_forgotten
    conversation.user_said(MAX_MESSAGES, "z")
    assert conversation.has_forgotten


def test_many_short_turns_give_way_by_their_number() -> None:
    conversation = talk(3_000, "hi", "hello")
    messages = conversation.messages
    assert KEPT_SHARE * MAX_MESSAGES <= len(messages) <= MAX_MESSAGES
    assert messages[0].role is Role.USER
    assert messages[-1].turn == 3_000


def test_long_turns_give_way_by_their_length() -> None:
    conversation = talk(200, "x" * 8_000, "y" * 2_000)
    messages = conversation.messages
    assert KEPT_SHARE * MAX_CHARACTERS - 10_000 <= characters(messages) <= MAX_CHARACTERS
    assert messages[0].role is Role.USER
    assert [m.turn for m in messages] == sorted(m.turn for m in messages)


def test_most_turns_change_nothing_at_the_beginning() -> None:
    """A store writes what has changed from the first message that did."""
    conversation, firsts = Conversation(), []
    for turn in range(1, 1_001):
        conversation.user_said(turn, "x" * 1_000)
        firsts.append(conversation.messages[0].turn)
    assert len(set(firsts)) <= 1 + 1_000 / ((1 - KEPT_SHARE) * 400)


def test_an_answer_never_stands_without_its_question() -> None:
    conversation = Conversation()
    for turn in range(1, 400):
        conversation.user_said(turn, "q" * (turn * 37 % 4_000))
        conversation.tools_used(turn, (ToolUse(f"call-{turn}", "t", "{}", "r" * 500),))
        conversation.assistant_said(turn, "a" * (turn * 53 % 2_000 + 1))
        assert conversation.messages[0].role is Role.USER


def test_what_was_kept_by_an_earlier_version_is_bounded_when_it_is_read() -> None:
    stored = [Message(Role.USER, "x" * 8_000, turn) for turn in range(1, 101)]
    conversation = Conversation(stored)
    assert is_bounded(conversation)
    assert conversation.has_forgotten
    assert conversation.messages[-1] == stored[-1]


def test_the_last_turn_stays_whatever_its_length() -> None:
    use = ToolUse("call-1-1", "t", "{}", "r" * MAX_CHARACTERS)
    conversation = Conversation([Message(Role.USER, "old", 1), Message(Role.USER, "hello", 2)])
    conversation.tools_used(2, (use,))
    assert [m.text for m in conversation.messages] == ["hello", ""]


def test_say_after_say_is_bounded_too() -> None:
    conversation = Conversation()
    for turn in range(1, 201):
        conversation.assistant_said(turn, "y" * 8_000)
    assert is_bounded(conversation)
    assert conversation.messages[-1].turn == 200


# ---------------------------------------------------------------- words that nobody answered


def test_unanswered_words_are_one_message_of_a_bounded_length() -> None:
    conversation = Conversation()
    for turn in range(1, 46):
        conversation.user_said(turn, f"{turn:04}" + "x" * 7_996)
    (told,) = conversation.asked(46, "y" * 8_000)
    assert len(told.text) <= MAX_UNANSWERED
    # The newest, whole.
    assert [part[:4] for part in told.text.split()] == ["0044", "0045", "yyyy"]
    assert told.turn == 46
    assert conversation.is_cut_short


def test_the_words_that_are_answered_are_whole() -> None:
    conversation = Conversation()
    conversation.user_said(1, "old")
    (told,) = conversation.asked(2, "y" * 40_000)
    assert told.text == "y" * 40_000


def test_words_that_were_answered_do_not_count() -> None:
    conversation = talk(3, "x" * 12_000, "fine")
    assert len(conversation.asked(4, "y")) == 7
    assert not conversation.is_cut_short


# ---------------------------------------------------------------- tools of words that are taken back


def test_results_that_follow_words_from_turn_to_turn_are_those_of_one_turn() -> None:
    conversation = Conversation()
    for turn in range(1, 21):
        conversation.user_said(turn, "again")
        for step in range(3):
            use = ToolUse(f"call-{turn}-{step}", "t", "{}", "r" * 40_000)
            conversation.tools_used(turn, (use,))
        conversation.take_back(turn)
        assert conversation.messages == ()
    told = conversation.asked(21, "again")
    assert characters(told) <= MAX_RESULTS + len("again")
    assert [use.id for m in told for use in m.uses] == ["call-20-0", "call-20-1", "call-20-2"]


def test_so_is_their_number() -> None:
    conversation = Conversation()
    for turn in range(1, 101):
        conversation.user_said(turn, "again")
        conversation.tools_used(turn, (ToolUse(f"call-{turn}", "t", "{}", "{}"),))
        conversation.take_back(turn)
    told = conversation.asked(101, "again")
    assert len(told) == 1 + MAX_ORPHANS
    assert told[-1] == replace(told[-1], turn=101)
