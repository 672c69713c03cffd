import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voice_grpc.core.text.segmentation import ClauseSplitter

ANSWER = (
    "Sure thing, I can help with that. Dr. Smith, e.g., moved to the U.S. in 1999 with 1,000 books"
    " and 3.5 tonnes of paper! He wakes at 10:30... and reads http://example.com/a,b?c=d. Then: 你好，"
    "我是助手。今天天气很好！\n- milk\n- eggs\n1. First\n2. Second\nDone"
)

PIECES = st.sampled_from(
    [*" \n\t.,;:!?-—–…'\"*)(0123456789aZé", "\u0301", "\u200d", "😀", "\U0001f3fd", "\ud83d", "\ude00"]
    + ["Dr.", "e.g.", "U.S.", "3.5", "1,000", "10:30", "http://a.b/c,d?e", "me@example.com", "...", "1 000"]
    + ["你好", "，", "。", "」", "हैं।", "؟", "،", " word", " the", "x" * 70, "字" * 30, "\u00a0", "¿", "- "]
)
TEXTS = st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=300)


def split(text: str, *sizes: int) -> list[str]:
    """Cut `text` into deltas of these sizes in turn, over and over; no sizes: one delta."""
    splitter, clauses, at, turn = ClauseSplitter(), [], 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)] if sizes else len(text)
        clauses += splitter.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    return clauses + splitter.flush()


def normal(text: str) -> str:
    return " ".join(text.split())


@settings(max_examples=500, deadline=None)
@given(TEXTS, st.lists(st.integers(1, 12), min_size=1, max_size=6))
@example("a " * 400, [1])
@example("x" * 2_000 + "\u0301" * 50, [3])
@example("." * 2_000, [1])
@example("字" * 500, [1])
def test_nothing_is_lost_and_chunking_does_not_matter(text: str, sizes: list[int]) -> None:
    clauses = split(text)
    assert normal("".join(clauses)) == normal(text)
    assert split(text, *sizes) == clauses
    assert all(clause.strip() for clause in clauses)


@settings(max_examples=300, deadline=None)
@given(TEXTS)
def test_no_clause_starts_inside_a_character(text: str) -> None:
    for before, clause in zip(split(text), split(text)[1:], strict=False):
        assert unicodedata.category(clause[0])[0] != "M" or len(before) > 600
        assert not ("\udc00" <= clause[0] <= "\udfff")
        assert clause[0] != "\u200d"


def test_answer() -> None:
    assert [clause.strip() for clause in split(ANSWER, 4)] == [
        "Sure thing,",
        "I can help with that.",
        "Dr. Smith, e.g., moved to the U.S. in 1999 with 1,000 books and 3.5 tonnes of paper!",
        "He wakes at 10:30... and reads http://example.com/a,b?c=d.",
        "Then: 你好，我是助手。",
        "今天天气很好！",
        "- milk",
        "- eggs",
        "1. First",
        "2. Second",
        "Done",
    ]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("Well, I think that is a good idea, really.", "Well, I think that is"),
        ("I see, go on.", "I see,"),
        ("Sure! How can I help?", "Sure! How can I help?"),
        ("It costs 1,000 dollars, I think.", "It costs 1,000 dollars,"),
        ("It opens at 10:30, I think.", "It opens at 10:30,"),
        ("About 3.5 of them. Yes.", "About 3.5 of them."),
        ("Ask Dr. Smith, he knows.", "Ask Dr. Smith,"),
        ("Fruit, e.g. apples, is good.", "Fruit, e.g. apples,"),
        ("In the U.S. it rains; a lot.", "In the U.S. it rains;"),
        ("Hmm... let me think about it. Right.", "Hmm... let me think"),
        ("Let me think... it is nine.", "Let me think..."),
        ("Look at https://example.com/a;b:c, please.", "Look at https://example.com/a;b:c,"),
        ("Write to me@example.com. Thanks a lot.", "Write to me@example.com."),
        ("I thought — no, wait.", "I thought —"),
        ("I thought—no, wait.", "I thought—"),
        ('He said "yes." Then he left.', 'He said "yes."'),
        ("**Of course!** Here it is.", "**Of course!**"),
        ("It has twenty-two rooms, all empty.", "It has twenty-two rooms,"),
        ("你好，我能帮你。", "你好，"),
        ("「そうですね。」と言った。", "「そうですね。」"),
        ("¿Cómo estás? Muy bien.", "¿Cómo estás?"),
        ("Comment allez-vous ? Bien.", "Comment allez-vous ?"),
        ("كيف حالك؟ بخير.", "كيف حالك؟"),
        ("आप कैसे हैं।ठीक है।", "आप कैसे हैं।"),
        ("a b c d e f g h i j k l m", "a b c d e f"),
        ("b c d e f the h i j", "b c d e f"),
        ("Rainbows are formed when sunlight passes through drops.", "Rainbows are formed"),
        ("It takes about ten hours to fly there.", "It takes about ten hours"),
        ("The sky is blue on a clear day.", "The sky is blue"),
        ("She lives in Rome.", "She lives in Rome."),
        ("The capital of France is Paris.", "The capital of France is Paris."),
        ("Die Hauptstadt von Italien ist Rom und liegt am Tiber.", "Die Hauptstadt von Italien ist Rom"),
        ("Sure\nHere it is.", "Sure"),
        ("1. Buy milk, please.", "1. Buy milk,"),
    ],
)
def test_first_clause_is_early(text: str, first: str) -> None:
    assert split(text, 1)[0] == first


def test_first_clause_without_punctuation_ends_at_a_word() -> None:
    first = split("incomprehensibilities " * 10, 3)[0]
    assert first == "incomprehensibilities incomprehensibilities"


def test_a_long_sentence_is_cut_at_a_comma_or_else_at_a_space() -> None:
    words = "alpha beta gamma delta " * 6
    clauses = split(f"Hello there. {words}omega, {words}{words}{words}the end.", 5)
    assert clauses[1].endswith("omega,")
    assert all(len(clause) <= 201 for clause in clauses)
    assert clauses[2].endswith(("alpha", "beta", "gamma", "delta"))


def test_clause_comes_as_soon_as_it_can_be_known() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It costs 3") == []
    assert splitter.feed(".") == []
    assert splitter.feed("5 dollars") == []
    assert splitter.feed(".") == []
    assert splitter.feed(" ") == ["It costs 3.5 dollars."]
    assert splitter.flush() == []


def test_flush_starts_a_new_answer() -> None:
    splitter = ClauseSplitter()
    splitter.feed("Something of the first answer")
    assert splitter.flush() == ["Something of the first answer"]
    assert splitter.feed("And now, the second") == ["And now,"]


def test_clauses_keep_what_parts_them() -> None:
    assert split("Hello there, friend. How\n- are  \n\n- you") == [
        "Hello there,",
        " friend.",
        " How",
        "\n- are",
        "\n- you",
    ]
    assert split("你好，我能。好") == ["你好，", "我能。", "好"]


@pytest.mark.parametrize("text", ["", " ", "\n\n \n"])
def test_nothing_says_nothing(text: str) -> None:
    assert split(text) == []


def test_an_endless_word_is_cut_between_characters() -> None:
    clauses = split("e\u0301" * 1_000, 7)
    assert len(clauses) > 2
    assert all(clause[0] == "e" for clause in clauses)
