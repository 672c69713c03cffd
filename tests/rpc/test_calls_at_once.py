"""How many calls one connection may have open, and all of them: driven to their bounds.

The calls ask for a conversation that the store is slow to give, and so are held until it does.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import SavedSession
from voice_grpc.server.caller_limits import calls_at_once, calls_of_one_connection
from voice_grpc.store import MemoryStore

from ..serving import LOCAL, WITHIN, Served, serving, settings, stub_of

Code = grpc.StatusCode
OF_ONE = calls_of_one_connection(settings(max_sessions=1))
OF_ALL = calls_at_once(settings(max_sessions=1))


class HeldStore(MemoryStore):
    """Loads nothing before `let_go`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self._changed = asyncio.Event()
        self._is_held = asyncio.Event()

    async def load(self, session_id: str) -> SavedSession | None:
        self.asked += 1
        self._changed.set()
        await self._is_held.wait()
        return await super().load(session_id)

    async def until_asked(self, count: int) -> None:
        async with asyncio.timeout(WITHIN):
            while self.asked < count:
                self._changed.clear()
                await self._changed.wait()

    def let_go(self) -> None:
        self._is_held.set()


async def ask(channel: grpc.aio.Channel) -> grpc.StatusCode:
    """For a conversation that there is not; the status that it ends with."""
    try:
        await stub_of(channel).GetSession(pb.GetSessionRequest(session_id="none"))
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@asynccontextmanager
async def connections(served: Served, count: int) -> AsyncIterator[Sequence[grpc.aio.Channel]]:
    """That share nothing, and know the server's settings: each has been answered once."""
    own = (*LOCAL, ("grpc.use_local_subchannel_pool", 1))
    channels = [grpc.aio.insecure_channel(served.target, own) for _ in range(count)]
    try:
        for channel in channels:
            await stub_of(channel).GetServerInfo(pb.GetServerInfoRequest())
        yield channels
    finally:
        for channel in channels:
            await channel.close()


async def test_calls_of_one_connection_beyond_the_bound_wait_in_the_client_or_are_unavailable() -> None:
    """The client sends the next once one ends; the server counts that a little longer, and refuses some."""
    store = HeldStore()
    async with serving(store=store, max_sessions=1) as served, connections(served, 2) as (full, other):
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(ask(full), name="ask") for _ in range(OF_ONE + 5)]
            await store.until_asked(OF_ONE)
            for _ in range(5):  # somebody else is answered; no more than that came of the full one
                await stub_of(other).GetServerInfo(pb.GetServerInfoRequest())
            assert store.asked == OF_ONE
            assert not any(task.done() for task in asked)
            store.let_go()
        ends = Counter(task.result() for task in asked)
        assert ends[Code.NOT_FOUND] == store.asked >= OF_ONE
        assert ends[Code.UNAVAILABLE] == OF_ONE + 5 - store.asked
        assert await ask(full) is Code.NOT_FOUND


async def test_calls_of_all_connections_beyond_the_bound_are_refused_and_room_comes_back() -> None:
    store = HeldStore()
    count = OF_ALL // OF_ONE
    async with serving(store=store, max_sessions=1) as served, connections(served, count + 1) as channels:
        async with asyncio.TaskGroup() as tasks:
            asked: list[asyncio.Task[grpc.StatusCode]] = []
            for channel in channels[:count]:  # one after the other: gRPC cancels some of 1,000 in one burst
                asked += [tasks.create_task(ask(channel), name="ask") for _ in range(OF_ONE)]
                await store.until_asked(len(asked))
            assert len(asked) == OF_ALL
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await stub_of(channels[count]).GetServerInfo(pb.GetServerInfoRequest())
            assert refused.value.code() is Code.RESOURCE_EXHAUSTED
            assert details_of(refused.value) == []
            store.let_go()
        assert {task.result() for task in asked} == {Code.NOT_FOUND}
        await served.assert_serves()


def details_of(error: grpc.aio.AioRpcError) -> list[Any]:
    """The google.rpc details that came with a status."""
    return [value for key, value in error.trailing_metadata() or () if key == "grpc-status-details-bin"]
