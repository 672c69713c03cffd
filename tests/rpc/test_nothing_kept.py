"""A good token of a conversation of which nothing is kept: it was deleted, or its store came back empty."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.store import MemoryStore, SqliteStore

from ..serving import LONG, ConverseCall, Served, answered, assert_told, scripted, serving
from .test_resume import SECRET, parked, speaking, token

DELETION = pb.DeleteSessionRequest(session_id="mine")


async def assert_begins_anew(served: Served, before: ConverseCall, played: int = 0) -> None:
    """The caller of `before`, who comes back and heard so much of turn 1, gets another conversation than
    `mine`, and is told why."""
    async with served.talk() as after:
        started = await after.config(
            resume_token=token(before),
            session_id="mine",
            resume_turn=1,
            resume_played_samples=played,
            last_received_seq=before.said[-1].seq,
        )
        assert (started.resumed, started.last_turn, started.last_consumed_seq) == (False, 0, 0)
        assert started.session_id not in ("", "mine")
        notice = await after.notice("BAD_MESSAGE")
        assert notice.field == "config.resume_token"
        assert "nothing is kept" in notice.message
        assert after.said[0].seq == 1
        assert await answered(after) == 1
        await after.next("resume_update")
    await parked(served)
    async with served.talk() as again:
        assert (await again.config(resume_token=token(after))).session_id == started.session_id


async def assert_gone(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError, match="no session"):
        await served.stub.GetSession(pb.GetSessionRequest(session_id="mine"))


async def test_one_that_was_deleted_while_it_waited() -> None:
    async with serving(scripted(LONG)) as served:
        async with served.talk() as before:
            await before.config(session_id="mine")
            played = await speaking(before)
        await parked(served)
        await served.stub.DeleteSession(DELETION)
        await assert_begins_anew(served, before, played)
        await assert_gone(served)


async def test_one_that_was_deleted_while_somebody_spoke() -> None:
    """And comes back in the same moment."""
    async with serving(scripted(LONG)) as served, served.talk() as before:
        await before.config(session_id="mine")
        await speaking(before)
        deletion = served.stub.DeleteSession(DELETION)
        assert_told(await before.ended(), grpc.StatusCode.ABORTED, "SUPERSEDED")
        await assert_begins_anew(served, before)
        await deletion
        await assert_gone(served)


@asynccontextmanager
async def two_servers(stores: "list[SqliteStore] | list[MemoryStore]") -> AsyncIterator[list[Served]]:
    async with AsyncExitStack() as stack:
        opening = [serving(scripted(LONG), store=store, secret=SECRET) for store in stores]
        yield [await stack.enter_async_context(each) for each in opening]


async def test_one_that_was_deleted_on_another_server(tmp_path: Path) -> None:
    stores = [await SqliteStore.open(tmp_path / "sessions.db") for _ in range(2)]
    async with two_servers(stores) as (one, other):
        async with one.talk() as before:
            await before.config(session_id="mine")
            await answered(before, "Hi.")
        await parked(one)
        await other.stub.DeleteSession(DELETION)
        await assert_begins_anew(one, before)
        await assert_gone(other)
    for store in stores:
        await store.close()


async def test_one_that_its_store_lost() -> None:
    """On another server it is another one; where it still is it goes on, and is kept again."""
    async with two_servers([MemoryStore(), MemoryStore()]) as (one, other):
        async with one.talk() as before:
            await before.config(session_id="mine")
            await speaking(before)
        await parked(one)
        await assert_begins_anew(other, before)
        await one.store.close()
        async with one.talk() as after:
            started = await after.config(resume_token=token(before))
            assert (started.resumed, started.session_id, started.last_turn) == (True, "mine", 1)
            assert not after.notices
