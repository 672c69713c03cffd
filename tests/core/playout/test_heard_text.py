import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.playout.heard_text import SpokenClause, heard_text
from voice_grpc.core.text.segmentation import ClauseSplitter

TEXT = st.lists(
    st.sampled_from(
        ["Hello,", "a", "rhythm", "2024", "extraordinary", "😀", "—", "你好。", "été", "...", "\n"]
    ),
    max_size=8,
).map(" ".join)


@st.composite
def answers(draw: st.DrawFn) -> list[SpokenClause]:
    clauses: list[SpokenClause] = []
    start = 0
    for index, text in enumerate(draw(st.lists(TEXT, max_size=5))):
        length = draw(st.integers(0, 50_000))
        clauses.append(SpokenClause(index, text, start, length, draw(st.booleans())))
        start += length
    return clauses


def whole(*parts: tuple[str, int]) -> list[SpokenClause]:
    start, clauses = 0, []
    for index, (text, length) in enumerate(parts):
        clauses.append(SpokenClause(index, text, start, length, is_whole=True))
        start += length
    return clauses


@given(answers(), st.lists(st.integers(-10, 300_000), min_size=2, max_size=8))
def test_more_sound_is_never_less_text(clauses: list[SpokenClause], played: list[int]) -> None:
    heard = [heard_text(clauses, samples).split() for samples in sorted(played)]
    for less, more in zip(heard, heard[1:], strict=False):
        assert "".join(more).startswith("".join(less))


@given(st.lists(st.tuples(TEXT, st.integers(0, 50_000)), max_size=6))
def test_all_played_is_all_heard(parts: list[tuple[str, int]]) -> None:
    clauses = whole(*((f" {text}", length) for text, length in parts))
    total = sum(length for _, length in parts)
    if total:
        assert heard_text(clauses, total) == " ".join(" ".join(text for text, _ in parts).split())
    assert heard_text(clauses, 0) == ""


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        (0, ""),
        (250, ""),
        (700, "One,"),
        (1_800, "One, two,"),
        (2_600, "One, two, three."),
        (3_000, "One, two, three."),
        (3_900, "One, two, three. Twenty"),
        (6_000, "One, two, three. Twenty thousand leagues"),
        (10**9, "One, two, three. Twenty thousand leagues"),
    ],
)
def test_words_share_their_clause(played: int, heard: str) -> None:
    clauses = [
        SpokenClause(0, "One, two, three.", 0, 3_000, is_whole=True, tail=400),
        SpokenClause(1, "Twenty thousand leagues", 3_000, 3_000, is_whole=True),
    ]
    assert heard_text(clauses, played) == heard


def test_a_word_counts_when_more_than_half_was_played() -> None:
    clauses = whole(("word", 1_000))
    assert heard_text(clauses, 500) == ""
    assert heard_text(clauses, 501) == "word"


def test_longer_words_take_longer() -> None:
    clauses = whole(("a extraordinarily", 1_000))
    assert heard_text(clauses, 150) == "a"
    assert heard_text(clauses, 550) == "a"


def test_an_unfinished_clause_is_as_long_as_its_text_at_the_pace_so_far() -> None:
    finished = SpokenClause(0, "ab ab ab ab.", 0, 1_200, is_whole=True)
    growing = SpokenClause(1, "ab ab ab ab.", 1_200, 560)
    assert heard_text([finished, growing], 10**6) == "ab ab ab ab. ab ab"


def test_with_no_finished_clause_the_pace_is_an_ordinary_one() -> None:
    growing = SpokenClause(0, "fourteen chars and fourteen more", 0, 24_000)
    assert heard_text([growing], 24_000, rate_hz=24_000) == "fourteen chars"


def test_a_clause_that_another_follows_is_finished() -> None:
    clauses = [SpokenClause(0, "one two", 0, 1_000), SpokenClause(1, "three", 1_000, 100)]
    assert heard_text(clauses, 1_000) == "one two"


def test_a_silent_clause_is_heard_with_what_follows_it() -> None:
    clauses = whole(("Yes.", 100), ("😀", 0), ("Good.", 100))
    assert heard_text(clauses, 99) == "Yes."
    assert heard_text(clauses, 200) == "Yes. 😀 Good."


def test_scripts_without_spaces() -> None:
    clauses = whole(("你好，", 300), ("我是助手。", 500))
    assert heard_text(clauses, 500) == "你好，我是"
    assert heard_text(clauses, 800) == "你好，我是助手。"


def test_what_the_splitter_gives_is_joined_as_it_was_written() -> None:
    splitter = ClauseSplitter()
    answer = "Hello there, friend. How are you?\n- fine 你好，我是。"
    texts = splitter.feed(answer) + splitter.flush()
    assert heard_text(whole(*((text, 10) for text in texts)), 1_000) == " ".join(answer.split())
