"""Who is next: the most urgent first, one caller after the other, and nobody never."""

from dataclasses import dataclass

import pytest

from voice_grpc.engines.fair_queue import REMEMBERED, TURNS, FairQueue
from voice_grpc.ports import Claim, Urgency

COMMITTED, FINAL, PREPARED, PART = Urgency


@dataclass(eq=False)
class Piece:
    name: str
    is_wanted: bool = True


def queue(most: int = 100) -> FairQueue[Piece]:
    return FairQueue(lambda piece: piece.is_wanted, most)


def put(waiting: FairQueue[Piece], *names: str, urgency: Urgency = FINAL) -> list[Piece]:
    """Pieces whose first letter is the caller."""
    pieces = [Piece(name) for name in names]
    for piece in pieces:
        assert waiting.put(Claim.of(piece.name[0], urgency), piece)
    return pieces


def taken(waiting: FairQueue[Piece], count: int = 100) -> list[str]:
    found: list[str] = []
    while len(found) < count and (next_one := waiting.take()) is not None:
        found.append(next_one.item.name)
    return found


def test_of_one_caller_what_came_first_is_first() -> None:
    waiting = queue()
    put(waiting, "a1", "a2", "a3")
    assert taken(waiting) == ["a1", "a2", "a3"]


def test_callers_take_turns_however_much_one_asks() -> None:
    waiting = queue()
    put(waiting, "a1", "a2", "a3", "a4", "b1", "b2", "c1")
    assert taken(waiting) == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_who_comes_back_at_once_waits_for_those_who_were_not_served() -> None:
    """A caller with one piece at a time is no newcomer with each of them."""
    waiting = queue()
    put(waiting, "a1", "b1", "c1")
    assert taken(waiting, 1) == ["a1"]
    put(waiting, "a2")
    assert taken(waiting, 1) == ["b1"]
    put(waiting, "b2")
    assert taken(waiting) == ["c1", "a2", "b2"]


def test_the_most_urgent_is_first_whoever_asks() -> None:
    waiting = queue()
    for urgency in (PART, PREPARED, FINAL, COMMITTED):
        put(waiting, f"a{urgency.name}", urgency=urgency)
    put(waiting, "bPART", urgency=PART)
    assert taken(waiting) == ["aCOMMITTED", "aFINAL", "aPREPARED", "bPART", "aPART"]


def test_what_nobody_waits_for_costs_nothing() -> None:
    waiting = queue(most=2)
    first, _ = put(waiting, "a1", "a2")
    first.is_wanted = False
    put(waiting, "a3")
    assert waiting.count() == 2
    assert taken(waiting) == ["a2", "a3"]


def test_each_caller_has_a_bound_of_its_own() -> None:
    waiting = queue(most=2)
    put(waiting, "a1", "a2", "b1")
    assert not waiting.put(Claim.of("a", COMMITTED), Piece("a3"))
    put(waiting, "b2")
    assert taken(waiting) == ["a1", "b1", "a2", "b2"]


@pytest.mark.parametrize("urgency", [FINAL, PREPARED, PART])
def test_what_is_less_urgent_goes_on_under_a_flood(urgency: Urgency) -> None:
    waiting = queue()
    put(waiting, "b1", "b2", urgency=urgency)
    order: list[str] = []
    for number in range(3 * TURNS):
        put(waiting, f"a{number}", f"a{number}again", urgency=COMMITTED)
        order += taken(waiting, 1)
    assert [order.index("b1"), order.index("b2")] == [TURNS - 1, 2 * TURNS - 1]


def test_the_longest_waiting_is_the_one_that_is_not_starved() -> None:
    waiting = queue()
    put(waiting, "p1", urgency=PART)
    put(waiting, "i1", urgency=PREPARED)
    put(waiting, *(f"a{n}" for n in range(TURNS)), urgency=COMMITTED)
    assert taken(waiting, TURNS)[-1] == "p1"


def test_how_urgent_it_is_may_change_while_it_waits() -> None:
    waiting, now = queue(), [PREPARED]
    waiting.put(Claim("a", lambda: now[0]), Piece("a"))
    put(waiting, "b1", urgency=FINAL)
    now[0] = COMMITTED
    assert taken(waiting) == ["a", "b1"]


def test_what_gave_way_is_the_next_of_its_equals() -> None:
    waiting = queue()
    put(waiting, "a1", "b1", "b2", urgency=PART)
    running = waiting.take()
    assert running is not None
    put(waiting, "c1", urgency=FINAL)
    waiting.put_back(running, running.item, is_first=True)
    assert taken(waiting) == ["c1", "a1", "b1", "b2"]


def test_what_had_its_time_lets_its_equals_have_theirs() -> None:
    waiting = queue()
    put(waiting, "a1", "b1", "c1", urgency=COMMITTED)
    running = waiting.take()
    assert running is not None
    waiting.put_back(running, running.item, is_first=False)
    assert taken(waiting) == ["b1", "c1", "a1"]


def test_times_that_it_gave_way_are_counted() -> None:
    waiting = queue()
    put(waiting, "a1")
    for times in range(3):
        running = waiting.take()
        assert running is not None
        assert running.gave_way == times
        waiting.put_back(running, running.item, is_first=True)


def test_what_a_spare_thread_takes_puts_nobody_off() -> None:
    """What is less urgent and may not run there is no further from its turn, and no nearer."""
    waiting = queue()
    put(waiting, "p1", urgency=PART)
    put(waiting, *(f"a{n}" for n in range(2 * TURNS)), urgency=COMMITTED)
    order = []
    for _ in range(TURNS):
        order += taken(waiting, 1)
        spare = waiting.take(lambda each: each.claim.urgency < PART)
        assert spare is not None
        assert spare.item.name.startswith("a")
    assert order[-1] == "p1"


def test_what_may_not_run_is_passed_over() -> None:
    waiting = queue()
    put(waiting, "a1", urgency=FINAL)
    put(waiting, "b1", urgency=PART)
    found = waiting.take(lambda each: each.claim.urgency is PART)
    assert found is not None
    assert found.item.name == "b1"
    assert waiting.take(lambda _: False) is None
    assert taken(waiting) == ["a1"]


def test_callers_without_number_are_not_remembered_for_ever() -> None:
    waiting = queue()
    for number in range(REMEMBERED + 50):
        waiting.put(Claim.of(f"caller {number}", FINAL), Piece("x"))
        waiting.take()
    assert waiting.remembered == REMEMBERED


def test_clearing_leaves_nothing() -> None:
    waiting = queue()
    pieces = put(waiting, "a1", "b1")
    assert waiting.clear() == pieces
    assert taken(waiting) == []
