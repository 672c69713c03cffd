"""Work beside a block: it ends with it, and errors come out as themselves."""

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from voice_grpc.process.beside import beside
from voice_grpc.process.reloaded import Reloaded, kept_fresh


async def for_ever(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()


async def failing_beside(around: AbstractAsyncContextManager[None], error: Exception) -> None:
    async with around:
        await asyncio.sleep(0)
        raise error


async def test_it_ends_with_the_block() -> None:
    ended = asyncio.Event()
    async with beside(for_ever(ended), "work"):
        await asyncio.sleep(0)
        assert not ended.is_set()
    assert ended.is_set()


async def test_the_error_of_the_block_comes_out_as_itself() -> None:
    ended = asyncio.Event()
    with pytest.raises(LookupError, match="of the block"):
        await failing_beside(beside(for_ever(ended), "work"), LookupError("of the block"))
    assert ended.is_set()


async def test_a_group_that_the_block_raises_stays_one() -> None:
    with pytest.RaisesGroup(LookupError, KeyError):
        error = ExceptionGroup("of the block", [LookupError(), KeyError()])
        await failing_beside(beside(for_ever(asyncio.Event()), "work"), error)


@pytest.mark.parametrize("error", [LookupError("of the work"), ExceptionGroup("of the work", [OSError()])])
async def test_work_that_fails_ends_the_block_and_its_error_comes_out_as_itself(error: Exception) -> None:
    async def fail() -> None:
        raise error

    with pytest.raises(type(error), match="of the work") as raised:
        async with beside(fail(), "work"):
            await asyncio.Event().wait()
    assert raised.value is error


async def test_a_block_that_is_cancelled_is_cancelled_and_no_error() -> None:
    ended, begun = asyncio.Event(), asyncio.Event()

    async def both() -> None:
        async with beside(for_ever(ended), "work"):
            begun.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(both(), name="both")
        await begun.wait()
        task.cancel()
    assert task.cancelled()
    assert ended.is_set()


async def test_a_server_whose_files_are_watched_raises_its_own_error(tmp_path: Path) -> None:
    reloaded = await asyncio.to_thread(Reloaded, [tmp_path / "file"], lambda: None)
    with pytest.raises(OSError, match="the port is taken"):
        await failing_beside(kept_fresh(reloaded), OSError("the port is taken"))
