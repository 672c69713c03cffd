"""One user who says one case to a server by the clock, and what was heard of the server when.

Open loop: the frame that holds samples n × 320 up to (n + 1) × 320 leaves when its last sample was spoken,
at start + (n + 1) × 20 ms, whatever the server does. All times are seconds since sample 0 was spoken, so
that a sample's number is its time. A case is over once its end is answered, or `ANSWER_WITHIN` after it.
"""

import asyncio
from dataclasses import dataclass, field

import grpc.aio
import numpy as np

from ...client import Call, CallFailed
from ...core.audio import Samples, audible_from, seconds
from ...core.errors import Reason
from ...pb import voice_pb2 as pb
from ..load import FRAME, FRAME_SECONDS, sleep_until
from .material import TurnCase, stream_of

ANSWER_WITHIN = 6.0
"""Seconds from the end of a turn; what an unanswered one counts as."""

FAILURES = frozenset(
    {reason for reason in Reason if reason.startswith("ENGINE_")} - {Reason.ENGINE_FALLBACK}
    | {Reason.TURN_DEADLINE}
)
"""Reasons of notices of a turn that ends in an apology, if in anything."""

METRICS_WITHIN = 1.0
"""Seconds that the server has to say what the turn took, once it is interrupted."""


class Ear:
    """When samples are heard that are played as they come, each turn's without a gap."""

    def __init__(self) -> None:
        self._played: dict[int, float] = {}
        """For each turn when what has come of it will have been played."""

    def audible(self, turn: int, samples: Samples, rate_hz: int, now: float) -> float | None:
        """When the first audible one of `samples` is heard that came at `now`; None: none of them is."""
        begins = max(now, self._played.get(turn, now))
        self._played[turn] = begins + seconds(len(samples), rate_hz)
        first = audible_from(samples, rate_hz)
        return begins + seconds(first, rate_hz) if first < len(samples) else None


@dataclass(slots=True)
class TurnNotes:
    """What came of the server; turns by their number."""

    committed: dict[int, float] = field(default_factory=dict)
    """When it was said that an answer is being made."""
    audible: dict[int, float] = field(default_factory=dict)
    """When its answer was first heard."""
    failed: set[int] = field(default_factory=set)
    """An engine failed in it: what is heard is an apology."""
    metrics: dict[int, pb.TurnMetrics] = field(default_factory=dict)
    lateness: list[float] = field(default_factory=list)
    """Seconds by which each frame left too late."""
    failure: str = ""
    """Why the call ended, if it did."""

    def answer_to(self, end: float) -> int:
        """The turn that answers what ended at `end`; 0: none yet. One that was taken to be over before is
        cut off: it is no answer to the whole, however late it is heard."""
        for turn, at in self.audible.items():
            is_late = at >= end and self.committed.get(turn, at) >= end
            if is_late and turn not in self.failed:
                return turn
        return 0


async def play(channel: grpc.aio.Channel, case: TurnCase, detection: pb.TurnDetection) -> TurnNotes:
    """Raises `CallFailed` when no call begins; one that ends too early is noted."""
    player = _Player(case)
    config = pb.SessionConfig(greeting="", language_codes=["en"], turn_detection=detection)
    config.capabilities.echo_cancellation = True  # nothing comes back
    async with Call.open(channel, config, reconnect_within=0.0) as call, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(player.listen(call), name="listen")
        await player.speak(call)
        if player.answer:
            await call.interrupt()
            await player.wait_for_metrics()
        listening.cancel()
    return player.notes


class _Player:
    def __init__(self, case: TurnCase) -> None:
        self.notes = TurnNotes()
        self._case = case
        self._start = asyncio.get_running_loop().time() + FRAME_SECONDS
        self._ear = Ear()
        self._told = asyncio.Event()
        """Metrics came, or nothing comes any more."""

    @property
    def answer(self) -> int:
        return self.notes.answer_to(seconds(self._case.end))

    async def speak(self, call: Call) -> None:
        loop = asyncio.get_running_loop()
        sound = stream_of(self._case, ANSWER_WITHIN)
        self._start = loop.time() + FRAME_SECONDS
        for n in range(len(sound) // FRAME):
            due = self._start + (n + 1) * FRAME_SECONDS
            await sleep_until(due)
            if self.answer or self.notes.failure:
                break
            self.notes.lateness.append(loop.time() - due)
            await call.send(pb.AudioInput(data=sound[n * FRAME : (n + 1) * FRAME].tobytes()))

    async def wait_for_metrics(self) -> None:
        """Of the turn that answered; a server that says nothing of it is no failure."""
        try:
            async with asyncio.timeout(METRICS_WITHIN):
                while self.answer not in self.notes.metrics and not self.notes.failure:
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            return

    async def listen(self, call: Call) -> None:
        rate_hz = call.started.effective_config.output_audio.sample_rate_hz
        try:
            async for response in call:
                self._note(response, rate_hz, asyncio.get_running_loop().time() - self._start)
            self.notes.failure = "the server ended the call"
        except CallFailed as error:
            self.notes.failure = str(error)
        self._told.set()

    def _note(self, response: pb.ConverseResponse, rate_hz: int, now: float) -> None:
        turn, notes = response.turn, self.notes
        match response.WhichOneof("payload"):
            case "audio" if turn not in notes.audible:
                samples = np.frombuffer(response.audio.data, "<i2")
                if (at := self._ear.audible(turn, samples, rate_hz, now)) is not None:
                    notes.audible[turn] = at
            case "turn_event" if response.turn_event.state == pb.TurnEvent.STATE_THINKING:
                notes.committed.setdefault(turn, now)
            case "notice" if response.notice.reason in FAILURES:
                notes.failed.add(turn)
            case "turn_metrics":
                notes.metrics[turn] = response.turn_metrics
                self._told.set()
