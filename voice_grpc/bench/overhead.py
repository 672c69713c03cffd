"""The server's own overhead: measured voice-to-voice minus what the scripted engines were told to take."""

import asyncio
from dataclasses import dataclass

import numpy as np

from ..client import connect
from .load import CYCLE_SECONDS, HOLD_SECONDS, UNANSWERED_SECONDS, UserNotes, converse
from .servers import LLM_SECONDS, STT_SECONDS, TTS_SECONDS, cpu_seconds, started

ORACLE_SECONDS = max(HOLD_SECONDS, STT_SECONDS) + LLM_SECONDS + TTS_SECONDS
"""The critical path: the transcript is made while the silence is held."""

MAX_LATENESS = 0.002
"""Seconds by which the generator may be late at P99: a run beyond it says nothing about the server."""


@dataclass(frozen=True, slots=True)
class Overhead:
    sessions: int
    turns: int
    p50: float
    """Milliseconds beyond `ORACLE_SECONDS`; so are `p99` and `worst`."""
    p99: float
    worst: float
    unanswered: int
    lateness_p99: float
    """How late the generator of the load was, in milliseconds."""
    cpu: float
    """CPU seconds of the server per session-second, in ms."""


async def measure(sessions: int, seconds: float) -> Overhead:
    with started("voice_grpc.bench.servers", "scripted") as (port, pid):
        before = cpu_seconds(pid)
        channels = [connect(f"127.0.0.1:{port}") for _ in range(min(sessions, 4))]
        try:
            async with asyncio.TaskGroup() as tasks:
                users = [
                    tasks.create_task(converse(channels[n % len(channels)], seconds, n), name=f"user-{n}")
                    for n in range(sessions)
                ]
        finally:
            for channel in channels:
                await channel.close()
        cpu = (cpu_seconds(pid) - before) / (sessions * seconds)
    return _sum_up([user.result() for user in users], cpu)


def _sum_up(notes: list[UserNotes], cpu: float) -> Overhead:
    delays: list[float] = []
    for user in notes:
        answers = sorted(user.answers.values())
        for end in user.speech_ends[:-1]:
            delays.append(
                next((at - end for at in answers if 0 < at - end < CYCLE_SECONDS), UNANSWERED_SECONDS)
            )
    over = 1000 * (np.array(delays) - ORACLE_SECONDS)
    lateness = 1000 * np.concatenate([user.lateness for user in notes])
    return Overhead(
        len(notes),
        len(delays),
        float(np.percentile(over, 50)),
        float(np.percentile(over, 99)),
        float(over.max()),
        sum(delay == UNANSWERED_SECONDS for delay in delays),
        float(np.percentile(lateness, 99)),
        1000 * cpu,
    )


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
