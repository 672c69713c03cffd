"""`make soak`: thirty people for ten minutes, who ask, murmur, interrupt, vanish and come back.

    python -m tests.abuse.soak [--seconds N] [--people N]

Everybody is answered each time, what server and gateway hold does not grow, and when all have left it is what
it was before they came. Exit code 1: not so.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from .attacked import Attacked, Cost, attacked_processes
from .canary import canaries
from .person import Person
from .slopes import HEADER, Slope, slopes

SUMMARY = (__doc__ or "").partition("\n")[0]

PEOPLE = 30
WAYS = (*("grpc",) * 10, *("proto",) * 2, *("json",) * 2, "webrtc")
"""In turn: of thirty, twenty by gRPC, eight by WebSocket, two by WebRTC."""

SAMPLES = 300
"""Of what the processes hold, and no more often than twice a second."""

LEFT_WITHIN = 60.0
"""Seconds for everything to be as it was: a browser by WebRTC that is gone is noticed after 16."""

SPARE_DESCRIPTORS = 4
"""More than before: gRPC keeps what it opened for a while."""


@dataclass
class Soak:
    """One run."""

    where: Attacked
    people: list[Person]
    before: dict[str, Cost] = field(default_factory=dict)
    """By process: what it held when it had been used once in each way."""
    after: dict[str, Cost] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    """What is still there that was not before, and what the logs say."""

    async def run(self, is_enough: Callable[[Person, float], bool], every: float) -> None:
        """Until it is enough for each of them, by the seconds that have passed. `every`: seconds between two
        samples."""
        async with canaries(self.where, *dict.fromkeys(person.way for person in self.people)):
            pass
        await self.where.until_empty(LEFT_WITHIN)
        self.before = await self._look()
        loop = asyncio.get_running_loop()
        start = loop.time()
        async with asyncio.TaskGroup() as watching:
            sampling = watching.create_task(self._sample(every), name="sample")
            async with asyncio.TaskGroup() as living:
                for person in self.people:
                    enough = partial(lambda each: is_enough(each, loop.time() - start), person)
                    life = living.create_task(person.live(self.where, enough), name=f"person-{person.number}")
                    life.add_done_callback(lambda _: sampling.cancel())  # the first who leaves for good
        await self._look_after()

    async def _look(self) -> dict[str, Cost]:
        return {name: await process.cost() for name, process in self.where.processes.items()}

    async def _sample(self, every: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            for name, cost in (await self._look()).items():
                self.costs.setdefault(name, []).append(cost)
            self.times.append(loop.time())
            await asyncio.sleep(every)

    async def _look_after(self) -> None:
        open_still = await self.where.until_empty(LEFT_WITHIN)
        if any(open_still):
            self.left.append(f"sessions, streams and conversations still open: {open_still}")
        loop = asyncio.get_running_loop()
        end = loop.time() + LEFT_WITHIN
        while (grown := self._grown(await self._look())) and loop.time() < end:  # noqa: ASYNC110 - elsewhere
            await asyncio.sleep(1.0)
        self.left += grown
        self.left += self.where.wrong()

    def _grown(self, after: dict[str, Cost]) -> list[str]:
        self.after = after
        grown = []
        for name, cost in after.items():
            before = self.before[name]
            if cost.tasks > before.tasks:
                names = self.where.processes[name].task_names
                grown.append(f"{name}: {cost.tasks:g} tasks, {before.tasks:g} before; now {names}")
            if cost.descriptors > before.descriptors + SPARE_DESCRIPTORS:
                grown.append(f"{name}: {cost.descriptors:g} descriptors, {before.descriptors:g} before")
        return grown

    def slopes(self) -> dict[str, list[Slope]]:
        """By process."""
        return {name: slopes(self.times[: len(costs)], costs) for name, costs in self.costs.items()}

    @property
    def failures(self) -> list[str]:
        beyond = [
            f"{name}: {slope.quantity} rose by {slope.rise:.1f} within the second half"
            for name, found in self.slopes().items()
            for slope in found
            if slope.is_beyond
        ]
        silent = [f"person {each.number} was never answered" for each in self.people if not each.delays]
        return [*(each for person in self.people for each in person.failures), *silent, *beyond, *self.left]


def people(count: int, ways: Sequence[str] = WAYS, **habits: Any) -> list[Person]:
    """`habits`: as all of them have them; fields of `Person`."""
    return [Person(number, ways[number % len(ways)], **habits) for number in range(count)]


def report(soak: Soak) -> str:
    everybody = soak.people
    delays = 1000 * np.array([delay for person in everybody for delay in person.delays])
    counts = ((p.visits, p.vanished, p.murmurs) for p in everybody)
    visits, vanished, murmurs = (sum(each) for each in zip(*counts, strict=True))
    lines = [HEADER]
    lines += [slope.row(name) for name, found in soak.slopes().items() for slope in found]
    for name, cost in soak.after.items():
        lines.append(f"{name} before: {_shown(soak.before[name])}; when all had left: {_shown(cost)}")
    lines.append(
        f"{len(everybody)} people, {visits} visits, {vanished} ended without a word; {murmurs} murmurs, "
        f"{len(delays)} questions answered, P50 {np.percentile(delays, 50):.0f}, "
        f"P99 {np.percentile(delays, 99):.0f}, worst {delays.max():.0f} ms"
        if len(delays)
        else "nobody was answered"
    )
    return "\n".join([*lines, *(f"FAILED {failure}" for failure in soak.failures)])


def _shown(cost: Cost) -> str:
    figures = f"{cost.tasks:g} tasks, {cost.threads:g} threads, {cost.descriptors:g} descriptors"
    return f"{cost.memory:.0f} MB, {figures}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.abuse.soak", description=SUMMARY)
    parser.add_argument("--seconds", type=float, default=600.0, help="of people coming (%(default)g)")
    parser.add_argument("--people", type=int, default=PEOPLE, help="at once (%(default)s)")
    asked = parser.parse_args(arguments)
    every = max(0.5, asked.seconds / SAMPLES)
    with attacked_processes() as where:
        soak = Soak(where, people(asked.people))
        asyncio.run(soak.run(lambda _, passed: passed > asked.seconds, every))
    sys.stdout.write(report(soak) + "\n")
    return int(bool(soak.failures))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
