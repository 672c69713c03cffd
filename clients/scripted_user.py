"""A user who is not there: files to say and lines to type, one after the other, each after the answer.

Clips are said into the stream with silence between them, frame by frame. Frame n leaves at start + n × 20 ms
whatever the server does, as a microphone's would, and the same clock is the loudspeaker where there is
none: it plays 20 ms of the answer in every 20 ms.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from voice_grpc.pb import voice_pb2 as pb

from .audio import FRAME, INPUT_FRAME, OUTPUT_FRAME, Samples
from .conversation import Conversation
from .turns import State

ANSWER_WITHIN = 20.0
"""Seconds after a question within which its answer must begin: well beyond the server's own deadline of 8."""

QUIET_WITHIN = 180.0
"""Seconds within which it must have ended: longer than an answer of the longest allowed kind."""

SETTLE = 1.0
"""Seconds after a file in which the server may still find that the user goes on."""

METRICS_WITHIN = 0.3
"""Seconds to let the figures of a turn come before the next one begins."""

END_WITHIN = 5.0
"""Seconds from `end_session` until the call is closed from here."""


class VirtualMicrophone:
    """Clips to be said, as frames of 20 ms."""

    def __init__(self) -> None:
        self._clips: deque[Samples] = deque()
        self._frames = 0
        self.said_until = 0.0
        """Seconds since the start at which the last clip ended, or will."""

    def say(self, clip: Samples) -> float:
        """Begin at once, or after what is being said. Returns the second at which it begins."""
        begins = max(self._frames * FRAME, self.said_until)
        padding = np.zeros(-len(clip) % INPUT_FRAME, np.int16)
        whole = np.concatenate([clip, padding])
        self._clips.extend(whole.reshape(-1, INPUT_FRAME))
        self.said_until = begins + len(whole) // INPUT_FRAME * FRAME
        return begins

    @property
    def is_silent(self) -> bool:
        return not self._clips

    def frame(self) -> Samples:
        """The next 20 ms."""
        self._frames += 1
        return self._clips.popleft() if self._clips else np.zeros(INPUT_FRAME, np.int16)


async def ticks(start: float, every: float = FRAME) -> AsyncIterator[float]:
    """Yields n × `every` at `start` + n × `every` (monotonic seconds), for ever. No tick is skipped."""
    n = 0
    while True:
        await asyncio.sleep(max(0.0, start + n * every - time.monotonic()))
        yield n * every
        n += 1


async def keep_time(conversation: Conversation, microphone: VirtualMicrophone | None, plays: bool) -> None:
    """Send what `microphone` says, and be the loudspeaker where `plays`. Until cancelled."""
    recording = conversation.recording
    async for at in ticks(recording.start):
        if plays:
            block = conversation.playout.take(OUTPUT_FRAME, time.monotonic())
            recording.answer.write(block, at)
        if microphone is not None:
            frame = microphone.frame()
            recording.user.write(frame, at)
            await conversation.call.send(pb.AudioInput(data=frame.tobytes()))


@asynccontextmanager
async def conversing(
    conversation: Conversation, microphone: VirtualMicrophone | None, plays: bool
) -> AsyncIterator[None]:
    """What is received is taken in, what is played is reported, and time goes on, inside the block."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(conversation.receive(), name="receive"),
            group.create_task(conversation.report(), name="report"),
            group.create_task(keep_time(conversation, microphone, plays), name="keep time"),
        ]
        yield
        for task in tasks:
            task.cancel()


@dataclass(frozen=True, slots=True)
class Question:
    name: str
    """For messages: the file or the words."""
    sound: Samples | None = None
    """None: typed."""
    text_only: bool = False


async def hold(conversation: Conversation, questions: list[Question], plays: bool) -> list[str]:
    """Ask them all; returns one line for each thing that went wrong. `plays`: there is no loudspeaker."""
    speaks = any(question.sound is not None for question in questions)
    microphone = VirtualMicrophone() if speaks else None
    async with conversing(conversation, microphone, plays):
        faults = [fault for each in questions if (fault := await _ask(conversation, microphone, each))]
        await finish(conversation)
    return [*faults, *([str(conversation.failure)] if conversation.failure else [])]


async def finish(conversation: Conversation, within: float = END_WITHIN) -> None:
    """End in order, as far as the server goes along in time."""
    if not conversation.has_ended:
        await conversation.call.send(pb.EndSession())
        await conversation.until(lambda: conversation.has_ended, within)


async def _ask(conversation: Conversation, microphone: VirtualMicrophone | None, question: Question) -> str:
    """Returns what went wrong; empty when it was answered. After the end of the call: nothing."""
    if conversation.has_ended:
        return ""
    before = conversation.turns.last
    if question.sound is not None and microphone is not None:
        microphone.say(question.sound)
        await all_said(conversation, microphone)
    else:
        conversation.screen.said(question.name)
        await conversation.call.send(pb.TextInput(text=question.name, text_only=question.text_only))
    return await answered(conversation, before, question.name)


async def all_said(conversation: Conversation, microphone: VirtualMicrophone) -> None:
    """Wait until everything is said, and until the server can have noticed."""
    remaining = microphone.said_until + conversation.recording.start - time.monotonic()
    await conversation.until(lambda: False, remaining + SETTLE)


async def answered(conversation: Conversation, before: int, name: str) -> str:
    """Wait until what came after turn `before` is answered and heard; returns what went wrong."""

    def has_begun() -> bool:
        return any(turn.is_answered for turn in conversation.turns.since(before))

    if not await conversation.until(has_begun, ANSWER_WITHIN):
        return "" if conversation.has_ended else f"{name}: no answer within {ANSWER_WITHIN:g} s"
    if not await conversation.until(lambda: conversation.is_quiet, QUIET_WITHIN):
        return "" if conversation.has_ended else f"{name}: the answer did not end within {QUIET_WITHIN:g} s"
    await conversation.until(lambda: conversation.turns.since(before)[-1].metrics is not None, METRICS_WITHIN)
    failed = [turn for turn in conversation.turns.since(before) if turn.state == State.STATE_FAILED]
    why = [notice.message for turn in failed for notice in turn.notices]
    return f"{name}: {'; '.join(why) or 'it could not be answered'}" if failed else ""
