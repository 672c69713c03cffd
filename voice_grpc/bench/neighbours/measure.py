"""Some users of one caller who wait by the clock, alone and beside each flood of another caller, by turns on
one server that has one core to itself: by how much they are answered later.

Alone is measured anew before each flood, and each is compared with its own.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...client import Access, connect
from ...pb import voice_pb2 as pb
from ..load import CYCLE_SECONDS, UNANSWERED_SECONDS, UserNotes, by_the_clock, converse
from ..servers import cores_apart, started
from .floods import FLOODS

USERS = 6
"""Each begins two conversations for each flood: sixty new ones a minute are what one caller may."""

TOKENS = {"user": "a-user-who-asks", "flood": "an-eager-caller"}
"""Of the two callers."""

SETTLE_SECONDS = 2.0
"""For a flood to be one, before anybody is measured beside it."""


@dataclass(frozen=True, slots=True)
class NeighbourLatency:
    """From the end of a question to the first sound of its answer, in milliseconds."""

    flood: str
    answers: int
    alone_p50: float
    alone_p95: float
    beside_p50: float
    beside_p95: float
    unanswered: int
    """Of those beside the flood."""

    @property
    def factor(self) -> float:
        """How many times as late as alone, at P95."""
        return self.beside_p95 / self.alone_p95


def measure(kinds: Sequence[str], seconds: float) -> list[NeighbourLatency]:
    """`seconds`: of conversation alone, and as many beside each flood."""
    env = {**os.environ, "VOICE_TOKENS": ",".join(TOKENS.values())}
    found = []
    with started("voice_grpc.bench.servers", "scripted", env=env) as (port, pid), cores_apart(pid):
        for kind in kinds:
            alone = asyncio.run(_delays(port, seconds))
            flags = (kind, f"127.0.0.1:{port}", TOKENS["flood"])
            with started("voice_grpc.bench.neighbours.floods", *flags):
                beside = asyncio.run(_delays(port, seconds, SETTLE_SECONDS))
            found.append(summed_up(kind, alone, beside, UNANSWERED_SECONDS))
    return found


async def _delays(port: str, seconds: float, settle: float = 0.0) -> np.ndarray:
    """In seconds, of all answers; what was not answered counts as `UNANSWERED_SECONDS`."""
    await asyncio.sleep(settle)
    access = Access(TOKENS["user"])
    config = pb.SessionConfig(turn_detection=by_the_clock(pb.TurnDetection.SPECULATION_OFF))
    channels = [connect(f"127.0.0.1:{port}") for _ in range(USERS)]
    try:
        async with asyncio.TaskGroup() as tasks:
            users = [
                tasks.create_task(converse(each, seconds, n, config=config, access=access), name=f"user-{n}")
                for n, each in enumerate(channels)
            ]
    finally:
        for channel in channels:
            await channel.close()
    return np.array([delay for user in users for delay in _of(user.result())])


def _of(notes: UserNotes) -> list[float]:
    answers = sorted(notes.answers.values())
    return [
        next((at - end for at in answers if 0 < at - end < CYCLE_SECONDS), UNANSWERED_SECONDS)
        for end in notes.speech_ends[:-1]
    ]


def summed_up(kind: str, alone: np.ndarray, beside: np.ndarray, longest: float) -> NeighbourLatency:
    """Delays in seconds; `longest`: what an unanswered question counts as."""
    (alone_p50, alone_p95), (beside_p50, beside_p95) = (
        1000 * np.percentile(each, (50, 95)) for each in (alone, beside)
    )
    unanswered = int((beside == longest).sum())
    return NeighbourLatency(kind, len(beside), alone_p50, alone_p95, beside_p50, beside_p95, unanswered)


HEADER = (
    "| flood | answers | alone P50 ms | P95 | beside it P50 | P95 | times as late, P50 | P95 | unanswered |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def report(found: NeighbourLatency) -> str:
    return (
        f"| {found.flood} | {found.answers} | {found.alone_p50:.0f} | {found.alone_p95:.0f} "
        f"| {found.beside_p50:.0f} | {found.beside_p95:.0f} | {found.beside_p50 / found.alone_p50:.2f} "
        f"| {found.factor:.2f} | {found.unanswered} |"
    )


KINDS = tuple(FLOODS)
