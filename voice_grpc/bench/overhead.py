"""The server's own overhead: measured voice-to-voice minus what the scripted engines were told to take."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..client import connect
from ..core.turn_actions import TurnSettings
from ..net.child_process import LISTENING, running
from .load import CYCLE_SECONDS, HeardTurn, talk
from .scripted_server import LLM_SECONDS, STT_SECONDS, TTS_SECONDS

ORACLE_SECONDS = max(TurnSettings().hold, STT_SECONDS) + LLM_SECONDS + TTS_SECONDS
"""The critical path: the transcript is made while the silence is held."""

UNANSWERED_SECONDS = 8.0
"""What a turn without an answer counts as."""

MAX_LATENESS = 0.002
"""Of the generator at P99: a run beyond it says nothing about the server."""


@dataclass(frozen=True, slots=True)
class Overhead:
    sessions: int
    turns: int
    p50: float
    """Milliseconds, like the rest."""
    p99: float
    worst: float
    unanswered: int
    lateness_p99: float
    cpu: float
    """CPU seconds of the server per session-second, in ms."""


def complain(line: str) -> None:
    """What a process of the bench says, but for its address."""
    if not line.startswith(LISTENING):
        print(line, file=sys.stderr)


@contextmanager
def scripted_server() -> Iterator[tuple[int, int]]:
    """Its port and pid."""
    command = [sys.executable, "-m", "voice_grpc.bench.scripted_server"]
    with running("scripted server", command, complain) as server:
        yield int(server.address()), server.pid


async def measure(sessions: int, seconds: float) -> Overhead:
    with scripted_server() as (port, pid):
        before = _cpu_seconds(pid)
        channels = [connect(f"127.0.0.1:{port}") for _ in range(min(sessions, 4))]
        try:
            async with asyncio.TaskGroup() as tasks:
                users = [
                    tasks.create_task(talk(channels[n % len(channels)], seconds, n), name=f"user-{n}")
                    for n in range(sessions)
                ]
        finally:
            for channel in channels:
                await channel.close()
        cpu = (_cpu_seconds(pid) - before) / (sessions * seconds)
    return _sum_up([user.result() for user in users], cpu)


def _sum_up(heard: list[HeardTurn], cpu: float) -> Overhead:
    delays: list[float] = []
    for user in heard:
        answers = sorted(user.answers.values())
        for end in user.speech_ends[:-1]:
            delays.append(
                next((at - end for at in answers if 0 < at - end < CYCLE_SECONDS), UNANSWERED_SECONDS)
            )
    over = 1000 * (np.array(delays) - ORACLE_SECONDS)
    lateness = 1000 * np.concatenate([user.lateness for user in heard])
    return Overhead(
        len(heard),
        len(delays),
        float(np.percentile(over, 50)),
        float(np.percentile(over, 99)),
        float(over.max()),
        sum(delay == UNANSWERED_SECONDS for delay in delays),
        float(np.percentile(lateness, 99)),
        1000 * cpu,
    )


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15, in hundredths)."""
    with open(f"/proc/{pid}/stat") as stat:
        values = stat.read().rsplit(")", 1)[1].split()
    return (int(values[11]) + int(values[12])) / 100


def report(result: Overhead) -> str:
    late = "" if result.lateness_p99 <= 1000 * MAX_LATENESS else "  (generator late: not to be quoted)"
    return (
        f"| {result.sessions} | {result.turns} | {result.p50:.1f} | {result.p99:.1f} | {result.worst:.1f} "
        f"| {result.unanswered} | {result.cpu:.1f} | {result.lateness_p99:.1f}{late} |"
    )


HEADER = (
    "| sessions | turns | overhead P50 ms | P99 ms | worst ms | unanswered | CPU ms per session-second "
    "| generator late P99 ms |\n|---|---|---|---|---|---|---|---|"
)
