"""A server is lost that could not save for a while what was heard of its answer: the client's word counts."""

import asyncio

import pytest

from voice_grpc.core import responses as o
from voice_grpc.core.requests import ComeBack
from voice_grpc.ports import SavedSession
from voice_grpc.session.memory import LOOK_SECONDS

from ..harness import scripted, virtual
from .lost_lines import served
from .test_resume import words
from .test_server_lost import ASKED, STORY, KilledStore


async def heard_of(at: float, unsaved: float) -> str:
    """What the next server says was heard. The client was on the line for `at` seconds, and says how far it
    played; the server before saved nothing in the last `unsaved` of them."""
    store = KilledStore()
    async with served(scripted(answers=[STORY]), store) as server:
        call = server.call(ASKED)
        await asyncio.sleep(at - unsaved)
        store.is_dead = True
        await asyncio.sleep(unsaved)
        await call.lost_after(0.0)
        await server.leave()
    store.is_dead = False
    back = ComeBack("token", 1, round(24_000 * (at - 0.2)))
    async with served(scripted(), store, come_back=back) as server:
        after = await server.call([(20.0, None)], back).over()
    (cut,) = after.all(o.Interrupted)
    assert f"{cut.heard_text} {words(2, after)}" == STORY
    return cut.heard_text


@pytest.mark.parametrize("at", [1.7, 2.2, 2.7, 3.2, 3.7, 4.2, 4.7, 5.2])
def test_what_the_client_heard_since_is_not_said_again(at: float) -> None:
    assert virtual(heard_of(at, LOOK_SECONDS)) == virtual(heard_of(at, 0.0))


def test_each_clause_is_in_the_store_once_its_sound_leaves() -> None:
    class WatchedStore(KilledStore):
        def __init__(self) -> None:
            super().__init__()
            self.saves: list[SavedSession] = []

        async def save(self, session: SavedSession, epoch: int) -> None:
            await super().save(session, epoch)
            self.saves.append(session)

    async def talk() -> None:
        store = WatchedStore()
        async with served(scripted(answers=[STORY]), store) as server:
            call = server.call(ASKED)
            for _ in range(60):
                await asyncio.sleep(0.1)
                under_way = store.saves[-1].unfinished
                assert under_way is not None
                assert under_way.answer is not None
                told = [m for m in call.client.all(o.ResponseText) if m.delta]
                assert under_way.answer.shown == len(told)

    virtual(talk())
