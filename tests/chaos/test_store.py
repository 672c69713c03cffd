"""The store is killed under two servers and their conversations, for ten seconds and for good."""

import asyncio
import random
import signal
from contextlib import suppress
from pathlib import Path

import grpc
import grpc.aio
import pytest

from tests.chaos import killers, words
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.person import Person
from tests.chaos.test_kills import assert_whole, people
from tests.valkey import needs_valkey, valkey
from voice_grpc.client import Call, CallFailed, LineEvent, Restarted
from voice_grpc.pb import voice_pb2 as pb

pytestmark = [needs_valkey, pytest.mark.timeout(300)]

AWAY_S = 10.0
WRITTEN_WITHIN = 20.0
"""Seconds from the store's return until what was missed is there."""


async def lose_the_store(there: Cluster, person: Person) -> None:
    """In the midst of an answer; nobody can begin a conversation then, or take one over."""
    await killers.reached(person, killers.Moment.SPEAKING, random.Random(2))
    there.store.kill()
    for session_id in ("", person.name):
        with pytest.raises(CallFailed) as refused:
            await _opened(there, session_id)
        assert refused.value.code is grpc.StatusCode.UNAVAILABLE
        assert refused.value.details.retry_after is not None


async def _opened(there: Cluster, session_id: str) -> None:
    target = f"127.0.0.1:{there.servers[0].port}"
    async with Call.open(target, pb.SessionConfig(session_id=session_id, greeting="")):
        pass


def assert_went_on(person: Person) -> None:
    """From memory: each word was heard, and the store's loss was told. That no sample is later for it is
    asked on virtual time (`tests/session/test_memory.py`)."""
    person.assert_heard_all()
    assert "STORE_ERROR" in person.notices
    assert person.line == []


async def test_a_store_that_was_lost_and_is_back_has_every_word(tmp_path: Path) -> None:
    """It comes back empty: who holds a conversation gives it all of it again."""
    async with cluster(tmp_path) as there:
        (person,) = people(1, 3)
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(person.talk(f"127.0.0.1:{there.envoy.plain}"), name=person.name)
            await lose_the_store(there, person)
            back_at = loop.time() + AWAY_S
            await person.until(lambda: loop.time() >= back_at)
            assert person.answered < len(person.questions)
            with valkey(tmp_path, port=there.store.port):
                await person.until(lambda: person.answered == len(person.questions))
                await _written(there, person)
                await assert_whole(there, person)
        assert_went_on(person)


async def _written(there: Cluster, person: Person) -> None:
    """Until the history has as many words as there are."""
    async with asyncio.timeout(WRITTEN_WITHIN):
        while True:
            with suppress(grpc.aio.AioRpcError):
                told = (await there.history(person.name)).messages
                heard = [m.text for m in told if m.role == pb.SessionMessage.ROLE_ASSISTANT]
                if len(words.read(" ".join(heard))) >= len(person.expected):
                    return
            await asyncio.sleep(0.1)


async def test_a_store_that_is_dead_for_good(tmp_path: Path) -> None:
    """Who talks talks on. Servers that start later have an empty one, and whoever comes back to them begins
    anew."""
    async with cluster(tmp_path) as there:
        everybody, told = people(2, 2), list[LineEvent]()
        target = f"127.0.0.1:{there.envoy.plain}"
        async with Call.open(target, pb.SessionConfig(greeting=""), on_line=told.append) as stays:
            await _said(stays, "before")
            async with asyncio.TaskGroup() as tasks:
                for person in everybody:
                    tasks.create_task(person.talk(target), name=person.name)
                await lose_the_store(there, everybody[0])
            for person in everybody:
                assert person.answered == len(person.questions)
                assert_went_on(person)
            for server in there.servers:
                await server.end(signal.SIGKILL)
            with valkey(tmp_path, port=there.store.port):
                for server in there.servers:
                    await server.start()
                await _said(stays, "after")
                assert any(isinstance(event, Restarted) for event in told)
                (later,) = people(1, 2)
                later.name = "later"
                await later.talk(target)
                await assert_whole(there, later)
                with pytest.raises(grpc.aio.AioRpcError) as unknown:
                    await there.history(everybody[0].name)
                assert unknown.value.code() is grpc.StatusCode.NOT_FOUND


async def _said(call: Call, text: str) -> None:
    """And answered, in whichever conversation it is."""
    await call.send(pb.TextInput(text=f"{text} {' '.join(words.question(7))}", text_only=True))
    async for response in call:
        if response.turn_event.state == pb.TurnEvent.STATE_COMPLETED:
            return
    raise AssertionError("it ended")
