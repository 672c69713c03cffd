"""The server's own overhead: measured voice-to-voice minus what the scripted engines were told to take.

Users who wait by the clock, with answers begun in the silence and without, by turns on one server that has
one core to itself: what a session costs is compared within one run.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..client import connect
from ..pb import voice_pb2 as pb
from .load import CYCLE_SECONDS, HOLD_SECONDS, UNANSWERED_SECONDS, UserNotes, by_the_clock, converse
from .servers import LLM_SECONDS, STT_SECONDS, TTS_SECONDS, cores_apart, cpu_seconds, started

ORACLE_SECONDS: Mapping[str, float] = {
    "off": HOLD_SECONDS + STT_SECONDS + LLM_SECONDS + TTS_SECONDS,
    "on": max(HOLD_SECONDS, STT_SECONDS + LLM_SECONDS + TTS_SECONDS),
}
"""The critical path by speculation: without it everything is begun once the silence was held, with it all is
made while it is."""

TURNS: Mapping[str, pb.TurnDetection] = {
    "off": by_the_clock(pb.TurnDetection.SPECULATION_OFF),
    "on": by_the_clock(pb.TurnDetection.SPECULATION_TTS),
}

SLICES = 2
"""Times that each of them has its turn."""


MAX_LATENESS = 0.002
"""Seconds by which the generator may be late at P99: a run beyond it says nothing about the server."""


@dataclass(frozen=True, slots=True)
class Overhead:
    sessions: int
    speculation: str
    """`off` or `on`."""
    turns: int
    p50: float
    """Milliseconds beyond its `ORACLE_SECONDS`; so are `p99` and `worst`."""
    p99: float
    worst: float
    unanswered: int
    lateness_p99: float
    """How late the generator of the load was, in milliseconds."""
    cpu: float
    """CPU seconds of the server per session-second, in ms."""


async def measure(sessions: int, seconds: float, server: str = "scripted") -> list[Overhead]:
    """Without speculation and with it, `seconds` of conversation each. `server`: of `servers.KINDS`."""
    notes: dict[str, list[UserNotes]] = {name: [] for name in TURNS}
    cpu = dict.fromkeys(TURNS, 0.0)
    with started("voice_grpc.bench.servers", server) as (port, pid), cores_apart(pid):
        for name in [*TURNS] * SLICES:
            before = cpu_seconds(pid)
            notes[name] += await at_once(port, sessions, seconds / SLICES, TURNS[name])
            cpu[name] += (cpu_seconds(pid) - before) / (sessions * seconds)
    return [_sum_up(sessions, name, notes[name], cpu[name]) for name in TURNS]


async def at_once(port: str, sessions: int, seconds: float, turns: pb.TurnDetection) -> list[UserNotes]:
    """All users at once, each in a conversation of its own."""
    config = pb.SessionConfig(turn_detection=turns)
    channels = [connect(f"127.0.0.1:{port}") for _ in range(min(sessions, 4))]
    try:
        async with asyncio.TaskGroup() as tasks:
            users = [
                tasks.create_task(
                    converse(channels[n % len(channels)], seconds, n, config=config), name=f"user-{n}"
                )
                for n in range(sessions)
            ]
    finally:
        for channel in channels:
            await channel.close()
    return [user.result() for user in users]


def _sum_up(sessions: int, speculation: str, notes: list[UserNotes], cpu: float) -> Overhead:
    delays: list[float] = []
    for user in notes:
        answers = sorted(user.answers.values())
        for end in user.speech_ends[:-1]:
            delays.append(
                next((at - end for at in answers if 0 < at - end < CYCLE_SECONDS), UNANSWERED_SECONDS)
            )
    over = 1000 * (np.array(delays) - ORACLE_SECONDS[speculation])
    lateness = 1000 * np.concatenate([user.lateness for user in notes])
    return Overhead(
        sessions,
        speculation,
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
        f"| {result.sessions} | {result.speculation} | {result.turns} | {result.p50:.1f} | {result.p99:.1f} "
        f"| {result.worst:.1f} | {result.unanswered} | {result.cpu:.1f} | {result.lateness_p99:.1f}{late} |"
    )


HEADER = (
    "| sessions | speculation | turns | overhead P50 ms | P99 ms | worst ms | unanswered "
    "| CPU ms per session-second | generator late P99 ms |\n|---|---|---|---|---|---|---|---|---|"
)
