"""Servers and lines are killed in the midst of conversations: words and history stay whole.

Of two servers each is killed in turn, so that one is always there.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.chaos import killers, words
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.person import ANSWERED_WITHIN, Person
from tests.chaos.relay import relay
from tests.valkey import needs_valkey
from voice_grpc.client.resumable_stream import Restarted, Resumed
from voice_grpc.pb import voice_pb2 as pb

pytestmark = [needs_valkey, pytest.mark.timeout(900)]

MOST_QUESTIONS = 60
"""Of somebody who asks until the killing is over, however long servers take to be back."""

How = Callable[[Cluster, int], Awaitable[None]]


def people(count: int, questions: int = 5, *, reports: bool = True) -> list[Person]:
    names = "person" if reports else "silent"
    return [
        Person(f"{names}-{n}", list(range(100 * n, 100 * n + questions)), reports=reports)
        for n in range(count)
    ]


async def all_talk(there: Cluster, everybody: list[Person], killing: Awaitable[None] | None = None) -> None:
    async with asyncio.TaskGroup() as tasks:
        for person in everybody:
            tasks.create_task(person.talk(f"127.0.0.1:{there.envoy.plain}"), name=person.name)
        if killing is not None:
            await killing
            for person in everybody:
                person.has_enough = True


async def words_asked(there: Cluster, person: Person) -> list[str]:
    """The user's, in the history."""
    told = await there.history(person.name)
    texts = [each.text for each in told.messages if each.role == pb.SessionMessage.ROLE_USER]
    return [word for text in texts for word in words.read(text)]


async def assert_whole(there: Cluster, person: Person) -> None:
    """Each word was heard, and is in the history once, in its order."""
    person.assert_heard_all()
    told = await there.history(person.name)
    said = [(each.role, words.read(each.text)) for each in told.messages]
    asked = [word for role, text in said if role == pb.SessionMessage.ROLE_USER for word in text]
    answered = [word for role, text in said if role == pb.SessionMessage.ROLE_ASSISTANT for word in text]
    assert asked == [word for question in person.questions[: person.asked] for word in question]
    assert answered == list(person.expected)


@pytest.mark.parametrize("how", [killers.kill, killers.roll, killers.freeze])
async def test_servers_that_go_lose_no_word(tmp_path: Path, how: How) -> None:
    """Nor does one whose client reports nothing: it hears up to a second of words again."""
    async with cluster(tmp_path) as there:
        everybody = [*people(3, MOST_QUESTIONS), *people(1, MOST_QUESTIONS, reports=False)]
        killing = killers.kill_all_round(there, everybody[0], 5, random.Random(1), how)
        await all_talk(there, everybody, killing)
        for person in everybody:
            await assert_whole(there, person)


@pytest.mark.parametrize(
    ("seconds", "moments"),
    [(1.0, list(killers.Moment)), (3.0, [killers.Moment.THINKING, killers.Moment.SPEAKING])],
)
async def test_a_line_that_is_dead_for_some_seconds_costs_no_word(
    tmp_path: Path, seconds: float, moments: list[killers.Moment]
) -> None:
    async with cluster(tmp_path) as there, relay(there.envoy.plain) as line:
        (person,) = people(1, 3)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(person.talk(f"127.0.0.1:{line.port}"), name=person.name)
            for moment in moments:
                await killers.reached(person, moment, random.Random(3))
                await line.cut(seconds)
        await assert_whole(there, person)
        assert any(isinstance(each, Resumed) for each in person.line)


async def test_a_line_that_is_dead_for_three_seconds_of_a_question_doubles_no_word(tmp_path: Path) -> None:
    """The server takes the microphone to be gone, and what was said until then to be a turn: the rest is
    another, with what was cut of the word at its border."""
    async with cluster(tmp_path) as there:
        for number, person in enumerate(people(3, 1)):
            async with relay(there.envoy.plain) as line, asyncio.TaskGroup() as tasks:
                talking = tasks.create_task(person.talk(f"127.0.0.1:{line.port}"), name=person.name)
                await killers.reached(person, killers.Moment.LISTENING, random.Random(number))
                await line.cut(3.0)
                asked: list[str] = []
                async with asyncio.timeout(ANSWERED_WITHIN):
                    while person.questions[0][-1] not in asked:
                        await asyncio.sleep(0.1)
                        asked = await words_asked(there, person)
                talking.cancel()
            assert words.is_whole(asked, person.questions[0], again=1), asked
            assert all(before[1] <= after[0] for before, after in pairwise(person.ranges)), person.ranges


async def test_a_line_that_is_dead_for_longer_than_anybody_waits(tmp_path: Path) -> None:
    """What was said and heard before is kept, and a new conversation begins."""
    async with cluster(tmp_path, resume_window=3.0) as there, relay(there.envoy.plain) as line:
        (person,) = people(1, 3)
        async with asyncio.TaskGroup() as tasks:
            talking = tasks.create_task(person.talk(f"127.0.0.1:{line.port}"), name=person.name)
            await killers.reached(person, killers.Moment.SPEAKING, random.Random(4))
            await line.cut(5.0)
            await person.until(lambda: any(isinstance(each, Restarted) for each in person.line))
            talking.cancel()
        question, answer = (await there.history(person.name)).messages[:2]
        assert words.read(question.text) == person.questions[0]
        heard = words.read(answer.text)
        assert heard
        assert heard == words.answer(person.questions[0])[: len(heard)]
