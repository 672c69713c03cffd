"""What is held back of an answer while it could still become what was just said; the verdict at its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.repetition import RepetitionGuard

PARIS = "The capital of France is Paris."
SORRY = "I'm sorry, I can't tell you a joke."


def written(guard: RepetitionGuard, text: str) -> list[str]:
    """What is let out at each character, and at the end."""
    return [*(guard.feed(char) for char in text), guard.end()]


def test_what_could_become_an_earlier_answer_is_held_until_it_differs() -> None:
    guard = RepetitionGuard([PARIS])
    out = written(guard, "The capital of Italy is Rome.")
    held = len("The capital of ")
    assert out[:held] == [""] * held
    assert out[held] == "The capital of I"
    assert out[held + 1] == "t"
    assert not guard.is_repetition


@pytest.mark.parametrize(
    "text", [PARIS, "the capital of france, is paris", " The capital\nof France is Paris!"]
)
def test_an_answer_that_came_before_is_told_by_its_letters(text: str) -> None:
    guard = RepetitionGuard(["Hello there.", PARIS])
    assert not any(guard.feed(char) for char in text)
    assert guard.end().strip() == text.strip()
    assert guard.is_repetition


@pytest.mark.parametrize("text", ["Yes.", "Of course I", "Sure, no problem."])
def test_three_words_may_come_again(text: str) -> None:
    guard = RepetitionGuard([text])
    assert "".join(written(guard, text)) == text
    assert not guard.is_repetition


def test_half_of_an_earlier_answer_is_an_answer() -> None:
    guard = RepetitionGuard(["Yes, it is raining in Paris today."])
    assert "".join(written(guard, "Yes, it is raining.")) == "Yes, it is raining."
    assert not guard.is_repetition


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("My name is Anna.", "My name is Anna."),
        ("What is love?", "What is love?"),
        ("What is the capital of France?", "What is the capital of"),
        ("今日は何曜日ですか", "今日は何曜日ですか。"),
    ],
)
def test_the_question_is_no_answer(question: str, answer: str) -> None:
    guard = RepetitionGuard((), question)
    written(guard, answer)
    assert guard.is_repetition


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Good morning!", "Good morning."),
        ("New York or Boston?", "New York."),
        ("What is my name?", "Your name is Anna."),
        ("Say the sky is blue", "The sky is blue"),
        ("My name is Ann", "My name is Annabel."),
    ],
)
def test_what_only_resembles_the_question_is_said(question: str, answer: str) -> None:
    guard = RepetitionGuard((), question)
    assert "".join(written(guard, answer)) == answer
    assert not guard.is_repetition


def test_a_question_before_its_answer_is_left_out() -> None:
    guard = RepetitionGuard([PARIS], "What is the capital of Italy?")
    assert "".join(written(guard, "“What is the capital of Italy?” Rome.")) == "Rome."
    assert not guard.is_repetition


def test_an_answer_that_goes_on_from_the_question_s_words_is_whole() -> None:
    text = "My name is Anna too!"
    assert "".join(written(RepetitionGuard((), "My name is Anna."), text)) == text


def test_an_earlier_answer_behind_the_question_is_a_repetition() -> None:
    guard = RepetitionGuard([PARIS], "What is the capital of France?")
    written(guard, f"What is the capital of France? {PARIS}")
    assert guard.is_repetition


def test_with_nothing_said_before_nothing_is_held() -> None:
    assert written(RepetitionGuard(), "Hi!") == ["H", "i", "!", ""]
    assert written(RepetitionGuard(["…"], "?"), "Hi!") == ["H", "i", "!", ""]


@given(st.lists(st.text("ab .", max_size=12), max_size=3), st.text("abc .?", max_size=24), st.integers(1, 7))
def test_however_it_is_cut_no_word_is_lost_or_reordered(answers: list[str], text: str, size: int) -> None:
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    guard, whole = RepetitionGuard(answers), RepetitionGuard(answers)
    assert "".join([*map(guard.feed, pieces), guard.end()]) == text
    whole.feed(text)
    whole.end()
    assert guard.is_repetition == whole.is_repetition
