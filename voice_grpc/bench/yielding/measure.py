"""`python -m voice_grpc.bench yielding`: what lowers an answer, holds it, stops it, and how soon.

Delays are from the true onset of the voice, at the client; that of a verdict is from its end.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...client import connect
from ..servers import started
from ..turns.curve import MAX_LATENESS
from ..turns.measure import in_real_time, tell
from .material import OverlapCase, OverlapKind, cases
from .player import OverlapNotes, speak_over

CASES = 4
"""Of each kind. Some two minutes."""
ATTEMPTS = 3
"""How often a case is said in which the generator was late."""


@dataclass(frozen=True, slots=True)
class KindFigures:
    """What came of all cases of one kind; delays in seconds, NaN where there are none."""

    kind: OverlapKind
    count: int
    right: int
    """Stopped the answer where that was meant, and let it go on where not."""
    wrong: tuple[str, ...]
    duck: tuple[float, float]
    """Median and P95."""
    hold: tuple[float, float]
    verdict: tuple[float, float]
    """From the end of the voice; negative: before it."""
    gap: tuple[float, float]
    """Of answers that went on: for how long nothing was heard."""


def summed_up(kind: OverlapKind, played: Sequence[tuple[OverlapCase, OverlapNotes]]) -> KindFigures:
    def is_right(notes: OverlapNotes) -> bool:
        return (notes.cut is not None) == kind.is_meant and not notes.failure

    def typical(values: Sequence[float | None]) -> tuple[float, float]:
        known = [value for value in values if value is not None]
        if not known:
            return float("nan"), float("nan")
        return float(np.median(known)), float(np.percentile(known, 95))

    noted = [notes for _, notes in played]
    verdicts = [at - n.end for n in noted if (at := n.resume if n.cut is None else n.cut) is not None]
    return KindFigures(
        kind,
        len(played),
        sum(map(is_right, noted)),
        tuple(case.name for case, notes in played if not is_right(notes)),
        typical([n.duck for n in noted]),
        typical([n.hold for n in noted]),
        typical(verdicts),
        typical([n.gap for n in noted if n.resume is not None]),
    )


async def _play(port: int, plan: Sequence[OverlapCase]) -> list[tuple[OverlapCase, OverlapNotes]]:
    played: list[tuple[OverlapCase, OverlapNotes]] = []
    channel = connect(f"127.0.0.1:{port}")
    try:
        for n, case in enumerate(plan):
            tell(f"case {n + 1} of {len(plan)}: {case.name}")
            for attempt in range(ATTEMPTS):
                notes = await speak_over(channel, case, seed=n)
                is_last = attempt == ATTEMPTS - 1
                if is_last or np.percentile(notes.lateness, 99) <= MAX_LATENESS:
                    played.append((case, notes))
                    break
    finally:
        await channel.close()
    return played


def measure(count: int | None = CASES) -> list[KindFigures]:
    """`count` cases of each kind; None: all. Raises `EngineMissing` and `NotStarted`."""
    tell("the voices are being made …")
    plan = cases(count)
    with started("voice_grpc.bench.turns.server") as (ports, _), in_real_time():
        played = asyncio.run(_play(int(ports.split(",")[0]), plan))
    return [summed_up(kind, [each for each in played if each[0].kind is kind]) for kind in OverlapKind]


def report(figures: Sequence[KindFigures]) -> str:
    def ms(pair: tuple[float, float]) -> str:
        return "–" if np.isnan(pair[0]) else f"{1e3 * pair[0]:.0f} / {1e3 * pair[1]:.0f}"

    lines = [
        "| over the answer | right | lowered, P50 / P95 ms | held | verdict, from its end | nothing heard |",
        "|---|---|---|---|---|---|",
    ]
    for each in figures:
        delays = " | ".join(ms(pair) for pair in (each.duck, each.hold, each.verdict, each.gap))
        lines.append(f"| {each.kind.value} | {each.right} of {each.count} | {delays} |")
    wrong = [name for each in figures for name in each.wrong]
    return "\n".join([*lines, *(["", f"wrong: {'; '.join(wrong)}"] if wrong else [])])
