"""`make fuzz`: a hundred thousand inputs that strangers could send, while two canaries ask by voice.

    python -m tests.abuse.fuzz [--count N] [--kind KIND] [--seed N]

Nothing that is sent is a bug of ours in a status, a close code or a log, nothing stays open, and the canaries
are answered all the while. Inputs come in rounds, each of a seed of its own: what fails is printed with the
`--kind` and `--seed` that make it again. Exit code 1: something failed.
"""

import argparse
import asyncio
import sys
import time
import warnings
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded
from hypothesis.strategies import SearchStrategy

from .attacked import Attacked, attacked_processes
from .attacks import Outcome, Strangers
from .canary import Canary, canaries
from .inputs.calls import calls
from .inputs.frames import sockets
from .inputs.offers import offers
from .inputs.pages import pages
from .inputs.requests import raw_requests

SUMMARY = (__doc__ or "").partition("\n")[0]

RANDOM_IN_STRATEGIES = "Do not use the `random` module inside strategies"
"""A warning of hypothesis: what it sees is the loop's thread, which sends meanwhile."""

EXAMPLES = 100
"""Of a round: few enough to be made again, and enough for hypothesis to vary."""

EMPTY_WITHIN = 30.0
"""Seconds after which nothing that was sent is still open."""

MOST_FAILURES = 10
"""After so many there is nothing more to be learned."""

MOST_SHOWN = 4_000
"""Characters of an input that failed."""


@dataclass(frozen=True, slots=True)
class InputKind:
    share: float
    """Of all inputs."""
    inputs: SearchStrategy[Any]
    send: Callable[[Strangers, Any], Awaitable[Outcome]]


KINDS: Mapping[str, InputKind] = {
    "grpc": InputKind(0.6, calls(), Strangers.call),
    "websocket": InputKind(0.25, sockets(), Strangers.socket),
    "sdp": InputKind(0.02, offers, Strangers.offer),
    "ogg": InputKind(0.05, pages, Strangers.pages),
    "http": InputKind(0.08, raw_requests, Strangers.request),
}


@dataclass
class KindResult:
    """What became of the inputs of one kind."""

    kind: str
    sent: int = 0
    refused: int = 0
    seconds: float = 0.0
    failures: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        row = (self.kind, self.sent, self.refused, f"{self.seconds:.1f}", len(self.failures))
        return f"| {' | '.join(map(str, row))} |"


HEADER = "| kind | inputs | refused cleanly | seconds | failed |\n|---|---|---|---|---|"


@dataclass(frozen=True, slots=True)
class Fuzz:
    where: Attacked
    strangers: Strangers

    async def run(self, kind: str, count: int, seed: int, examples: int = EXAMPLES) -> KindResult:
        """Whole rounds, until `count` inputs were sent or enough have failed."""
        result, start = KindResult(kind), time.perf_counter()
        while result.sent < count and len(result.failures) < MOST_FAILURES:
            await self._round(result, seed, examples)
            seed += 1
        result.seconds = time.perf_counter() - start
        return result

    async def _round(self, result: KindResult, seed: int, examples: int) -> None:
        """Hypothesis makes the inputs in a thread of its own; they are sent here."""
        loop, sending = asyncio.get_running_loop(), KINDS[result.kind]

        @seeded(seed)
        @settings(
            max_examples=examples,
            database=None,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(sending.inputs)
        def send_each(each: object) -> None:
            asyncio.run_coroutine_threadsafe(self._send(result, seed, each), loop).result()

        await asyncio.to_thread(send_each)

    async def _send(self, result: KindResult, seed: int, each: object) -> None:
        outcome = await KINDS[result.kind].send(self.strangers, each)
        result.sent += outcome.sent
        result.refused += outcome.refused
        logged = self.where.wrong()
        if outcome.wrong or logged:
            again = f"--kind {result.kind} --seed {seed} --count 1"
            what = outcome.wrong or "in the log, of this input or of one shortly before"
            shown = repr(each)[:MOST_SHOWN]
            result.failures.append("\n    ".join([f"{again}: {what}", shown, *logged]))


@dataclass(frozen=True, slots=True)
class FuzzReport:
    kinds: Sequence[KindResult]
    singing: Sequence[Canary]
    left: Sequence[str]
    """What is still there that was not before, and what the logs told at last."""

    @property
    def failures(self) -> list[str]:
        of_inputs = [failure for kind in self.kinds for failure in kind.failures]
        return [*of_inputs, *(str(canary) for canary in self.singing if canary.harm), *self.left]


async def attack(
    where: Attacked, counts: Mapping[str, int], seed: int, examples: int = EXAMPLES
) -> FuzzReport:
    """`counts` by kind. Told on the way, kind by kind."""
    strangers = Strangers(where)
    tasks = {name: (await process.cost()).tasks for name, process in where.processes.items()}
    try:
        async with canaries(where, "grpc", "proto") as singing:
            fuzz = Fuzz(where, strangers)
            results = []
            for kind, count in counts.items():
                results.append(await fuzz.run(kind, count, seed, examples))
                _say(str(results[-1]))
    finally:
        await strangers.close()
    return FuzzReport(results, singing, await _left(where, tasks))


async def _left(where: Attacked, tasks: Mapping[str, float]) -> list[str]:
    names = ("sessions of the server", "streams of the server", "conversations of the gateway")
    open_still = await where.until_empty(EMPTY_WITHIN)
    left = [f"{count} {name} are still open" for name, count in zip(names, open_still, strict=True) if count]
    for name, process in where.processes.items():
        cost = await process.cost()
        if cost.tasks > tasks[name]:
            left.append(f"{name}: {cost.tasks:g} tasks, {tasks[name]:g} before")
    if logged := where.wrong():
        left.append("\n    ".join(["in the log, at last:", *logged]))
    return left


def counts_of(count: int, kinds: Sequence[str]) -> dict[str, int]:
    """`count` inputs, as the shares of these kinds have it; none named: all."""
    chosen = {name: kind.share for name, kind in KINDS.items() if name in (kinds or KINDS)}
    return {name: max(1, round(count * share / sum(chosen.values()))) for name, share in chosen.items()}


def main(arguments: Sequence[str]) -> int:
    warnings.filterwarnings("ignore", RANDOM_IN_STRATEGIES)
    parser = argparse.ArgumentParser(prog="python -m tests.abuse.fuzz", description=SUMMARY)
    parser.add_argument("--count", type=int, default=100_000, help="inputs, whole rounds (%(default)s)")
    parser.add_argument("--kind", action="append", default=[], choices=list(KINDS), help="of inputs (all)")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (%(default)s)")
    asked = parser.parse_args(arguments)
    counts = counts_of(asked.count, asked.kind)
    with attacked_processes() as where:
        _say(HEADER)
        report = asyncio.run(attack(where, counts, asked.seed))
    for canary in report.singing:
        _say(str(canary))
    for failure in report.failures:
        _say(f"FAILED {failure}")
    return int(bool(report.failures))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
