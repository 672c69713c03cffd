"""Room for interims: how many, beside which finals, and when none."""

import asyncio
from functools import partial

from voice_grpc.engines.whisper_remote.interims import InterimLimiter, InterimRoom


async def test_there_are_only_so_many_at_once() -> None:
    limiter = InterimLimiter(lambda: InterimRoom(most=2, is_beside_finals=True))
    with limiter.interim(lambda: None):
        assert limiter.has_room()
        with limiter.interim(lambda: None), limiter.final():
            assert not limiter.has_room()
        with limiter.final():
            assert limiter.has_room()


async def test_none_begins_beside_a_final_where_it_would_wait() -> None:
    limiter = InterimLimiter(lambda: InterimRoom(most=2, is_beside_finals=False))
    with limiter.final():
        with limiter.final():
            assert not limiter.has_room()
        assert not limiter.has_room()
    assert limiter.has_room()


async def test_a_final_ends_those_before_it_where_that_frees_the_server() -> None:
    ended: list[str] = []
    for is_freed in (False, True):
        limiter = InterimLimiter(partial(InterimRoom, 9, False, is_freed))
        one, two = (partial(ended.append, name) for name in ("one", "two"))
        with limiter.interim(one), limiter.interim(two), limiter.final():
            assert sorted(ended) == (["one", "two"] if is_freed else [])


async def test_a_server_that_counts_requests_gets_none_for_a_while() -> None:
    limiter = InterimLimiter(lambda: InterimRoom(most=1, is_beside_finals=True))
    limiter.pause(0.05)
    assert not limiter.has_room()
    await asyncio.sleep(0.1)
    assert limiter.has_room()
    limiter.pause(0)
    await asyncio.sleep(0.1)
    assert not limiter.has_room()
