"""Figures of a variant: how long the end of a turn was waited for, and how often a pause was taken for it.

What was heard of each case goes in, one `VariantFigures` comes out, and all of them make a table. An answer
before the end is a false cut-off, never a fast turn. What is not answered counts as `ANSWER_WITHIN`, so that
no variant looks fast by being silent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from ...core.audio import seconds
from ...pb import voice_pb2 as pb
from ..servers import CpuSeconds
from .material import PAUSES, LabelledPause, TurnCase
from .player import ANSWER_WITHIN, TurnNotes
from .variants import TurnVariant

MAX_LATENESS = 0.005
"""Seconds by which the generator may be late at P99 of the frames of a case; a later one is thrown away. A
hundredth of the delays that are measured; on a shared machine whole cases come closer to it than that."""


MAX_OTHERS = 0.1
"""Cores that other processes may keep busy: beyond it the delays are not those of this server alone."""


class PauseFate(Enum):
    WAITED = "waited"
    COMMITTED = "committed"
    """An answer was begun in it, and nobody heard it there."""
    ANSWERED = "answered"
    """It was audible before the user went on."""


@dataclass(frozen=True, slots=True)
class PlayedCase:
    """One case with one variant, once."""

    case: str
    variant: str
    is_whole: bool
    """It has no labelled pause."""
    delay: float
    """Seconds from the end of the turn to its answer; `ANSWER_WITHIN` without one."""
    is_cut_off: bool
    """Something was audible before the end, and not in a labelled pause."""
    pauses: tuple[tuple[str, PauseFate], ...]
    """Each with its group."""
    wasted: Mapping[str, int]
    """Work for answers that nobody heard; see `wasted`."""
    cpu: CpuSeconds
    """Computed meanwhile."""
    seconds: float
    """How long the session took."""
    lateness: float
    """Seconds by which frames left too late at P99."""
    failure: str = ""

    @property
    def is_answered(self) -> bool:
        return self.delay < ANSWER_WITHIN


def judged(
    case: TurnCase, variant: TurnVariant, notes: TurnNotes, cpu: CpuSeconds, took: float
) -> PlayedCase:
    """What `notes` say of it; `cpu` was computed in the `took` seconds of the session."""
    end = seconds(case.end)
    answer = notes.answer_to(end)
    spans = [(seconds(pause.span.start), seconds(pause.span.end)) for pause in case.pauses]
    early = [at for at in notes.audible.values() if at < end]
    return PlayedCase(
        case=case.name,
        variant=variant.name,
        is_whole=not case.pauses,
        delay=min(notes.audible[answer] - end, ANSWER_WITHIN) if answer else ANSWER_WITHIN,
        is_cut_off=any(not any(start <= at < stop for start, stop in spans) for at in early),
        pauses=tuple((pause.group, fate(pause, notes)) for pause in case.pauses),
        wasted=wasted(notes.metrics, answer),
        cpu=cpu,
        seconds=took,
        lateness=float(np.percentile(notes.lateness, 99)) if notes.lateness else 0.0,
        failure=notes.failure,
    )


def fate(pause: LabelledPause, notes: TurnNotes) -> PauseFate:
    start, stop = seconds(pause.span.start), seconds(pause.span.end)
    if any(start <= at < stop for at in notes.audible.values()):
        return PauseFate.ANSWERED
    is_begun = any(start <= at < stop for at in notes.committed.values())
    return PauseFate.COMMITTED if is_begun else PauseFate.WAITED


DROPPED_COUNTS = ("output_tokens", "tts_characters")
"""Of TurnMetrics: all of it is waste in a turn that did not answer the end."""


def wasted(metrics: Mapping[int, pb.TurnMetrics], answer: int) -> dict[str, int]:
    """Work for answers that were thrown away: those of turns other than the one that answered the end."""
    dropped = [metric for turn, metric in metrics.items() if turn != answer]
    return {name: sum(getattr(metric, name) for metric in dropped) for name in DROPPED_COUNTS}


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """Delays in seconds, shares from 0 to 1; None where there was nothing to count."""

    name: str
    hold: float | None
    ends: int
    """Cases without a pause; the delays are theirs."""
    median: float | None
    p90: float | None
    p95: float | None
    unanswered: int
    cut_off: int
    after_pause: float | None
    """Median delay of the ends of cases in whose pauses nobody was answered."""
    pauses: int
    answered: float | None
    """Share of all pauses."""
    committed: float | None
    """Share of all pauses in which an answer was begun that nobody heard there."""
    groups: Mapping[str, tuple[int, int]]
    """Answered pauses and all of them, by their lengths."""
    wasted: Mapping[str, int]
    cpu_per_minute: float
    """CPU seconds of the server per session-minute."""
    others: float
    """Cores that other processes kept busy, on the average."""
    lateness: float
    """Of the latest case that counts, seconds at P99 of its frames."""
    thrown_away: int = 0
    """Cases in which the generator was late, whenever they were tried."""
    played: Sequence[PlayedCase] = field(default=(), repr=False)


def summed_up(variant: TurnVariant, played: Sequence[PlayedCase], thrown_away: int = 0) -> VariantFigures:
    ends = [each.delay for each in played if each.is_whole]
    fates = [pause for each in played for pause in each.pauses]
    waited = [
        each.delay
        for each in played
        if each.pauses and all(fate is not PauseFate.ANSWERED for _, fate in each.pauses)
    ]
    minutes = sum(each.seconds for each in played) / 60
    return VariantFigures(
        name=variant.name,
        hold=variant.hold,
        ends=len(ends),
        median=_percentile(ends, 50),
        p90=_percentile(ends, 90),
        p95=_percentile(ends, 95),
        unanswered=sum(not each.is_answered for each in played),
        cut_off=sum(each.is_cut_off for each in played),
        after_pause=_percentile(waited, 50),
        pauses=len(fates),
        answered=_share(PauseFate.ANSWERED, fates),
        committed=_share(PauseFate.COMMITTED, fates),
        groups=_groups(fates),
        wasted={name: sum(each.wasted.get(name, 0) for each in played) for name in DROPPED_COUNTS},
        cpu_per_minute=sum(each.cpu.server for each in played) / minutes if minutes else 0.0,
        others=sum(each.cpu.others for each in played) / minutes / 60 if minutes else 0.0,
        lateness=max((each.lateness for each in played), default=0.0),
        thrown_away=thrown_away,
        played=played,
    )


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return float(np.percentile(values, percent)) if values else None


def _share(wanted: PauseFate, fates: Sequence[tuple[str, PauseFate]]) -> float | None:
    return sum(fate is wanted for _, fate in fates) / len(fates) if fates else None


def _groups(fates: Iterable[tuple[str, PauseFate]]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for group, fate in fates:
        answered, count = counts.get(group, (0, 0))
        counts[group] = (answered + (fate is PauseFate.ANSWERED), count + 1)
    return counts


# ---------------------------------------------------------------- the table

GROUPS = (*(f"{pause:.1f} s" for pause in PAUSES), "recorded")


def table(figures: Sequence[VariantFigures]) -> str:
    """Markdown, a row a variant."""
    heads = ["variant", "ends", "delay median ms", "P90", "P95", "unanswered", "cut off"]
    heads += ["pauses", "answered in", *(f"in {group}" for group in GROUPS)]
    heads += ["begun in vain", "delay after a pause", "tokens, characters wasted"]
    heads += ["CPU s per session-minute", "cores of others", "generator late P99 ms", "thrown away"]
    rows = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return "\n".join([*rows, *("| " + " | ".join(_cells(each)) + " |" for each in figures)])


def _cells(figures: VariantFigures) -> list[str]:
    counts = [figures.groups.get(group) for group in GROUPS]
    return [
        figures.name,
        str(figures.ends),
        *(_ms(value) for value in (figures.median, figures.p90, figures.p95)),
        str(figures.unanswered),
        str(figures.cut_off),
        str(figures.pauses),
        _percent(figures.answered),
        *(f"{count[0]}/{count[1]}" if count else "–" for count in counts),
        _percent(figures.committed),
        _ms(figures.after_pause),
        ", ".join(str(count) for count in figures.wasted.values()),
        f"{figures.cpu_per_minute:.1f}",
        f"{figures.others:.2f}",
        f"{1000 * figures.lateness:.1f}",
        str(figures.thrown_away),
    ]


def _ms(value: float | None) -> str:
    return "–" if value is None else f"{1000 * value:.0f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
