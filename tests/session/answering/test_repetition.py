"""A model that says again what it just said, or what the user said: it is asked once more, and no more.

Typed questions a minute apart, answered in text.
"""

from voice_grpc.core import requests as i
from voice_grpc.core.responses import TurnMetrics
from voice_grpc.engines.scripted import Script

from ..harness import Recording, converse, scripted
from ..rules import check_rules

SORRY = "I'm sorry, I can't tell you a joke."
JOKE = "Why did the tomato turn red? It saw the salad dressing."


def asked(talk: Script, *questions: str) -> Recording:
    """Each of them when the answer to the one before is over."""
    actions = [(1.0 + 20.0 * n, i.TextInput(text, text_only=True)) for n, text in enumerate(questions)]
    heard = converse(actions, talk, ends_at=20.0 * len(questions))
    check_rules(heard)
    return heard


def test_an_answer_that_came_before_is_drawn_again_once() -> None:
    talk = scripted(answers=[SORRY, SORRY, JOKE])
    heard = asked(talk, "Tell me a joke.", "Another one, please.")
    assert heard.words(2) == JOKE
    first, again = talk.llm.prompts[1:]
    assert again.messages == first.messages
    assert (first.temperature, again.temperature) == (None, 0.9)


def test_one_that_comes_even_then_is_said() -> None:
    talk = scripted(answers=[SORRY])
    heard = asked(talk, "Tell me a joke.", "Another one, please.")
    assert heard.words(2) == SORRY
    assert len(talk.llm.prompts) == 3


def test_three_answers_back_counts_and_four_do_not() -> None:
    between = ["It is a fine day today.", "There are seven days in it.", "Rome is the capital of Italy."]
    talk = scripted(answers=[SORRY, *between[:2], SORRY, JOKE])
    assert asked(talk, "one", "two", "three", "four").words(4) == JOKE
    talk = scripted(answers=[SORRY, *between, SORRY, JOKE])
    assert asked(talk, "one", "two", "three", "four", "five").words(5) == SORRY


def test_the_user_s_own_words_are_not_said_back() -> None:
    talk = scripted(answers=["My name is Anna.", "Nice to meet you, Anna!"])
    assert asked(talk, "My name is Anna.").words(1) == "Nice to meet you, Anna!"


def test_a_short_answer_may_come_as_often_as_it_likes() -> None:
    talk = scripted(answers=["Yes, of course."])
    heard = asked(talk, "May I?", "And now?", "And then?")
    assert [heard.words(turn) for turn in (1, 2, 3)] == ["Yes, of course."] * 3
    assert len(talk.llm.prompts) == 3


def test_both_draws_are_counted() -> None:
    talk = scripted(answers=[SORRY, SORRY, JOKE])
    heard = asked(talk, "Tell me a joke.", "Another one, please.")
    usage = [metrics.counts["output_tokens"] for _, metrics in heard.all(TurnMetrics) if metrics.turn == 2]
    assert usage == [len(SORRY.split()) + len(JOKE.split())]
