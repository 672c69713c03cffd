"""`make chaos`: how long is it from the death of a server, or of a line, to the next word?

    python -m tests.chaos [--kills N] [--cuts SECONDS ...]

Four people talk to two servers on one Valkey behind one Envoy, and a fifth whose client does not report what
it played; every word is counted. Exit code 1: one was lost, or said twice (to the fifth: more than a second
of them).
"""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from tests.chaos import killers, words
from tests.chaos.cluster import Cluster, cluster
from tests.chaos.person import Person
from tests.chaos.relay import relay

PEOPLE = 4
KILL_EVERY = 12.0
"""Seconds: a server that was killed has to be back before the other one is."""
HEARD_WITHIN = 60.0


class Waits:
    """Seconds from each kill to the first sound that had not come by then."""

    def __init__(self) -> None:
        self.found: list[float] = []

    async def measure(self, person: Person) -> None:
        """From now on, of who is in the midst of an answer. Not of one whose server lives, and not where the
        last sound had come already: the next is of the next question."""
        loop = asyncio.get_running_loop()
        start, received = loop.time(), person.speaker.received
        events, asked = len(person.line), person.asked
        async with asyncio.timeout(HEARD_WITHIN):
            await person.until(lambda: person.speaker.total > received)
        if len(person.line) > events and person.asked == asked:
            self.found.append(loop.time() - start)


async def killed(there: Cluster, kills: int) -> tuple[dict[bool, Waits], list[Person]]:
    """Waits of those whose clients report, and of those whose do not."""
    waits, rng = {reports: Waits() for reports in (True, False)}, random.Random(1)
    questions = round(kills * (KILL_EVERY + killers.WITHIN) / (words.ANSWER_WORDS * words.VOICE_WORD_S))
    everybody = [
        Person(f"person-{n}", list(range(1000 * n, 1000 * n + questions)), reports=n < PEOPLE)
        for n in range(PEOPLE + 1)
    ]
    async with asyncio.TaskGroup() as tasks:
        for person in everybody:
            tasks.create_task(person.talk(f"127.0.0.1:{there.envoy.plain}"), name=person.name)
        for number in range(kills):
            await killers.reached(everybody[number % PEOPLE], killers.Moment.SPEAKING, rng)
            hearing = [person for person in everybody if person.is_hearing]
            for person in hearing:
                tasks.create_task(waits[person.reports].measure(person), name=f"{person.name} waits")
            due = asyncio.get_running_loop().time() + KILL_EVERY
            await killers.kill(there, number % 2)
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        for person in everybody:
            person.has_enough = True
    return waits, everybody


async def cut(there: Cluster, seconds: float) -> tuple[float, Person]:
    """From the moment when the line is back to the next word."""
    person = Person(f"cut-{seconds:g}", [9000 + round(seconds)], patience=seconds + HEARD_WITHIN)
    async with relay(there.envoy.plain) as line, asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(person.talk(f"127.0.0.1:{line.port}"), name=person.name)
        await killers.reached(person, killers.Moment.SPEAKING, random.Random(round(seconds)))
        await line.cut(seconds)
        start, received = asyncio.get_running_loop().time(), person.speaker.received
        async with asyncio.timeout(HEARD_WITHIN):
            await person.until(lambda: person.speaker.total > received or not person.line_is_same)
        took = asyncio.get_running_loop().time() - start
        if not person.line_is_same:
            talking.cancel()
    return took, person


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def run(kills: int, cuts: list[float]) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        async with cluster(Path(folder)) as there:
            waits, everybody = await killed(there, kills)
            say("| what dies | times | next word after, P50 ms | P95 | most | people who missed a word |")
            say("|---|---|---|---|---|---|")
            for reports, of in waits.items():
                found = 1000 * np.array(of.found or [np.nan])
                quantiles = " | ".join(
                    f"{value:.0f}" for value in (*np.percentile(found, (50, 95)), found.max())
                )
                missed = sum(not each.has_heard_all for each in everybody if each.reports is reports)
                failed += missed
                who = "" if reports else ", to a client that reports nothing"
                say(
                    f"| a server, by kill -9, in mid-answer{who} | {len(of.found)} | {quantiles} | {missed} |"
                )
            for seconds in cuts:
                took, person = await cut(there, seconds)
                how = "the same conversation" if person.line_is_same else "a new conversation"
                missed = int(person.line_is_same and not person.has_heard_all)
                failed += missed
                say(f"| the line, for {seconds:g} s: {how} | 1 | {1000 * took:.0f} | | | {missed} |")
    return int(failed > 0)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--kills", type=int, default=20, help="of servers (%(default)s)")
    parser.add_argument("--cuts", type=float, nargs="*", default=[10.0, 130.0], help="seconds (10 130)")
    given = parser.parse_args()
    return asyncio.run(run(given.kills, given.cuts))


if __name__ == "__main__":
    sys.exit(main())
