"""How the words of a turn end, by `endings.tsv`, and what a question asks for, by `expectations.tsv`."""

from pathlib import Path

import pytest

from voice_grpc.core.text.endings import (
    _LISTS,
    Expectation,
    TextEnding,
    as_one_sentence,
    asks,
    ending,
    expectation,
    word_count,
    words_of,
)
from voice_grpc.core.text.fillers import FILLERS


def rows(name: str) -> list[list[str]]:
    lines = Path(__file__).with_name(name).read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


ENDINGS, EXPECTATIONS = rows("endings.tsv"), rows("expectations.tsv")


@pytest.mark.parametrize(("language", "text", "expected"), ENDINGS)
def test_how_a_text_ends(language: str, text: str, expected: str) -> None:
    assert ending(text, language) is TextEnding(expected)


@pytest.mark.parametrize(("language", "text", "expected"), ENDINGS)
def test_case_and_a_full_stop_are_no_evidence(language: str, text: str, expected: str) -> None:
    assert ending(text.upper(), language) is TextEnding(expected)
    if text[-1].isalnum():
        assert ending(f"{text}.", language) is TextEnding(expected)


def test_the_table_has_enough_of_every_language_and_ending() -> None:
    told = [(language[:2], how) for language, _, how in ENDINGS]
    assert len(ENDINGS) >= 200
    assert len({(language, text) for language, text, _ in ENDINGS}) == len(ENDINGS), (
        "a text stands there twice"
    )
    for language in FILLERS:
        for how in set(TextEnding) - {TextEnding.UNKNOWN, TextEnding.WHOLE}:
            assert told.count((language, how.value)) >= 2, (language, how)


@pytest.mark.parametrize(("language", "said", "expected"), EXPECTATIONS)
def test_what_a_question_asks_for(language: str, said: str, expected: str) -> None:
    assert expectation(said, language) is Expectation(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What time is it?", "what time is it"),
        ("It’s fine.", "it's fine"),
        ("caf\u00e9", "cafe\u0301"),
        ("'hello'", "hello"),
        ("well, then", "well then"),
        ("STRASSE", "straße"),
    ],
)
def test_transcripts_of_the_same_words(one: str, other: str) -> None:
    assert words_of(one) == words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("turn it on", "turn it off"),
        ("कि", "की"),
        ("it costs 5 €", "it costs 5 $"),
        ("3.5", "35"),
        ("10:30", "1030"),
        ("5%", "5"),
        ("can", "can't"),
        ("hello", ""),
    ],
)
def test_transcripts_of_other_words(one: str, other: str) -> None:
    assert words_of(one) != words_of(other)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("Yes.", 1),
        ("well I", 2),
        ("はい", 1),
        ("東京に行きます。", 3),
        ("我想去", 1),
        ("OK, 好的", 2),
    ],
)
def test_words_are_counted_where_nothing_is_between_them(text: str, count: int) -> None:
    assert word_count(text) == count


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("It is five. Shall I go on?", True),
        ("**Shall we?** 🙂", True),
        ("Hogy hívnak?", True),
        ("كم الساعة؟", True),
        ("五時です。いいですか？", True),
        ("Why? It is sunny.", True),
        ("どうですか？五時です。", True),
        ("", False),
    ],
)
def test_whether_the_last_sentences_ask(said: str, expected: bool) -> None:
    assert asks(said) is expected


@pytest.mark.parametrize("code", sorted(_LISTS))
def test_a_word_that_is_listed_can_be_met(code: str) -> None:
    of = _LISTS[code]
    listed = of.open | of.loose | of.whole | of.fillers | of.particles | of.digits | of.joiners
    assert [word for word in listed if " ".join(words_of(word)) != word] == []


@pytest.mark.parametrize(
    ("said", "does"),
    [
        ("Shall I book it?", True),
        ("Shall I book it? It costs five euros.", True),
        ("Shall I book it? It costs five euros. There is no other.", False),
        ("That is all.", False),
        ("予約してもよろしいでしょうか。", True),
        ("予約しました。", False),
        ("", False),
    ],
)
def test_who_asked_something_at_the_end_asks(said: str, *, does: bool) -> None:
    assert asks(said) is does


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((), ""),
        (("", "What time is it?", ""), "What time is it?"),
        (("A slice of apple cake.", "Please."), "A slice of apple cake please."),
        (("Where is it...", "I mean,", "The door?"), "Where is it I mean the door?"),
        (("We live there.", "I'm glad."), "We live there I'm glad."),
        (("She works at.", "NASA."), "She works at NASA."),
        (("It costs.", "Über 5."), "It costs über 5."),
        (("你好。", "再见。"), "你好 再见。"),
        (("...", "Yes."), "Yes."),
    ],
)
def test_parts_of_one_sentence_are_one(parts: tuple[str, ...], expected: str) -> None:
    assert as_one_sentence(parts) == expected
