"""Whether one more conversation can be borne. Times are numbers here."""

import random

import pytest

from voice_grpc.core.admission import (
    AT_LEAST,
    FEWEST_TURNS,
    LOOP_LIMIT,
    LOOP_SECONDS,
    NORMAL_SECONDS,
    RECENT_SECONDS,
    TIMES_NORMAL,
    AdmissionControl,
    Delay,
    LoopLateness,
    TurnDelay,
)
from voice_grpc.core.errors import ServerFull


def turns(delay: TurnDelay, seconds: float, since: float, count: int = 16, every: float = 3.0) -> float:
    """`count` turns that took `seconds`, give or take a tenth; returns when the last one ended."""
    chance = random.Random(round(since))
    for n in range(count):
        delay.note(seconds * chance.uniform(0.9, 1.1), since + n * every)
    return since + (count - 1) * every


def test_who_is_in_time_takes_more() -> None:
    control = AdmissionControl()
    for n in range(50):
        control.loop.note(0.002, n / 10)
    now = turns(control.answers, 0.8, 0.0)
    control.check(now, open_streams=10)
    assert not any(each.is_over for each in control.delays(now))


def test_a_loop_that_is_late_takes_no_more_until_it_is_in_time_again() -> None:
    control = AdmissionControl()
    for n in range(50):
        control.loop.note(2 * LOOP_LIMIT, n / 10)
    with pytest.raises(ServerFull, match=r"beside the 3 that are open: the event loop is late: 0\.10 s"):
        control.check(5.0, open_streams=3)
    for n in range(50, 100):
        control.loop.note(0.0, n / 10)
    control.check(10.0, open_streams=3)


def test_one_stall_is_no_load() -> None:
    lateness = LoopLateness()
    for n in range(50):
        lateness.note(3.0 if n == 25 else 0.001, n / 10)
    assert (now := lateness.now(5.0)) is not None
    assert not now.is_over


def test_a_server_that_has_nobody_refuses_nobody() -> None:
    control = AdmissionControl()
    for n in range(50):
        control.loop.note(1.0, n / 10)
    control.check(5.0, open_streams=0)


def test_one_that_is_off_only_tells() -> None:
    control = AdmissionControl(is_on=False)
    for n in range(50):
        control.loop.note(1.0, n / 10)
    control.check(5.0, open_streams=5)
    assert [each.is_over for each in control.delays(5.0)] == [True]


@pytest.mark.parametrize("normal", [0.1, 0.8, 2.0])
def test_answers_are_late_beside_what_is_normal_here(normal: float) -> None:
    control = AdmissionControl()
    began = turns(control.answers, normal, 0.0)
    limit = max(TIMES_NORMAL * normal, normal + AT_LEAST)
    fine = turns(control.answers, 0.8 * limit, began + 3)
    control.check(fine, open_streams=4)
    late = turns(control.answers, 1.3 * limit, fine + 3)
    with pytest.raises(ServerFull, match="answers are late"):
        control.check(late, open_streams=4)
    again = turns(control.answers, normal, late + 3)
    control.check(again, open_streams=4)


def test_transcripts_are_told_apart_from_answers() -> None:
    control = AdmissionControl()
    now = turns(control.transcripts, 2.0, turns(control.transcripts, 0.3, 0.0) + 3)
    with pytest.raises(ServerFull, match=r"transcripts are late: \d\.\d\d s, at most \d\.\d\d$"):
        control.check(now, open_streams=1)


def test_a_few_slow_turns_are_no_load_and_old_ones_are_forgotten() -> None:
    delay = TurnDelay(Delay.ANSWER)
    for n in range(FEWEST_TURNS - 1):
        delay.note(9.0, float(n))
    assert delay.now(5.0) is None
    delay.note(9.0, 5.0)
    assert delay.now(5.0) is not None
    assert delay.now(5.0 + RECENT_SECONDS) is None


def test_what_is_slower_for_good_is_normal_in_the_end() -> None:
    delay = TurnDelay(Delay.ANSWER)
    at = turns(delay, 0.5, 0.0)
    while at < NORMAL_SECONDS * 1.5:
        at = turns(delay, 2.0, at + 3)
    assert (now := delay.now(at)) is not None
    assert not now.is_over
    assert now.limit == pytest.approx(TIMES_NORMAL * 2.0, rel=0.15)


def test_what_is_kept_is_bounded() -> None:
    lateness, delay = LoopLateness(), TurnDelay(Delay.ANSWER)
    for n in range(10_000):
        lateness.note(0.01, n / 1_000)
        delay.note(0.5, n * 7.0)
    assert len(lateness._looks) <= 256  # noqa: SLF001 - what it holds is what is bounded
    assert len(delay._turns) <= 16  # noqa: SLF001
    assert len(delay._lowest) <= 6  # noqa: SLF001
    assert lateness.now(10.0 + LOOP_SECONDS + 0.1) is None
