"""All cases with all variants, interleaved: each case is said to one variant after the other.

One session at a time, each of its own, so that no history grows and no two compute at once, unless more
talkers are asked for, who say as many cases at once; the first one with each server warms it and is not
counted. Sessions are short: they end with the answer's first sound.
"""

import asyncio
import os
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import numpy as np

from ...client import connect
from ..servers import CpuSeconds, cpu_of_all, started
from .curve import MAX_LATENESS, MAX_OTHERS, PlayedCase, VariantFigures, judged, summed_up, table
from .material import PAUSES, TurnCase, boundary, cut, recordings, whole
from .player import play
from .sentences import SENTENCES
from .speakers import Renderer, WordAligner, speakers
from .variants import EVIDENCE_TAKEN, TurnVariant

CASES = 5
"""Whole sentences, and as many that are cut: one of each pause. With all variants some five minutes."""

ATTEMPTS = 3
"""How often a case is said in which the generator was late."""

SETTLE_SECONDS = 0.3
"""Between two sessions: what the server still computes for the one is not the other's."""

FEWEST_WORDS = 6
"""Of a sentence that is cut."""


@dataclass(frozen=True, slots=True)
class TurnsPlan:
    variants: Sequence[TurnVariant]
    cases: int | None = CASES
    """Sentences that are said whole, and as many that are cut; None: all there are."""
    pauses: Sequence[float] = PAUSES
    """Seconds for which cut sentences are held, in turn; of `material.PAUSES`."""
    recordings: Path | None = None
    """A folder with `manifest.json`: each of them is said as well, with the pauses that it has."""
    talkers: int = 1
    """Cases that are said at once."""


def prepared(plan: TurnsPlan, seed: int = 1) -> list[TurnCase]:
    """The same for the same plan: whole sentences and cut ones in turn, recordings last. Blocks, for seconds.

    Raises `EngineMissing` without the embedded models, and what `recordings` raises.
    """
    renderer, aligner, voices = Renderer(), WordAligner(), speakers()
    longer = [text for text in SENTENCES if len(text.split()) >= FEWEST_WORDS]
    cases: list[TurnCase] = []
    for n, text in enumerate(spread(SENTENCES, plan.cases)):
        speaker = voices[n % len(voices)]
        cases.append(whole(f"{text} ({speaker.name})", renderer.say(text, speaker)))
    for n, text in enumerate(spread(longer, plan.cases)):
        speaker, pause = voices[(n + 1) % len(voices)], plan.pauses[n % len(plan.pauses)]
        samples = renderer.say(text, speaker)
        at = boundary(samples, aligner.words(samples), random.Random(f"{seed} {text}"))
        if at is not None:
            cases.append(cut(f"{text} ({speaker.name}, held for {pause:.1f} s)", samples, at, pause))
    random.Random(seed).shuffle(cases)
    return [*cases, *(recordings(plan.recordings) if plan.recordings else ())]


def spread(texts: Sequence[str], count: int | None) -> list[str]:
    """`count` of them, evenly over all; all for None."""
    if count is None or count >= len(texts):
        return list(texts)
    return [texts[n * len(texts) // count] for n in range(count)]


class Interleaved:
    """What came of each variant so far."""

    def __init__(
        self, variants: Sequence[TurnVariant], ports: Sequence[int], cpu: Callable[[], CpuSeconds]
    ) -> None:
        """`ports`: one for each of `EVIDENCE_TAKEN`; `cpu` tells what was computed so far."""
        self._variants = variants
        self._ports = dict(zip(EVIDENCE_TAKEN, ports, strict=True))
        self._cpu = cpu
        self._played: dict[str, list[PlayedCase]] = {variant.name: [] for variant in variants}
        self._thrown_away = dict.fromkeys(self._played, 0)

    async def play(self, cases: Sequence[TurnCase], talkers: int = 1) -> list[VariantFigures]:
        """`talkers` of them at once, whose computing is then each one's. Raises `CallFailed` when a server is
        not there."""
        channels = {taken: connect(f"127.0.0.1:{port}") for taken, port in self._ports.items()}
        try:
            for taken, variant in {variant.without: variant for variant in self._variants}.items():
                await self._once(channels[taken], cases[0], variant)
            for n in range(0, len(cases), talkers):
                group = cases[n : n + talkers]
                for number, case in enumerate(group, n + 1):
                    tell(f"case {number} of {len(cases)}: {case.name}")
                for variant in _rotated(self._variants, n // talkers):
                    async with asyncio.TaskGroup() as said:
                        for case in group:
                            said.create_task(
                                self._counted(channels[variant.without], case, variant), name="talker"
                            )
        finally:
            for channel in channels.values():
                await channel.close()
        return [
            summed_up(variant, self._played[variant.name], self._thrown_away[variant.name])
            for variant in self._variants
        ]

    async def _counted(self, channel: grpc.aio.Channel, case: TurnCase, variant: TurnVariant) -> None:
        for _ in range(ATTEMPTS):
            played = await self._once(channel, case, variant)
            if played.lateness <= MAX_LATENESS:
                self._played[variant.name].append(played)
                return
            self._thrown_away[variant.name] += 1

    async def _once(self, channel: grpc.aio.Channel, case: TurnCase, variant: TurnVariant) -> PlayedCase:
        now = asyncio.get_running_loop().time
        begun, before = now(), self._cpu()
        notes = await play(channel, case, variant.detection)
        await asyncio.sleep(SETTLE_SECONDS)
        cpu = CpuSeconds(*np.subtract(self._cpu(), before).tolist())
        return judged(case, variant, notes, cpu, now() - begun)


def _rotated(variants: Sequence[TurnVariant], by: int) -> list[TurnVariant]:
    """So that none always comes behind the same one."""
    at = by % len(variants)
    return [*variants[at:], *variants[:at]]


def measure(plan: TurnsPlan) -> list[VariantFigures]:
    """Raises what `prepared` does, and `NotStarted`."""
    tell("the sentences are being spoken …")
    cases = prepared(plan)
    with started("voice_grpc.bench.turns.server") as (ports, pid):
        run = Interleaved(plan.variants, [int(port) for port in ports.split(",")], lambda: cpu_of_all(pid))
        with in_real_time():
            return asyncio.run(run.play(cases, plan.talkers))


@contextmanager
def in_real_time() -> Iterator[None]:
    """Where the system lets us, this process goes before all others, as a user's microphone does: what the
    server computes on the same cores does not hold it up. Where not, that is told."""
    before = os.sched_getscheduler(0)
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except PermissionError:
        tell("no real-time priority for the generator: what it sends too late is thrown away")
    try:
        yield
    finally:
        os.sched_setscheduler(0, before, os.sched_param(0))


def report(figures: Sequence[VariantFigures]) -> str:
    """The table, and what makes it less than it seems."""
    lines = [table(figures)]
    if late := sum(each.thrown_away for each in figures):
        lines.append(f"{late} sessions were thrown away: their generator was late.")
    if max((each.others for each in figures), default=0.0) > MAX_OTHERS:
        lines.append("Other processes kept the machine busy: delays are not to be quoted.")
    return "\n\n".join(lines)


def tell(line: str) -> None:
    """Progress, beside the figures."""
    print(line, file=sys.stderr, flush=True)
