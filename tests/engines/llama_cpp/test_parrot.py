"""What a small model repeats of what it was told, and what it may well say."""

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.llama_cpp.parrot import ParrotGuard, is_told, opens, reacting
from voice_grpc.ports import Prompt

INSTRUCTIONS = "You are Robin, a friendly voice assistant who knows many facts."


def prompt(said: str, language: str = "en") -> Prompt:
    return Prompt(INSTRUCTIONS, (Message(Role.USER, said, 1),), language)


def written(said: str, answer: str, language: str = "en") -> tuple[str, bool]:
    """What was let out of an answer that comes a word at a time, and whether it is a parrot's."""
    guard = ParrotGuard(prompt(said, language))
    words = answer.split(" ")
    pieces = [words[0], *(f" {word}" for word in words[1:])]
    out = "".join(guard.feed(piece) for piece in pieces) + guard.end()
    return out, guard.is_parrot


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("I left my umbrella on the train.", "I left my umbrella on the bus this time, and it rains."),
        ("My dog is sick.", "The dog is sick."),
        ("We won the match.", "You won the match"),
        ("I live in Porto and I have two dogs.", "You live in Porto and have two dogs. How nice."),
        ("Tell me something nice.", "I'm Robin, a friendly voice assistant who knows many facts."),
        ("It is raining again.", "it's raining, again! Is it?"),
    ],
)
def test_the_user_s_own_words_are_not_let_out(said: str, answer: str) -> None:
    assert written(said, answer) == ("", True)


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("My dog is sick.", "I am sorry to hear that."),
        ("My name is Anna.", "Hello Anna!"),
        ("Name a fruit that is yellow.", "A banana is yellow."),
        ("Tell me the capital of Spain.", "Spain's capital is Madrid."),
        ("I left my umbrella.", "I left Rome as well."),
        ("Goodbye.", "Goodbye."),
        ("It was a long day.", "It was a very short one for me."),
        ("Tell me how it is.", "It is what it is."),
        ("Is the dog sick?", "The dog is sick."),
        ("is the dog sick", "The dog is sick."),
        ("Say that the dog is sick.", "The dog is sick."),
    ],
)
def test_what_has_a_word_of_its_own_is(said: str, answer: str) -> None:
    assert written(said, answer) == (answer, False)


def test_a_word_that_is_not_whole_yet_is_waited_for() -> None:
    guard = ParrotGuard(prompt("I saw a band."))
    assert [guard.feed(piece) for piece in ("You", " saw", " a", " band", "ana", ".")] == [
        "", "", "", "", "", "You saw a bandana.",
    ]  # fmt: skip


def test_a_parrot_is_given_up_at_its_third_word() -> None:
    guard = ParrotGuard(prompt("I think we should paint the door green."))
    for piece in ("I", " think", " we"):
        assert not guard.is_parrot
        assert guard.feed(piece) == ""
    assert guard.feed(" should") == ""
    assert guard.is_parrot
    assert (guard.feed(" paint it red."), guard.end()) == ("", "")


def test_four_words_of_others_are_enough() -> None:
    assert written("Tell me the capital of Spain.", "The capital of Spain is Madrid.") == ("", True)


def test_in_a_language_without_examples_nothing_is_held_back() -> None:
    assert written("Mein Hund ist krank.", "Mein Hund ist krank.", "de") == ("Mein Hund ist krank.", False)
    assert is_told(Prompt("", (Message(Role.USER, "My dog is sick.", 1),)))
    assert not is_told(Prompt("", ()))
    for foreign in (
        "Mein Hund ist krank.",
        "Ich war am Montag in Berlin.",
        "Mi perro está enfermo.",
        "我的狗病了。",
    ):
        assert not is_told(Prompt("", (Message(Role.USER, foreign, 1),)))


def test_first_words_are_those_before_which_the_user_said_nothing() -> None:
    told, greeting = Message(Role.USER, "My dog is sick.", 1), Message(Role.ASSISTANT, "Hello!", 0)
    assert opens(Prompt("", (told,)))
    assert opens(Prompt("", (greeting, told)))
    assert not opens(Prompt("", (told, greeting, told)))
    assert not opens(Prompt("", (Message(Role.USER, "Is it?", 1),)))
    assert not opens(Prompt("", (Message(Role.USER, "Please turn it off.", 1),)))
    assert not opens(Prompt("", (Message(Role.USER, "I want a long story.", 1),)))
    assert not opens(Prompt("", (told,), tools=(ToolDeclaration("vet", "Calls the vet.", {}),)))


def test_examples_come_before_the_last_words_alone() -> None:
    before = (Message(Role.USER, "Hello.", 1), Message(Role.ASSISTANT, "Hi.", 1))
    told = Prompt(INSTRUCTIONS, (*before, Message(Role.USER, "My dog is sick.", 2)), "en")
    shown = reacting(told)
    assert shown.instructions == INSTRUCTIONS
    assert shown.messages[-1] == told.messages[-1]
    assert not set(before) & set(shown.messages)
    assert [message.role for message in shown.messages[:-1]] == [Role.USER, Role.ASSISTANT] * 6
