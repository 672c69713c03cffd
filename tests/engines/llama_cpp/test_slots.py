"""A conversation finds the slot in which most of it is computed, and takes nobody else's."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voice_grpc.engines.llama_cpp.server import AT_ONCE, SLOTS, slots_of
from voice_grpc.engines.llama_cpp.slots import ALIVE_SECONDS, Slots

RULES = "You are Robin, and kind. " * 8
FRANCE = RULES + "What is the capital of France? Paris. "
LONG = FRANCE + "And of Spain? Madrid. And of Italy? Rome. And of Portugal? Lisbon. " * 5


class Clock:
    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        self.time += 1.0
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def slots(clock: Clock) -> Slots:
    return Slots(3, clock)


def computed(slots: Slots, text: str, written: str = "") -> int:
    with slots.held(text) as slot:
        slot.text = text + written
    return slot.number


def test_who_goes_on_finds_their_own(slots: Slots) -> None:
    mine, others = computed(slots, LONG, "It is far."), computed(slots, RULES + "Who are you? ")
    assert computed(slots, LONG + "It is far. And of Poland? ") == mine != others
    assert computed(slots, RULES + "Who are you? I am Robin. ") == others


def test_whose_last_words_were_not_heard_finds_it_too(slots: Slots) -> None:
    mine = computed(slots, LONG, "It is far away from here.")
    computed(slots, RULES)
    assert computed(slots, LONG + "It is far - stop! ") == mine


def test_who_begins_like_a_longer_one_leaves_it_alone(slots: Slots) -> None:
    mine = computed(slots, LONG)
    assert computed(slots, FRANCE) != mine
    assert computed(slots, LONG + "And of Malta? ") == mine


def test_nobody_gets_a_slot_that_is_held(slots: Slots) -> None:
    with slots.held(LONG) as first, slots.held(LONG) as second, slots.held(LONG) as third:
        assert {first.number, second.number, third.number} == {0, 1, 2}


def test_a_slot_that_is_being_left_is_waited_for_where_much_of_the_text_is_in_it(slots: Slots) -> None:
    mine, asked = computed(slots, LONG), threading.Event()

    def is_left() -> bool:
        asked.set()
        return True

    with ThreadPoolExecutor() as pool:
        with slots.held(LONG + "And of Malta? ", is_left) as leaving:
            next_one = pool.submit(computed, slots, LONG + "And of Poland? ")
            assert asked.wait(10.0)
            assert leaving.number == mine
        assert next_one.result(10.0) == mine


@pytest.mark.parametrize(("beginning", "is_left"), [(LONG, False), ("And of Malta? ", True)])
def test_none_is_waited_for_that_is_held_on_to_or_holds_little(
    slots: Slots, beginning: str, *, is_left: bool
) -> None:
    mine = computed(slots, beginning)
    with slots.held(beginning + "Valletta. ", lambda: is_left) as held:
        assert held.number == mine
        assert computed(slots, beginning + "Who says so? ") != mine


def test_one_that_is_not_left_in_time_is_not_waited_for_any_longer(slots: Slots) -> None:
    with slots.held(LONG, lambda: True) as held:
        assert computed(slots, LONG + "And of Malta? ") != held.number


def test_where_all_is_lost_the_same_goes_what_was_used_longest_ago(slots: Slots) -> None:
    one, two, three = (computed(slots, name * 100) for name in "abc")
    assert computed(slots, "a" * 101) == one
    assert computed(slots, "d" * 100) == two
    assert computed(slots, "c" * 101) == three


def test_what_nobody_goes_on_with_is_no_loss(slots: Slots, clock: Clock) -> None:
    mine, other = computed(slots, LONG), computed(slots, RULES)
    clock.time += ALIVE_SECONDS
    assert computed(slots, FRANCE) == mine != other


def test_a_slot_is_given_back_whatever_goes_wrong(slots: Slots) -> None:
    for _ in range(4):
        with pytest.raises(OSError, match="gone"), slots.held(LONG):
            raise OSError("gone")
    assert computed(slots, LONG) == 0


@pytest.mark.parametrize(("size", "fewest", "most"), [(4, SLOTS, SLOTS), (4_000_000_000, AT_ONCE, SLOTS - 1)])
def test_a_large_model_keeps_fewer(tmp_path: Path, size: int, fewest: int, most: int) -> None:
    file = tmp_path / "model.gguf"
    with file.open("wb") as hollow:
        hollow.truncate(size)
    assert fewest <= slots_of(file) <= most


def test_a_beginning_is_read_where_nobody_misses_anything(slots: Slots, clock: Clock) -> None:
    mine, others = computed(slots, LONG), computed(slots, RULES + "Who are you? ")
    with slots.spare("You are Max. ") as slot:
        assert slot is not None
        assert slot.number not in (mine, others)
    with slots.spare("You are Kim. ") as slot:
        assert slot is None, "all are somebody's"
    clock.time += ALIVE_SECONDS
    with slots.spare(RULES + "Who asks for the way is to be told that it is far. ") as slot:
        assert slot is not None
        assert slot.number in (mine, others), "they begin alike"


def test_what_is_read_already_is_not_read_again(slots: Slots) -> None:
    with slots.spare(RULES) as slot:
        assert slot is not None
    with slots.spare(RULES) as again:
        assert again is None
    assert computed(slots, RULES + "Who are you? ") == slot.number


def test_what_somebody_elses_conversation_began_with_is_read(slots: Slots) -> None:
    mine = computed(slots, RULES + "Hello. ")
    with slots.spare(RULES) as slot:
        assert slot is None
    assert computed(slots, RULES + "Who are you? ") == mine
    assert computed(slots, LONG) == mine
    with slots.spare(RULES) as slot:
        assert slot is not None, "who has said so much will need all of it"
