"""What one caller may use: windows, buckets, and the callers that are remembered. Times are numbers here."""

import random
from contextlib import ExitStack

import pytest

from voice_grpc.core import quota
from voice_grpc.core.errors import AllowanceUsed, CallerLimit
from voice_grpc.core.quota import (
    MINUTE,
    SLOTS,
    Account,
    Accounts,
    CallerLimits,
    Counted,
    SlidingWindow,
    TokenBucket,
)

SLOT = MINUTE / SLOTS


def test_a_window_never_lets_more_through_than_its_limit() -> None:
    """However the asking is spread: within any minute, and not much less than the limit over a long time."""
    for seed in range(20):
        chance, window, now, taken = random.Random(seed), SlidingWindow(50, MINUTE), 0.0, list[float]()
        for _ in range(3_000):
            now += chance.expovariate(2.0)
            if not window.wait(now):
                window.add(1, now)
                taken.append(now)
        for at in taken:
            assert sum(at - MINUTE < other <= at for other in taken) <= 50
        assert len(taken) > 0.9 * 50 * now / MINUTE


def test_who_waits_as_long_as_is_told_gets_in_and_a_moment_before_does_not() -> None:
    for seed in range(50):
        chance, window, now = random.Random(seed), SlidingWindow(100, MINUTE), 1_000.0
        for _ in range(40):
            now += chance.uniform(0, 5)
            window.add(chance.randint(1, 30), now)
        wait = window.wait(now)
        if wait:
            assert window.wait(now + wait - 0.001) > 0
            assert window.wait(now + wait + 1e-6) == 0
            assert wait <= MINUTE + SLOT


def test_a_window_has_one_size_whatever_is_used() -> None:
    window = SlidingWindow(10, MINUTE)
    for step in range(10_000):
        window.add(1, step * 0.05)
    assert len(window._used) <= SLOTS + 1  # noqa: SLF001 - what it holds is what is bounded
    assert window.used(500.0) <= MINUTE / 0.05 + 20
    assert window.used(10_000.0) == 0


def test_a_window_without_a_limit_counts_alone() -> None:
    window = SlidingWindow(0, MINUTE)
    window.add(10**9, 1.0)
    assert (window.used(1.0), window.wait(1.0)) == (10**9, 0.0)


def test_a_bucket_gives_its_burst_at_once_and_its_rate_from_then_on() -> None:
    bucket, now = TokenBucket(10.0, 0.0), 0.0
    bucket.take(10.0, 1.25, now)
    assert bucket.wait(1.25, now) == 0
    sent = 0.0
    for _ in range(1_000):
        bucket.take(0.5, 1.25, now)
        now += bucket.wait(1.25, now)
        sent += 0.5
    assert sent / now == pytest.approx(1.25)


def test_what_comes_in_real_time_never_waits() -> None:
    bucket = TokenBucket(10.0, 0.0)
    for step in range(100_000):
        bucket.take(0.02, 1.0, step * 0.02)
        assert bucket.wait(1.0, step * 0.02) == 0


def test_a_debt_is_forgiven_and_nothing_given() -> None:
    bucket = TokenBucket(10.0, 0.0)
    bucket.take(1_000.0, 1.0, 0.0)
    bucket.forgive()
    assert bucket.wait(1.0, 0.0) == 0
    bucket.take(1.0, 1.0, 0.0)
    assert bucket.wait(1.0, 0.0) == 1.0


# ---------------------------------------------------------------- one caller


def test_calls_and_streams_at_once_are_bounded_and_come_back() -> None:
    account = Account("a", CallerLimits(streams=2))
    with ExitStack() as open_calls:
        for _ in range(4):
            open_calls.enter_context(account.call(0.0))
        with pytest.raises(CallerLimit, match="calls at once: 4 for one caller"), account.call(0.0):
            pass
        for _ in range(2):
            account.check_room()
            open_calls.enter_context(account.stream())
        with pytest.raises(CallerLimit, match="streams at once: 2 for one caller"):
            account.check_room()
        assert account.is_here
    assert (account.calls, account.streams, account.is_here) == (0, 0, False)


def test_what_is_refused_counts_as_no_new_one() -> None:
    account = Account("a", CallerLimits(new_per_minute=3))
    for second in range(3):
        with account.call(float(second)):
            pass
    for _ in range(100):
        with pytest.raises(CallerLimit) as told, account.call(10.0):
            pass
    assert told.value.retry_after == pytest.approx(51.0)
    with account.call(10.0 + 51.0):
        pass


