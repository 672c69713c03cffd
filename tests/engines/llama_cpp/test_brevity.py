"""How long a small model speaks: whole sentences, three of them, and more where more was asked for."""

import pytest

from voice_grpc.core.conversation import Message, Role
from voice_grpc.engines.llama_cpp.brevity import LONG_ENOUGH, SentenceLimit, most_sentences
from voice_grpc.ports import Prompt

FOUR = "One is first. Two is next! Is three? Four is too many. And five."


def said(limit: SentenceLimit, text: str, size: int = 4) -> str:
    """What comes out of `text`, a token of `size` characters at a time, until it is over."""
    out = ""
    for at in range(0, len(text), size):
        out += limit.feed(text[at : at + size])
        if limit.is_over:
            return out
    return out + limit.end()


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_three_sentences_are_enough(size: int) -> None:
    limit = SentenceLimit(3, 256)
    assert said(limit, FOUR, size) == "One is first. Two is next! Is three?"
    assert limit.is_over


def test_who_asked_for_more_hears_all_of_it() -> None:
    assert said(SentenceLimit(None, 256), FOUR) == FOUR


@pytest.mark.parametrize(
    "text", ["Dr. Smith paid 3.50 dollars, e.g. to Mr. Jones, at 5 p.m. today", "Ye", ""]
)
def test_a_full_stop_inside_a_sentence_ends_none(text: str) -> None:
    limit = SentenceLimit(1, 256)
    assert said(limit, text, 1) == text
    assert not limit.is_over


def test_the_items_of_a_list_are_sentences_and_what_announces_them_is_none() -> None:
    text = "To boil an egg:\n\n1. Boil water\n2. Add the egg\n3. Wait for ten minutes\n4. Cool it\n5. Eat it"
    assert said(SentenceLimit(3, 256), text) == text[: text.index("\n4.")]


def test_long_sentences_are_fewer() -> None:
    first = "A sentence that goes on and on" + " and on" * 35 + "."
    assert len(first) > LONG_ENOUGH
    assert said(SentenceLimit(3, 256), f"{first} A second one. A third one.") == first


def test_the_words_are_let_out_as_they_come() -> None:
    limit = SentenceLimit(3, 256)
    assert [limit.feed(token) for token in ("The", " sea", " is", " salty", ".")] == [
        "The",
        " sea",
        " is",
        " salty",
        ".",
    ]


def test_no_sentence_is_cut_by_the_limit_of_tokens() -> None:
    text = "It was a dark night. " * 3 + "The dog ran " * 20
    assert said(SentenceLimit(None, 60), text) == ("It was a dark night. " * 3).rstrip()


def test_a_single_sentence_longer_than_the_limit_is_said_as_far_as_it_goes() -> None:
    text = "The dog ran " * 20
    assert said(SentenceLimit(None, 60), text) == text


def test_the_last_sentence_is_held_only_until_it_ends() -> None:
    text = "It was a dark night. The dog ran home."
    assert said(SentenceLimit(None, 60), text, 2) == text


@pytest.mark.parametrize(
    "text",
    [
        "Tell me a story.",
        "Explain it in detail, please.",
        "Tell me everything about Rome.",
        "Give me the recipe step by step.",
        "Name ten animals.",
        "Give me three tips for sleeping well.",
        "Go on.",
        "Tell me more.",
        "Erzähl mir eine Geschichte.",
        "Cuéntame un cuento.",
        "Raconte-moi une histoire.",
    ],
)
def test_more_is_asked_for(text: str) -> None:
    assert most_sentences(asked(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "How do I boil an egg?",
        "What is the longest river?",
        "Who wrote the history of Rome?",
        "How long does it take?",
    ],
)
def test_a_question_is_answered_briefly(text: str) -> None:
    assert most_sentences(asked(text)) == 3


def test_an_earlier_wish_is_over() -> None:
    messages = (Message(Role.USER, "Tell me a story.", 1), Message(Role.USER, "Who was it?", 2))
    assert most_sentences(Prompt("", messages)) == 3


def test_a_caller_who_allows_more_gets_more() -> None:
    assert most_sentences(asked("What is the sea?", max_tokens=1000)) is None
    assert most_sentences(asked("What is the sea?", max_tokens=100)) == 3


def asked(text: str, max_tokens: int = 256) -> Prompt:
    return Prompt("", (Message(Role.USER, text, 1),), max_tokens=max_tokens)
