"""A wall clock that is set back changes nothing about which conversation was used last."""

from collections.abc import Iterator

import pytest

from voice_grpc.session import memory
from voice_grpc.session.memory import Memory, UseTimes
from voice_grpc.store import MemoryStore

YEAR = 365 * 86_400.0


def a_clock(*times: float) -> UseTimes:
    given: Iterator[float] = iter(times)
    return UseTimes(lambda: next(given))


def test_times_are_the_clock_s_while_it_goes_on() -> None:
    times = a_clock(100.0, 101.0, 5_000.0)
    assert [times.now() for _ in range(3)] == [100.0, 101.0, 5_000.0]


def test_they_rise_where_the_clock_is_set_back_or_stands() -> None:
    now = 2e9
    times = a_clock(now, now + YEAR, now - 2 * YEAR, now - 2 * YEAR, now + 2 * YEAR)
    told = [times.now() for _ in range(5)]
    assert told == sorted(set(told))
    assert told[-1] == now + 2 * YEAR


def test_what_an_earlier_process_used_is_earlier() -> None:
    times = a_clock(1_000.0)
    times.seen(2_000.0)
    assert times.now() > 2_000.0


async def test_the_list_has_what_was_used_last_as_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year on, and three back, as in the middle of a night."""
    store, now = MemoryStore(), 2e9
    monkeypatch.setattr(memory, "USE_TIMES", a_clock(now, now + YEAR, now - 2 * YEAR, now - 2 * YEAR))
    for name in ("first", "second", "third", "first"):
        lease = await store.take(name, "")
        assert lease is not None
        await Memory.of(store, name, "", lease).save_last()
    assert [saved.id for saved in await store.sessions("", 10, None)] == ["first", "third", "second"]
