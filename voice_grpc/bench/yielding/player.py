"""One user who has a story told, speaks over it once, and notes what becomes of it.

Open loop, as in the bench of turn-taking: a frame leaves when it was spoken, whatever the server does. The
client obeys PlaybackControl; what it hears is counted as a loudspeaker would play it.
"""

import asyncio
import random
from dataclasses import dataclass, field

import grpc.aio
import numpy as np

from ...client import Call, CallFailed
from ...core.audio import RATE_HZ, Samples, seconds, to_float, to_pcm16
from ...pb import voice_pb2 as pb
from ..load import FRAME, FRAME_SECONDS, sleep_until
from ..turns.material import FLOOR
from .material import OverlapCase
from .room import Room

STORY = (
    "Once upon a time there was a lighthouse on a small island. Nobody had lived on that island for many "
    "years. Every evening the light came on, and every morning it went out again. The fishermen of the "
    "village wondered who looked after it. One day a girl took her father's boat and rowed across. She found "
    "a door that was open, a table with two cups, and a lamp that was still warm. She sat down and waited."
)
FROM_SECONDS, TO_SECONDS = 1.0, 3.0
"""Of the story, between which the voice over it begins."""
ECHO_STORY = " ".join(STORY.split(" ")[:34])
"""What is told where its echo is all that comes back, to its end: two sentences and a half."""
ECHO_DELAY = 0.2
"""Seconds of a loudspeaker's buffer, and of a microphone's."""
AFTER_SECONDS = 3.0
"""Behind the voice: what has not happened by then does not."""

Action = pb.PlaybackControl.Action
State = pb.TurnEvent.State


@dataclass(slots=True)
class OverlapNotes:
    """Times are seconds since the true onset of the voice; None: it did not happen."""

    end: float
    """When the voice was over."""
    duck: float | None = None
    hold: float | None = None
    resume: float | None = None
    cut: float | None = None
    gap: float = 0.0
    """Seconds for which nothing was heard of an answer that went on."""
    lateness: list[float] = field(default_factory=list)
    failure: str = ""


async def speak_over(channel: grpc.aio.Channel, case: OverlapCase, seed: int) -> OverlapNotes:
    """Raises `CallFailed` when no call begins."""
    player = _Player(case, random.Random(f"{seed} {case.name}").uniform(FROM_SECONDS, TO_SECONDS))
    is_clean = case.echo_db is None
    config = pb.SessionConfig(
        greeting="",
        language_codes=["en"],
        capabilities=pb.ClientCapabilities(echo_cancellation=is_clean, playback_control=is_clean),
        output_audio=pb.AudioFormat(encoding=pb.AUDIO_ENCODING_PCM_S16LE, sample_rate_hz=RATE_HZ, channels=1),
    )
    async with Call.open(channel, config, reconnect_within=0.0) as call, asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(player.listen(call), name="listen")
        await call.send(pb.Say(text=STORY if is_clean else ECHO_STORY))
        await player.speak(call)
        listening.cancel()
    return player.notes


class _Player:
    def __init__(self, case: OverlapCase, after: float) -> None:
        """`after`: seconds of the story."""
        self._case, self._after = case, after
        self.notes = OverlapNotes(seconds(case.voiced.end - case.voiced.start))
        self._onset: float | None = None
        """The loop's time of it; None: it is not known yet."""
        self._begun = asyncio.Event()
        self._held_at = 0.0
        self._room = None if case.echo_db is None else Room(case.echo_db, ECHO_DELAY)
        self._start = 0.0
        """The loop's time at which the microphone was opened."""
        self._is_told = False
        """The story came to its end."""

    async def speak(self, call: Call) -> None:
        loop, silence = asyncio.get_running_loop(), self._noise(FRAME)
        start, n, spoken = loop.time(), 0, None
        self._start = start
        length = self._case.voiced.end + round(AFTER_SECONDS * RATE_HZ)
        while not self.notes.failure:
            due = start + (n + 1) * FRAME_SECONDS
            await sleep_until(due)
            self.notes.lateness.append(loop.time() - due)
            if spoken is None and self._begun.is_set():
                spoken = n + round(self._after / FRAME_SECONDS)
                self._onset = start + spoken * FRAME_SECONDS + seconds(self._case.voiced.start)
            at = (n - spoken) * FRAME if spoken is not None else -1
            if at >= length and (self._room is None or self._is_told):
                return
            frame = self._frame(at, silence)
            if self._room is not None:
                frame = to_pcm16(to_float(frame) + self._room.hear(n * FRAME, FRAME))
            await call.send(pb.AudioInput(data=frame.tobytes()))
            n += 1

    def _frame(self, at: int, silence: Samples) -> Samples:
        said = self._case.samples[at : at + FRAME] if at >= 0 else self._case.samples[:0]
        return np.concatenate((said, silence[len(said) :]))

    def _noise(self, length: int) -> Samples:
        return to_pcm16(np.random.default_rng(1).normal(0, FLOOR, length).astype(np.float32))

    async def listen(self, call: Call) -> None:
        now = asyncio.get_running_loop().time
        try:
            async for response in call:
                match response.WhichOneof("payload"):
                    case "audio":
                        self._begun.set()
                        if self._room is not None:
                            place = round((now() - self._start) * RATE_HZ)
                            self._room.play(np.frombuffer(response.audio.data, "<i2"), place)
                    case "turn_event" if self._room is not None:
                        self._follow(response.turn_event.state, now() - self._start)
                    case "playback_control" if self._onset is not None:
                        self._obey(response.playback_control.action, now() - self._onset)
            self.notes.failure = "the server ended the call"
        except CallFailed as error:
            self.notes.failure = str(error)

    def _follow(self, state: "State", at: float) -> None:
        """Nobody speaks, so that whoever is heard is the story."""
        if state == pb.TurnEvent.STATE_COMPLETED:
            self._is_told = True
        elif state in (pb.TurnEvent.STATE_USER_SPEAKING, pb.TurnEvent.STATE_INTERRUPTED):
            self.notes.cut = at if self.notes.cut is None else self.notes.cut
            self._is_told = True

    def _obey(self, action: "Action", at: float) -> None:
        notes = self.notes
        if action == pb.PlaybackControl.ACTION_DUCK and notes.duck is None:
            notes.duck = at
        elif action == pb.PlaybackControl.ACTION_HOLD:
            notes.hold = at if notes.hold is None else notes.hold
            self._held_at = at
        elif action == pb.PlaybackControl.ACTION_RESUME:
            notes.resume = at
            notes.gap += at - self._held_at
        elif action == pb.PlaybackControl.ACTION_FLUSH and notes.cut is None:
            notes.cut = at
