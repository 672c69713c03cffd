"""A server is lost before the first turn of a conversation was over: it can be come back to all the same."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.conversation import Role
from voice_grpc.core.requests import ComeBack
from voice_grpc.engines.scripted import Hearing
from voice_grpc.ports import SavedSession

from ..harness import CONFIG, scripted, virtual
from ..microphone import Action, microphone, pause, sound, user
from .lost_lines import Caller, served
from .test_resume import words
from .test_server_lost import ASKED, STORY, KilledStore, history

GREETING = "Good day to you, and welcome to this line."

QUESTION: list[Action] = [
    (at, replace(item, seq=n))  # type: ignore[type-var]
    for n, (at, item) in enumerate(microphone(sound(user(4.48), pause(4.0))), 1)
]


async def killed(
    at: float, store: KilledStore, actions: Sequence[Action], config: SessionConfig = CONFIG
) -> Caller:
    """The caller of a server that is gone before it could know that its line is lost."""
    async with served(scripted(), store, config) as server:
        call = server.call(actions)
        await asyncio.sleep(at)
        store.is_dead = True
        await call.lost_after(0.0)
        await server.leave()
    store.is_dead = False
    return call.client


@pytest.mark.parametrize("at", [0.1, 1.5, 4.0])
def test_the_first_question_is_answered_by_the_next_server(at: float) -> None:
    async def talk() -> None:
        store = KilledStore()
        await killed(at, store, [each for each in QUESTION if each[0] < at])
        heard = scripted([Hearing("tell me a story")], [STORY])
        async with served(heard, store, come_back=ComeBack("token")) as server:
            after = await server.call([*QUESTION, (30.0, None)]).over()
            started = after.all(o.SessionStarted)[0]
            assert started.is_resumed
            assert started.last_consumed <= 1
            assert words(1, after) == STORY
        said = [(message.role, message.text) for message in await history(store)]
        assert said == [(Role.USER, "tell me a story"), (Role.ASSISTANT, STORY)]

    virtual(talk())


@pytest.mark.parametrize("at", [0.01, 1.0])
def test_a_greeting_is_said_to_its_end_by_the_next_server(at: float) -> None:
    config = replace(CONFIG, greeting=GREETING)

    async def talk() -> None:
        store = KilledStore()
        before = await killed(at, store, [], config)
        async with served(scripted(), store, config, ComeBack("token")) as server:
            after = await server.call([(20.0, None)]).over()
            assert after.all(o.SessionStarted)[0].is_resumed
            cut = "".join(message.heard_text for message in after.all(o.Interrupted))
            turns = sorted({message.turn for message in after.all(o.ResponseText)})
            assert " ".join(filter(None, [cut, *(words(turn, after) for turn in turns)])) == GREETING
        assert before.all(o.ResumeUpdate)
        assert " ".join(message.text for message in await history(store)) == GREETING

    virtual(talk())


def test_the_numbers_of_another_stream_do_not_count() -> None:
    """Opened by its id, the conversation has requests that are counted anew."""

    async def talk() -> None:
        store = KilledStore()
        async with served(scripted(), store) as server:
            await server.call([(0.5, i.TextInput("hello", seq=500)), (9.0, None)]).over()
        before = await killed(1.0, store, [(0.1, i.Ping(1, seq=1))])
        assert [told.last_consumed for told in before.all(o.ResumeUpdate)] == [0]
        async with served(scripted(answers=["Once."]), store, come_back=ComeBack("token")) as server:
            asked = i.TextInput("a story", seq=2)
            after = await server.call([(0.1, asked), (9.0, None)]).over()
            assert after.all(o.SessionStarted)[0].last_consumed <= 1
            assert words(2, after) == "Once."

    virtual(talk())


def test_what_was_deleted_does_not_come_back() -> None:
    async def talk() -> None:
        store = KilledStore()
        await killed(1.0, store, [])
        assert await store.delete("talk")
        async with served(scripted(), store, come_back=ComeBack("token")) as server:
            after = await server.call([(1.0, None)]).over()
            assert not after.all(o.SessionStarted)[0].is_resumed
            assert await history(store) == ()

    virtual(talk())


class SlowStore(KilledStore):
    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def save(self, session: SavedSession, epoch: int) -> None:
        await asyncio.sleep(self.seconds)
        await super().save(session, epoch)

    async def epoch(self, session_id: str) -> int:
        await asyncio.sleep(self.seconds)
        return await super().epoch(session_id)


def test_a_slow_store_delays_no_sample() -> None:
    async def told(seconds: float) -> list[tuple[float, o.ConverseResponse]]:
        config = replace(CONFIG, greeting=GREETING)
        async with served(scripted(answers=[STORY]), SlowStore(seconds), config) as server:
            caller: Caller = await server.call([(5.0, ASKED[0][1]), (30.0, None)]).over()
            return [(at, each) for at, each in caller.said if not isinstance(each, o.ResumeUpdate)]

    at_once = virtual(told(0.0))
    assert len([each for _, each in at_once if isinstance(each, o.AudioOutput)]) > 50
    assert virtual(told(3.0)) == at_once
    assert virtual(told(1e6)) == at_once