def test_tokens_and_characters_are_told_apart_and_by_the_minute_and_the_day() -> None:
    account = Account("a", CallerLimits(tokens_per_minute=100, characters_per_day=1_000))
    account.spend(0.0, tokens=100, characters=999)
    account.check_spending(0.0, tokens=False, characters=True)
    with pytest.raises(AllowanceUsed) as told:
        account.check_spending(0.0, tokens=True, characters=True)
    assert (told.value.stage, told.value.limit.limit) == ("llm", "tokens of the language model a minute")
    account.spend(60.0, characters=1)
    with pytest.raises(AllowanceUsed) as told:
        account.check_spending(62.0, tokens=True, characters=True)
    assert (told.value.stage, told.value.limit.limit) == ("tts", "characters of voice a day")
    assert told.value.retry_after == pytest.approx(quota.DAY + quota.DAY / SLOTS - 62.0)


def test_a_caller_is_told_all_of_its_limits_and_what_it_used() -> None:
    account = Account("a", CallerLimits(streams=2, tokens_per_day=50))
    account.spend(1.0, tokens=70)
    with account.call(1.0), account.stream():
        uses = {use.name: (use.limit, use.used, use.wait > 0) for use in account.uses(2.0)}
    assert uses == {
        "streams at once": (2, 1, False),
        "new streams a minute": (0, 1, False),
        "tokens of the language model a minute": (0, 70, False),
        "tokens of the language model a day": (50, 70, True),
        "characters of voice a minute": (0, 0, False),
        "characters of voice a day": (0, 0, False),
    }


# ---------------------------------------------------------------- together with other servers


def test_what_was_told_is_not_told_again_and_what_nobody_heard_is() -> None:
    account = Account("ann", CallerLimits(tokens_per_minute=10))
    assert not account.has_news
    account.spend(0.0, tokens=3)
    assert account.has_news
    assert account.tell().added == {quota.TOKENS[0]: 3, quota.TOKENS[1]: 3}
    account.spend(0.5, tokens=1)
    account.learn(None, 1.0)
    assert account.tell().added == {quota.TOKENS[0]: 4, quota.TOKENS[1]: 4}
    account.learn(Counted(0, {}), 1.0)
    assert not account.has_news
    with account.stream():
        assert (account.has_news, account.tell().streams) == (True, 1)
        account.learn(Counted(0, {}), 1.0)
        assert account.has_news
    assert account.tell().streams == 0
    assert not account.has_news


def test_what_all_have_seen_counts_and_what_came_meanwhile_too() -> None:
    account = Account("ann", CallerLimits(tokens_per_minute=10, streams=2))
    account.spend(100.0, tokens=1)
    account.tell()
    account.spend(100.0, tokens=2)
    account.learn(Counted(1, {quota.TOKENS[0]: ((50, 4), (0, 3))}), 100.0)
    used = {use.name: use.used for use in account.uses(100.0)}
    assert (used[quota.TOKENS[0]], used[quota.STREAMS]) == (9, 1)
    account.check_spending(100.0, tokens=True, characters=False)
    account.spend(100.0, tokens=1)
    with pytest.raises(AllowanceUsed) as caught:
        account.check_spending(100.0, tokens=True, characters=False)
    assert caught.value.limit.retry_after == 11.0
    account.check_spending(111.0, tokens=True, characters=False)
    with account.stream(), pytest.raises(CallerLimit):
        account.check_room()


def test_a_call_that_is_one_too_many_for_all_is_not_counted() -> None:
    account = Account("ann", CallerLimits(new_per_minute=2))
    with account.call(0.0):
        account.tell()
        account.learn(Counted(0, {quota.NEW: ((0, 3),)}), 0.0)
        with pytest.raises(CallerLimit):
            account.check_new(0.0)
    assert account.tell().added == {quota.NEW: -1}


# ---------------------------------------------------------------- all callers


def test_so_many_callers_are_remembered_and_nobody_who_is_here_is_forgotten() -> None:
    accounts = Accounts(CallerLimits(new_per_minute=1))
    here = accounts.of("here", 0.0)
    with here.call(0.0):
        for number in range(2 * quota.MAX_CALLERS):
            accounts.of(f"caller {number}", 0.0)
        assert len(accounts) == quota.MAX_CALLERS
        assert accounts.of("here", 0.0) is here


def test_who_calls_again_is_remembered_longer() -> None:
    accounts = Accounts(CallerLimits())
    known = accounts.of("known", 0.0)
    for number in range(quota.MAX_CALLERS - 1):
        accounts.of(f"caller {number}", 0.0)
    assert accounts.of("known", 0.0) is known
    accounts.of("one more", 0.0)
    assert accounts.of("known", 0.0) is known


def test_callers_of_this_machine_have_limits_of_their_own() -> None:
    accounts = Accounts(CallerLimits(streams=3), CallerLimits(streams=9))
    assert accounts.of("there", 0.0).limits.streams == 3
    assert accounts.of("here", 0.0, is_local=True).limits.streams == 9
