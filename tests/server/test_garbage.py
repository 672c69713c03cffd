"""Garbage that refers to itself is found once a minute, and by nobody else meanwhile."""

import asyncio
import gc
import weakref

from voice_grpc.server.garbage import LOOK_SECONDS, collected_seldom

from ..session.harness import virtual


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_has_grown_old_is_found_once_a_minute() -> None:
    async def run() -> None:
        async with collected_seldom():
            left = weakref.ref(Ring())
            await asyncio.sleep(LOOK_SECONDS / 2)
            assert left() is not None
            await asyncio.sleep(LOOK_SECONDS)
            assert left() is None

    virtual(run())


def test_python_takes_no_full_look_by_itself_and_all_is_as_before_in_the_end() -> None:
    async def run() -> None:
        before = gc.get_threshold(), gc.get_freeze_count()
        async with collected_seldom():
            looks = gc.get_stats()[2]["collections"]
            kept = [[Ring()] for _ in range(200_000)]
            assert gc.get_stats()[1]["collections"] > 0
            assert gc.get_stats()[2]["collections"] == looks
            assert gc.get_freeze_count() > 0
            del kept
        assert (gc.get_threshold(), gc.get_freeze_count()) == before

    virtual(run())
