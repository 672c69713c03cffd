"""The circuit breaker: when it opens, how long, and that one probe alone closes it."""

from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.breaker import COOLING_SECONDS, FAILURES, LONGEST_SECONDS, Breaker


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.begin(at)
        breaker.failed(at)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    assert breaker.allows(0.0)
    breaker.failed(0.0)
    assert not breaker.allows(0.0)


def test_what_cannot_get_better_opens_it_at_once() -> None:
    breaker = Breaker()
    breaker.failed(5.0, for_good=True)
    assert not breaker.allows(5.0)
    assert breaker.allows(5.0 + COOLING_SECONDS)


def test_one_probe_at_a_time_and_its_success_closes() -> None:
    breaker, later = opened(), COOLING_SECONDS
    assert not breaker.allows(later - 0.1)
    assert breaker.allows(later)
    breaker.begin(later)
    assert not breaker.allows(later)
    breaker.succeeded()
    assert breaker.is_closed()
    assert breaker.allows(later)


def test_a_probe_that_fails_cools_twice_as_long_up_to_a_limit() -> None:
    breaker, now = opened(), 0.0
    for expected in (10, 20, 40, 80, 160, 300, 300):
        assert breaker.cooling == expected
        now = breaker.reopens_at
        breaker.begin(now)
        breaker.failed(now)
    assert breaker.cooling == LONGEST_SECONDS


def test_a_probe_without_a_verdict_lets_another_one_through() -> None:
    breaker = opened()
    breaker.begin(COOLING_SECONDS)
    breaker.abandoned()
    assert breaker.allows(COOLING_SECONDS)


@given(st.lists(st.tuples(st.sampled_from(["ok", "fail", "bad", "gone"]), st.floats(0, 50)), max_size=60))
def test_it_never_stays_open_for_ever_and_a_success_always_closes(story: list[tuple[str, float]]) -> None:
    breaker, now = Breaker(), 0.0
    for what, passed in story:
        now += passed
        if breaker.allows(now):
            breaker.begin(now)
            match what:
                case "ok":
                    breaker.succeeded()
                    assert breaker.is_closed()
                case "gone":
                    breaker.abandoned()
                case _:
                    breaker.failed(now, for_good=what == "bad")
        assert not breaker.is_probing
        assert breaker.allows(now + LONGEST_SECONDS)
