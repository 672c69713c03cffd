"""What conversations begin with is computed once, and put into whichever slot lacks it."""

import logging

import pytest

from voice_grpc.engines.llama_cpp.beginnings import Beginnings
from voice_grpc.engines.llama_cpp.slot_states import SlotStateLost
from voice_grpc.engines.llama_cpp.slots import Slots

RULES = "You are Robin, and kind. " * 8
OTHERS = "You are Max, and stern. " * 8
FRANCE = RULES + "What is the capital of France? Paris. "


class FakeStates:
    """Remembers what was written and put back; each file has 100 bytes."""

    def __init__(self) -> None:
        self.files: set[str] = set()
        self.put: list[tuple[int, str]] = []
        self.is_broken = False

    def save(self, slot: int, name: str) -> int:
        if self.is_broken:
            raise SlotStateLost("no space left")
        self.files.add(name)
        return 100

    def restore(self, slot: int, name: str) -> None:
        if self.is_broken or name not in self.files:
            raise SlotStateLost(name)
        self.put.append((slot, name))

    def remove(self, name: str) -> None:
        self.files.remove(name)


@pytest.fixture
def states() -> FakeStates:
    return FakeStates()


@pytest.fixture
def kept(states: FakeStates) -> Beginnings:
    return Beginnings(states, most_bytes=250)


def computed(slots: Slots, text: str) -> int:
    with slots.held(text) as slot:
        return slot.number


def test_who_begins_like_a_longer_conversation_finds_it_in_a_slot_of_their_own(
    states: FakeStates, kept: Beginnings
) -> None:
    slots = Slots(3, beginnings=kept)
    mine = computed(slots, RULES)
    kept.keep(RULES, mine)
    assert computed(slots, FRANCE) == mine
    assert states.put == [], "where it is there already"
    other = computed(slots, RULES + "Who are you? ")
    assert other != mine
    assert [slot for slot, _ in states.put] == [other]
    assert computed(slots, FRANCE + "And of Spain? ") == mine, "and nobody lost anything"
    assert len(states.put) == 1


def test_all_slots_may_hold_conversations_that_go_on(states: FakeStates, kept: Beginnings) -> None:
    slots = Slots(2, beginnings=kept)
    kept.keep(RULES, computed(slots, RULES))
    long, short = computed(slots, FRANCE * 5), computed(slots, OTHERS)
    assert long != short
    assert computed(slots, RULES + "Who are you? ") == short, "the one that loses less"
    assert states.put[-1] == (short, next(iter(states.files)))


def test_the_one_with_the_most_in_common_is_put_there(kept: Beginnings) -> None:
    kept.keep(RULES + "Answer in English. ", 0)
    kept.keep(OTHERS, 1)
    assert kept.closest(RULES + "Answer in German. ") == RULES + "Answer in English. "
    assert kept.has(OTHERS)
    assert not kept.has(RULES)


def test_nothing_is_put_where_more_is_computed(states: FakeStates, kept: Beginnings) -> None:
    slots = Slots(1, beginnings=kept)
    kept.keep(RULES, 0)
    computed(slots, FRANCE)
    states.put.clear()
    computed(slots, FRANCE + "And of Spain? ")
    assert states.put == []


def test_what_was_not_used_for_longest_leaves(states: FakeStates, kept: Beginnings) -> None:
    kept.keep(RULES, 0)
    kept.keep(OTHERS, 0)
    assert kept.put(RULES, 1)
    kept.keep(FRANCE, 0)
    assert kept.has(RULES)
    assert not kept.has(OTHERS)
    assert not kept.put(OTHERS, 1)
    assert len(states.files) == 2


def test_one_that_is_too_large_is_not_kept(states: FakeStates) -> None:
    kept = Beginnings(states, most_bytes=99)
    kept.keep(RULES, 0)
    assert not kept.has(RULES)
    assert states.files == set()


@pytest.mark.parametrize("fails_at_once", [True, False])
def test_where_files_fail_it_is_said_once_and_nothing_is_kept(
    states: FakeStates, kept: Beginnings, caplog: pytest.LogCaptureFixture, *, fails_at_once: bool
) -> None:
    slots = Slots(2, beginnings=kept)
    states.is_broken = fails_at_once
    kept.keep(RULES, 0)
    states.is_broken = True
    with caplog.at_level(logging.WARNING):
        assert computed(slots, RULES) == 0
        kept.keep(OTHERS, 0)
        assert not kept.takes(OTHERS)
    assert kept.closest(RULES) == ""
    lines = [record for record in caplog.records if "beginnings" in record.message]
    assert len(lines) == 1


def test_without_files_nothing_is_kept() -> None:
    kept = Beginnings()
    kept.keep(RULES, 0)
    assert not kept.has(RULES)
    assert not kept.takes(RULES)
    assert not kept.put(RULES, 0)
