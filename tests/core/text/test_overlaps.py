"""What is said over an answer, by `overlaps.tsv`: listeners' words, orders, and what neither of them is."""

from pathlib import Path

import pytest

from voice_grpc.core.text.backchannels import BACKCHANNELS, LONGEST, is_backchannel
from voice_grpc.core.text.fillers import FILLERS
from voice_grpc.core.text.orders import ORDERS, begins_with_order

LINES = Path(__file__).with_name("overlaps.tsv").read_text("utf-8").splitlines()
SAID = [line.split("\t") for line in LINES if not line.startswith("#")]


@pytest.mark.parametrize(("language", "text", "kind"), SAID)
def test_what_is_said_over_an_answer(language: str, text: str, kind: str) -> None:
    assert begins_with_order(text, language) is (kind == "order")
    assert (is_backchannel(text, language) and kind != "order") is (kind == "listening")


@pytest.mark.parametrize(("language", "text", "kind"), [row for row in SAID if row[2] != "meant"])
def test_case_and_marks_change_nothing(language: str, text: str, kind: str) -> None:
    told = is_backchannel if kind == "listening" else begins_with_order
    for other in (text.upper(), text.lower(), text.rstrip(".!?。？！।"), f"{text[:-1]}…", f" {text} "):
        assert told(other, language), other


@pytest.mark.parametrize("code", sorted(FILLERS))
def test_every_language_that_the_server_speaks_a_filler_of_has_both_lists(code: str) -> None:
    told = [(kind, language[:2]) for language, _, kind in SAID]
    assert told.count(("listening", code)) >= 4
    assert told.count(("order", code)) >= 3
    assert BACKCHANNELS.keys() == ORDERS.keys() == FILLERS.keys()


@pytest.mark.parametrize("code", sorted(BACKCHANNELS))
def test_a_word_of_a_language_is_one_thing_there(code: str) -> None:
    listening = [word.strip() for word in BACKCHANNELS[code].split(",")]
    orders = [word.strip() for word in ORDERS[code].split(",")]
    assert [word for word in listening if not is_backchannel(word, code)] == []
    assert [word for word in listening if begins_with_order(word, code)] == []
    assert [word for word in orders if not begins_with_order(word, code)] == []
    assert [word for word in orders if is_backchannel(word, code)] == []
    assert len(set(listening)) == len(listening)
    assert len(set(orders)) == len(orders)


def test_a_word_that_is_something_else_elsewhere_counts_at_home() -> None:
    assert is_backchannel("no", "pl")
    assert is_backchannel("he", "tr")
    assert not is_backchannel("no", "en")
    assert not is_backchannel("he", "en")
    assert not is_backchannel("no")


def test_an_endless_text_is_not_looked_at() -> None:
    assert is_backchannel("m" * LONGEST)
    assert not is_backchannel("m" * (LONGEST + 1))
