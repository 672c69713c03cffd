"""`python -m voice_grpc.bench line`: lines with delay, jitter and losses between a server and a client with
`voice_grpc.client`'s jitter buffer, both real and by the clock.
"""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...client import Call, connect
from ...pb import voice_pb2 as pb
from ..load import sleep_until
from ..servers import started
from .listener import BLOCK, CONFIG, RATE_HZ, StoryListener
from .relay import LineShape, shaped_relay

STORY = " ".join(["She had a very long story to tell, and she told it to whoever came by."] * 7)
"""Half a minute of it."""
LINES: Mapping[str, LineShape] = {
    "at hand": LineShape(),
    "80 ms, 50 ms of jitter": LineShape(0.08, 0.05),
    "150 ms, 1 % lost": LineShape(0.15, 0.0, 0.01, 0.35),
}
"""A segment that is lost behind 150 ms has come after TCP's least timeout of 0.2 s and the way."""
SEEDS = 3
"""Conversations over each line; all of all lines at once."""
STARTED = 0.2
"""Seconds of an answer within which a gap is forgiven."""
LONGEST = 60.0
"""Seconds after which a story is given up."""


@dataclass(frozen=True, slots=True)
class LineFigures:
    """Of all conversations over one line."""

    line: str
    seconds: float
    """Of answers, after their start."""
    underruns: int
    """After the start."""
    concealed: float
    """Share of the answers that was silence in a gap, after the start."""
    lead: tuple[float, float]
    """Seconds of sound that waited at the client: the median of all reports, and the most."""
    lateness: float
    """Seconds by which the loudspeaker was late at P99."""


async def _heard(port: int, shape: LineShape, seed: int) -> tuple[StoryListener, list[float]]:
    """Raises `CallFailed`, and TimeoutError after `LONGEST`."""
    loop = asyncio.get_running_loop()
    lateness = []
    async with (
        shaped_relay(port, shape, seed) as line,
        connect(f"127.0.0.1:{line.port}") as channel,
        Call.open(channel, CONFIG, reconnect_within=0.0) as call,
        asyncio.timeout(LONGEST),
        asyncio.TaskGroup() as tasks,
    ):
        listener = StoryListener(call, loop.time)
        listening = tasks.create_task(listener.listen(), name="listen")
        await call.send(pb.Say(text=STORY))
        start, n = loop.time(), 0
        while not listener.is_done:
            due = start + n * BLOCK / RATE_HZ
            await sleep_until(due)
            lateness.append(loop.time() - due)
            await listener.play()
            n += 1
        listening.cancel()
    return listener, lateness


def _gaps(listener: StoryListener) -> tuple[int, int]:
    """Blocks without sound in the answer after its start, and all of them."""
    silent = np.array([not block.any() for block in listener.played])
    heard = np.flatnonzero(~silent)
    inner = silent[heard[0] + round(STARTED * RATE_HZ) // BLOCK : heard[-1]]
    return int(inner.sum()), len(inner)


def _underruns(reports: Sequence[pb.PlaybackReport]) -> int:
    early = [report.underruns for report in reports if report.played_samples <= STARTED * RATE_HZ]
    return max(report.underruns for report in reports) - max(early, default=0)


def summed_up(line: str, heard: Sequence[tuple[StoryListener, list[float]]]) -> LineFigures:
    listeners = [listener for listener, _ in heard]
    gaps, blocks = np.sum([_gaps(listener) for listener in listeners], axis=0)
    waiting = [
        report.buffered_samples / RATE_HZ
        for listener in listeners
        for report in listener.reports
        if report.state == pb.PlaybackReport.STATE_PROGRESS
    ]
    return LineFigures(
        line,
        float(blocks * BLOCK / RATE_HZ),
        sum(_underruns(listener.reports) for listener in listeners),
        float(gaps / blocks) if blocks else math.nan,
        (float(np.median(waiting)), max(waiting)),
        float(np.percentile([late for _, each in heard for late in each], 99)),
    )


async def _measure(port: int) -> list[LineFigures]:
    async with asyncio.TaskGroup() as tasks:
        heard = {
            name: [tasks.create_task(_heard(port, shape, seed), name=f"line-{seed}") for seed in range(SEEDS)]
            for name, shape in LINES.items()
        }
    return [summed_up(name, [task.result() for task in each]) for name, each in heard.items()]


def measure() -> list[LineFigures]:
    with started("voice_grpc.bench.servers", "scripted") as (port, _):
        return asyncio.run(_measure(int(port)))


def report(figures: LineFigures) -> str:
    median, most = (1000 * seconds for seconds in figures.lead)
    return (
        f"| {figures.line} | {figures.seconds:.0f} | {figures.underruns} | {100 * figures.concealed:.2f} "
        f"| {median:.0f} / {most:.0f} | {1000 * figures.lateness:.1f} |"
    )


HEADER = (
    "| line (round trip) | seconds heard | underruns after 0.2 s | concealed % "
    "| waiting at the client, P50 / most ms | loudspeaker late P99 ms |\n|---|---|---|---|---|---|"
)
