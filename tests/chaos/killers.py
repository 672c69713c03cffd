"""Who kills what, and when: while somebody speaks, waits for an answer, or hears one."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from enum import Enum

from tests.chaos.cluster import Cluster
from tests.chaos.person import Person
from tests.chaos.words import USER_WORD_S


class Moment(Enum):
    """Of a turn."""

    LISTENING = "the user is in the midst of a question"
    THINKING = "the question was said, and no answer has come"
    SPEAKING = "the user is in the midst of an answer"


WITHIN = 60.0
"""Seconds until such a moment."""


async def reached(person: Person, moment: Moment, rng: random.Random) -> None:
    """Waits for the next such moment of this person, and for some time in it."""
    async with asyncio.timeout(WITHIN):
        match moment:
            case Moment.LISTENING:
                await person.until(lambda: person.is_speaking)
                await asyncio.sleep(rng.uniform(0.2, 2.0) * USER_WORD_S)
            case Moment.THINKING:
                await person.until(lambda: person.is_waiting)
                await asyncio.sleep(rng.uniform(0.0, 0.3))
            case Moment.SPEAKING:
                await person.until(lambda: person.is_hearing)
                await asyncio.sleep(rng.uniform(0.3, 3.0))


async def kill_all_round(
    cluster: Cluster,
    person: Person,
    times: int,
    rng: random.Random,
    how: Callable[[Cluster, int], Awaitable[None]],
) -> None:
    """`times`, at each kind of moment in turn; `how` is given which server: each in turn too, so that one is
    always there."""
    moments = list(Moment)
    for number in range(times):
        await reached(person, moments[number % len(moments)], rng)
        await how(cluster, number % len(cluster.servers))


async def kill(cluster: Cluster, number: int) -> None:
    await cluster.restart(cluster.servers[number])


async def roll(cluster: Cluster, number: int) -> None:
    """As a rolling restart does: it drains, and another takes its place."""
    await cluster.restart(cluster.servers[number], signal.SIGTERM)


async def freeze(cluster: Cluster, number: int) -> None:
    """It stands still, and comes back as somebody who still thinks that it holds its conversations."""
    cluster.servers[number].freeze()
    await asyncio.sleep(FROZEN_S)
    cluster.servers[number].thaw()


FROZEN_S = 6.0
"""Longer than an Envoy waits for an answer to whether a server is well."""
