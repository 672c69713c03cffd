"""One conversation and two servers that share a store, as on two machines: only one of them holds it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc
import pytest

from tests.valkey import Valkey, needs_valkey, valkey
from voice_grpc.net.valkey_address import read_valkey_address
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.ports import Lease, SavedSession, Store
from voice_grpc.store import SqliteStore, ValkeyStore

from ..serving import LONG, OK, ConverseCall, Served, assert_told, scripted, serving

Code = grpc.StatusCode
ANN, BOB = (("authorization", "Bearer ann"),), (("authorization", "Bearer bob"),)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Valkey]:
    with valkey(tmp_path) as running:
        yield running


async def two_of(server: Valkey) -> list[Store]:
    return [await ValkeyStore.open(read_valkey_address(server.url)) for _ in range(2)]


@pytest.fixture(params=["sqlite", pytest.param("valkey", marks=needs_valkey)])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[list[Store]]:
    """The store of each server, of one file or of one Valkey."""
    if request.param == "sqlite":
        opened: list[Store] = [await SqliteStore.open(tmp_path / "sessions.db") for _ in range(2)]
    else:
        opened = await two_of(request.getfixturevalue("server"))
    yield opened
    for store in opened:
        await store.close()


@asynccontextmanager
async def serving_all(
    stores: Sequence[Store], answer: str = LONG, tokens: str = ""
) -> AsyncIterator[list[Served]]:
    async with AsyncExitStack() as stack:
        opening = [serving(scripted(answer), store=each, tokens=tokens) for each in stores]
        yield [await stack.enter_async_context(each) for each in opening]


async def typed(talk: ConverseCall, words: str) -> int:
    """Asked and answered in writing; the turn."""
    before = max((r.turn for r in talk.said), default=0)
    await talk.text(words, text_only=True)
    await talk.until(lambda: any(r.turn > before for r in talk.said), "another turn")
    turn = next(r.turn for r in talk.said if r.turn > before)
    assert await talk.over(turn) == pb.TurnEvent.STATE_COMPLETED
    return turn


def questions(saved: SavedSession | None) -> list[str]:
    assert saved is not None
    return [message.text for message in saved.messages if message.role.value == "user"]


async def test_opened_on_another_server_it_goes_on_there_and_the_old_stream_ends(stores: list[Store]) -> None:
    async with serving_all(stores) as (a, b), a.talk() as old, b.talk() as new:
        await old.config(session_id="mine")
        await typed(old, "I am Ada.")
        await old.text("Tell me a lot.")
        await old.until(lambda: len(old.chunks(2)) > 20, "some sound")
        started = await new.config(session_id="mine")
        assert (started.resumed, started.last_turn) == (True, 2)
        how = await old.ended()
        assert_told(how, Code.ABORTED, "SUPERSEDED")
        assert how.message == "superseded"
        assert await typed(new, "And?") == 3
        asked = [message.text for message in b.script.llm.prompts[0].messages]
        assert asked[0] == "I am Ada."
        await new.half_close()
        assert await new.ended() == OK
    assert questions(await stores[0].load("mine")) == ["I am Ada.", "Tell me a lot.", "And?"]


async def test_it_can_be_taken_back(stores: list[Store]) -> None:
    """To and fro, as a client does that is sent elsewhere by each server."""
    async with serving_all(stores) as served, AsyncExitStack() as stack:
        before: ConverseCall | None = None
        for turn in range(1, 5):
            talk = await stack.enter_async_context(served[turn % 2].talk())
            started = await talk.config(session_id="mine")
            assert started.last_turn == turn - 1
            assert await typed(talk, f"question {turn}") == turn
            if before is not None:
                assert_told(await before.ended(), Code.ABORTED, "SUPERSEDED")
            before = talk
    assert questions(await stores[0].load("mine")) == [f"question {turn}" for turn in range(1, 5)]


async def test_deleted_on_another_server_its_stream_ends(stores: list[Store]) -> None:
    async with serving_all(stores) as (a, b), a.talk() as talk:
        await talk.config(session_id="mine")
        await typed(talk, "Hello.")
        await b.stub.DeleteSession(pb.DeleteSessionRequest(session_id="mine"))
        assert_told(await talk.ended(), Code.ABORTED, "SUPERSEDED")
    assert await stores[1].load("mine") is None


async def test_nobody_takes_what_is_somebody_else_s(stores: list[Store]) -> None:
    """Not even before it was saved for the first time; and its stream goes on."""
    async with serving_all(stores, tokens="ann,bob") as (a, b), a.talk(ANN) as hers, b.talk(BOB) as his:
        await hers.config(session_id="mine")
        await his.send(pb.ConverseRequest(config=pb.SessionConfig(session_id="mine")))
        assert_told(await his.ended(), Code.PERMISSION_DENIED, "FORBIDDEN")
        await typed(hers, "Am I still here?")
        await hers.half_close()
        assert await hers.ended() == OK


class LateStore:
    """What is to be saved in `inner` waits for `may_save`, as on a machine that is nearly dead."""

    is_shared = True

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.may_save, self.asked = asyncio.Event(), asyncio.Event()

    async def load(self, session_id: str) -> SavedSession | None:
        return await self._inner.load(session_id)

    async def take(self, session_id: str, owner: str) -> Lease | None:
        return await self._inner.take(session_id, owner)

    async def epoch(self, session_id: str) -> int:
        return await self._inner.epoch(session_id)

    async def save(self, session: SavedSession, epoch: int) -> None:
        self.asked.set()
        await self.may_save.wait()
        await self._inner.save(session, epoch)

    async def sessions(
        self, owner: str | None, limit: int, after: tuple[float, str] | None
    ) -> Sequence[SavedSession]:
        return await self._inner.sessions(owner, limit, after)

    async def delete(self, session_id: str) -> bool:
        return await self._inner.delete(session_id)

    async def close(self) -> None:
        await self._inner.close()


async def test_a_save_that_comes_late_changes_nothing(stores: list[Store]) -> None:
    """Begun before the other server took the conversation, and there after that one has saved."""
    late = LateStore(stores[0])
    async with serving_all([late, stores[1]]) as (a, b), a.talk() as old, b.talk() as new:
        await old.config(session_id="mine")
        await old.text("Too late.", text_only=True)
        await late.asked.wait()
        await new.config(session_id="mine")
        await typed(new, "In time.")
        await new.half_close()
        assert await new.ended() == OK
        kept = await stores[1].load("mine")
        late.may_save.set()
        assert_told(await old.ended(), Code.ABORTED, "SUPERSEDED")
    assert await stores[1].load("mine") == kept
    assert questions(kept) == ["In time."]


@needs_valkey
async def test_while_the_store_is_dead_its_holder_goes_on_and_nobody_takes_it_over(
    server: Valkey, tmp_path: Path
) -> None:
    stores = await two_of(server)
    async with serving_all(stores) as (a, b), a.talk() as talk, a.talk() as again, b.talk() as other:
        await talk.config(session_id="mine")
        await typed(talk, "Hello.")
        server.kill()
        for refused in (again, other):
            await refused.send(pb.ConverseRequest(config=pb.SessionConfig(session_id="mine")))
            how = await refused.ended()
            assert_told(how, Code.UNAVAILABLE, "STORE_ERROR")
            assert how.retry_after
            assert f"redis://127.0.0.1:{server.port} cannot be reached" in how.message
        await typed(talk, "Are you there?")
        await talk.notice("STORE_ERROR")
        with valkey(tmp_path, port=server.port):  # it kept nothing, and gets all of it from who holds it
            await typed(talk, "Is it back?")
            while questions_or_none(await stores[1].load("mine")) != [
                "Hello.",
                "Are you there?",
                "Is it back?",
            ]:
                await talk.until(lambda: True)
            async with b.talk() as new:
                started = await new.config(session_id="mine")
                assert (started.resumed, started.last_turn) == (True, 3)
                assert_told(await talk.ended(), Code.ABORTED, "SUPERSEDED")
        assert [notice.reason for notice in talk.notices] == ["STORE_ERROR"]
    for store in stores:
        await store.close()


def questions_or_none(saved: SavedSession | None) -> list[str] | None:
    return None if saved is None else questions(saved)
