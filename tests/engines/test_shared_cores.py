"""Who is talked with, and whether the cores are wanted for them."""

import pytest

from voice_grpc.engines.shared_cores import BETWEEN_S, MUCH_MORE, PARTS_WAIT_S, SharedCores


def test_they_are_wanted_for_others_while_there_is_work_and_a_moment_longer() -> None:
    now = [0.0]
    cores = SharedCores(2, lambda: now[0])
    assert not cores.are_wanted("ben")
    cores.begin("anna")
    cores.begin("anna")
    cores.end("anna")
    assert cores.are_wanted("ben")
    assert not cores.are_wanted("anna"), "nobody is in their own way"
    cores.end("anna")
    now[0] = BETWEEN_S - 0.01
    assert cores.are_wanted("ben")
    now[0] = BETWEEN_S
    assert not cores.are_wanted("ben")


@pytest.mark.parametrize(("cores", "callers"), [(1, 1), (2, 1), (3, 2), (4, 2), (16, 8)])
def test_on_more_cores_it_takes_more_who_are_talked_with(cores: int, callers: int) -> None:
    shared = SharedCores(cores)
    for number in range(callers):
        assert not shared.are_wanted("ben")
        shared.begin(f"caller-{number}")
    assert shared.are_wanted("ben")


def test_without_a_number_those_of_the_process_count() -> None:
    shared = SharedCores()
    for number in range(10_000):
        shared.begin(f"caller-{number}")
    assert shared.are_wanted("ben")


def test_beside_a_conversation_one_part_is_begun_at_a_time_whoever_asks() -> None:
    now = [0.0]
    cores = SharedCores(2, lambda: now[0])
    cores.begin("anna")
    now[0] = PARTS_WAIT_S
    assert cores.may_begin("ben", asked=0.0)
    assert not cores.may_begin("ben", asked=0.1)
    cores.part_began()
    assert not cores.is_to_leave("ben", asked=0.0), "it has waited, and is finished"
    assert not cores.may_begin("carl", asked=0.0)
    now[0] = 2 * PARTS_WAIT_S
    assert cores.may_begin("carl", asked=0.0)


def test_who_has_much_more_at_work_than_another_lets_them_go_first_for_a_while() -> None:
    now = [0.0]
    cores = SharedCores(2, lambda: now[0])
    for _ in range(MUCH_MORE + 1):
        cores.begin("eve")
    assert not cores.lets_go_first("eve", asked=0.0), "there is nobody else"
    cores.begin("anna")
    assert cores.lets_go_first("eve", asked=0.0)
    assert not cores.lets_go_first("anna", asked=0.0)
    cores.begin("anna")
    assert not cores.lets_go_first("eve", asked=0.0), "as many as one conversation may have for a moment"
    cores.end("anna")
    now[0] = PARTS_WAIT_S
    assert not cores.lets_go_first("eve", asked=0.0), "it has waited"
    assert cores.lets_go_first("eve", asked=0.1)


def test_between_two_pieces_of_work_somebody_still_goes_first() -> None:
    now = [0.0]
    cores = SharedCores(2, lambda: now[0])
    for _ in range(MUCH_MORE + 1):
        cores.begin("eve")
    cores.begin("anna")
    cores.end("anna")
    assert cores.lets_go_first("eve", asked=0.0)
    now[0] = BETWEEN_S
    assert not cores.lets_go_first("eve", asked=0.0)


def test_on_many_cores_nobody_waits_for_another() -> None:
    cores = SharedCores(16)
    for _ in range(9):
        cores.begin("eve")
    cores.begin("anna")
    assert not cores.lets_go_first("eve", asked=cores.now())


def test_a_part_that_was_in_nobodys_way_gives_way_to_who_comes() -> None:
    now = [0.0]
    cores = SharedCores(2, lambda: now[0])
    assert cores.may_begin("ben", asked=0.0)
    cores.part_began()
    assert cores.may_begin("ben", asked=0.0), "as many as the engines take"
    cores.begin("anna")
    assert cores.is_to_leave("ben", asked=0.0)
