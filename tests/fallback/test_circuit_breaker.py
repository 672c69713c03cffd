"""The circuit breaker: when it opens, how long, and that one probe alone tries whether it may close."""

from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.fallback.circuit_breaker import (
    COOLING_SECONDS,
    FAILURES,
    LONGEST_SECONDS,
    PROBE_SECONDS,
    SHORT_SECONDS,
    CircuitBreaker,
)


def opened(at: float = 0.0) -> CircuitBreaker:
    breaker = CircuitBreaker()
    for _ in range(FAILURES):
        assert not breaker.begin(at)
        breaker.failed(at)
    return breaker


def test_failures_in_a_row_open_it_and_a_success_between_does_not() -> None:
    breaker = CircuitBreaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    assert breaker.allows(0.0)
    breaker.failed(7.0)
    assert not breaker.allows(7.0)
    assert breaker.open_since == 7.0


def test_what_cannot_get_better_opens_it_at_once() -> None:
    breaker = CircuitBreaker()
    breaker.failed(5.0, for_good=True)
    assert not breaker.allows(5.0)
    assert breaker.allows(5.0 + COOLING_SECONDS)


def test_a_wait_that_is_told_opens_it_for_so_long() -> None:
    breaker = CircuitBreaker()
    breaker.failed(5.0, told=SHORT_SECONDS - 0.1)
    assert breaker.is_closed()
    breaker.failed(5.0, told=42.0)
    assert (breaker.open_since, breaker.reopens_at) == (5.0, 47.0)
    breaker.failed(6.0, told=60.0)
    assert breaker.reopens_at == 66.0, "said again by a call that went through all the same"
    assert breaker.begin(66.0)
    breaker.failed(66.0, is_probe=True, told=10_000.0)
    assert breaker.reopens_at == 66.0 + LONGEST_SECONDS


def test_one_probe_at_a_time_and_its_success_closes() -> None:
    breaker, later = opened(), COOLING_SECONDS
    assert not breaker.allows(later - 0.1)
    assert breaker.allows(later)
    assert breaker.begin(later)
    assert not breaker.allows(later)
    assert not breaker.begin(later)
    breaker.succeeded()
    assert breaker.is_closed()
    assert breaker.allows(later)
    assert not breaker.begin(later)


def test_a_probe_that_fails_cools_twice_as_long_up_to_a_limit() -> None:
    breaker, now = opened(), 0.0
    for expected in (10, 20, 40, 80, 160, 300, 300):
        assert breaker.cooling == expected
        now = breaker.reopens_at
        assert breaker.begin(now)
        breaker.failed(now, is_probe=True)
    assert breaker.cooling == LONGEST_SECONDS
    assert breaker.open_since == 0.0


def test_calls_that_were_under_way_when_it_opened_make_nothing_longer() -> None:
    breaker = opened()
    for now in range(1, 9):
        breaker.failed(float(now), for_good=now % 2 == 0)
    assert (breaker.cooling, breaker.reopens_at) == (COOLING_SECONDS, COOLING_SECONDS)
    assert breaker.begin(COOLING_SECONDS)
    breaker.failed(COOLING_SECONDS)
    assert not breaker.allows(COOLING_SECONDS)


def test_a_probe_without_a_verdict_lets_another_one_through() -> None:
    breaker = opened()
    assert breaker.begin(COOLING_SECONDS)
    breaker.abandoned()
    assert not breaker.allows(COOLING_SECONDS)
    breaker.abandoned(is_probe=True)
    assert breaker.allows(COOLING_SECONDS)


def test_a_probe_of_which_nothing_is_heard_does_not_block_for_ever() -> None:
    breaker = opened()
    assert breaker.begin(COOLING_SECONDS)
    assert not breaker.allows(COOLING_SECONDS + PROBE_SECONDS - 0.1)
    assert breaker.begin(COOLING_SECONDS + PROBE_SECONDS)


def test_the_first_output_lets_the_others_in_and_a_break_after_it_does_not_begin_anew() -> None:
    breaker, now = opened(), 0.0
    for expected in (10, 20, 40):
        assert breaker.cooling == expected
        now = breaker.reopens_at
        assert breaker.begin(now)
        breaker.answered()
        assert breaker.allows(now)
        breaker.failed(now, is_probe=True)
        assert not breaker.allows(now)
    breaker.begin(breaker.reopens_at)
    breaker.succeeded()
    breaker.failed(now)
    assert breaker.is_closed()


WHAT = st.sampled_from(["ok", "fail", "bad", "gone", "middle", "cut"])


@given(st.lists(st.tuples(WHAT, st.floats(0, 50), st.integers(1, 4)), max_size=60))
def test_whatever_happens_it_can_be_closed_again(story: list[tuple[str, float, int]]) -> None:
    """Some calls at once, each with its end: at most one probe; no longer out than the limit; and in the
    end one whole answer closes it."""
    breaker, now = CircuitBreaker(), 0.0
    for what, passed, at_once in story:
        now += passed
        was_closed, allowed = breaker.is_closed(), breaker.allows(now)
        probes = [breaker.begin(now) for _ in range(at_once)]
        assert sum(probes) == int(allowed and not was_closed)
        for is_probe in probes:
            end(breaker, what, now, is_probe)
        if what in ("ok", "cut"):
            assert breaker == CircuitBreaker(reopens_at=breaker.reopens_at)
        assert not breaker.is_probing(now)
        assert breaker.is_closed() or now < breaker.reopens_at or what == "gone"
        assert breaker.reopens_at <= now + LONGEST_SECONDS
        assert breaker.cooling <= LONGEST_SECONDS
        assert breaker.allows(now + LONGEST_SECONDS)


def end(breaker: CircuitBreaker, what: str, now: float, is_probe: bool) -> None:
    match what:
        case "ok":
            breaker.answered()
            breaker.succeeded()
        case "cut":
            breaker.succeeded()
        case "gone":
            breaker.abandoned(is_probe=is_probe)
        case "middle":
            breaker.answered()
            breaker.failed(now, is_probe=is_probe)
        case _:
            breaker.failed(now, is_probe=is_probe, for_good=what == "bad")
