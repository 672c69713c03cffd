"""What is said can be read back, whole and cut."""

import numpy as np
import pytest

from tests.chaos import words
from voice_grpc.core.playout.heard_text import SpokenClause, heard_text

BITS = (0, 7, 40, 4_000)


def test_there_are_sixty_words_of_one_vowel() -> None:
    assert len(set(words.WORDS)) == 60
    assert all(sum(c in "aeiou" for c in word) == 1 for word in words.WORDS)


@pytest.mark.parametrize("padding", BITS)
def test_what_the_user_says_is_recognised(padding: int) -> None:
    silence = np.zeros(padding, np.int16)
    asked = words.question(3)
    assert words.recognised(np.concatenate((silence, words.spoken(asked), silence))) == asked


@pytest.mark.parametrize("cut", [0, 3_000, 9_000])
def test_what_is_heard_in_two_parts_is_heard_once(cut: int) -> None:
    """Also where the word that was cut is said again from its beginning."""
    answer = words.answer(words.question(1))
    sound = words.voiced(" ".join(answer))
    assert words.heard(sound) == answer
    start = cut - cut % round(words.VOICE_WORD_S * words.VOICE_HZ)
    assert words.heard(np.concatenate((sound[:cut], sound[start:]))) == answer


def test_a_word_that_is_missing_or_said_twice_is_seen() -> None:
    answer = words.answer(words.question(1))
    sound, word = words.voiced(" ".join(answer)), round(words.VOICE_WORD_S * words.VOICE_HZ)
    assert words.heard(np.concatenate((sound[:word], sound[2 * word :]))) != answer
    assert words.heard(np.concatenate((sound[: 2 * word], sound[word // 2 :]))) != answer


@pytest.mark.parametrize("place", range(words.SENTENCE_WORDS))
def test_the_server_knows_where_each_word_lies(place: int) -> None:
    sentence = words.written(words.answer(words.question(4))[: words.SENTENCE_WORDS])
    made = SpokenClause(0, sentence, 0, 0, is_whole=True)
    clause = made.extended(words.voiced(sentence), words.VOICE_HZ)
    word = words.VOICE_WORD_S * words.VOICE_HZ
    before, after = (round((place + part) * word) for part in (0.49, 0.51))
    assert len(heard_text([clause], before, words.VOICE_HZ).split()) == place
    assert len(heard_text([clause], after, words.VOICE_HZ).split()) == place + 1


def test_what_a_model_writes_is_read() -> None:
    answer = words.answer(words.question(2))
    assert words.read(words.written(answer)) == answer
    assert words.written(answer).count(".") == words.ANSWER_WORDS // words.SENTENCE_WORDS


@pytest.mark.parametrize(
    ("heard", "again", "is_whole"),
    [
        ("a b c d", 0, True),
        ("a b c", 0, False),
        ("a c d", 2, False),
        ("a b b c d", 0, False),
        ("a b c b c d", 2, True),
        ("a b c a b c d", 2, False),
        ("a b c d d", 0, False),
    ],
)
def test_what_is_whole(heard: str, again: int, is_whole: bool) -> None:
    assert words.is_whole(heard.split(), list("abcd"), again) is is_whole
