"""One conversation of the fake server: speech is energy, an answer is words and a tone."""

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

import grpc.aio
import numpy as np
import numpy.typing as npt
from google.protobuf.duration_pb2 import Duration

from voice_grpc.pb import voice_pb2 as pb

RATE_HZ = 24_000
CHUNK = 480
TONE_HZ = 660.0
HOLD_FRAMES = 15
"""Silent frames of 20 ms that end a turn: 0.3 s."""
INTERRUPT_FRAMES = 5
LEAD = 0.2

Context: TypeAlias = "grpc.aio.ServicerContext[pb.ConverseRequest, pb.ConverseResponse]"
State = pb.TurnEvent.State


@dataclass(slots=True)
class Character:
    """How this server behaves."""

    answer: tuple[str, ...] = ("It is a tone. ", "It goes on for a while.")
    seconds: float = 1.0
    """Of sound an answer, over all its segments."""
    think: float = 0.05
    token: str = ""
    is_mute: bool = False
    """Never answers."""
    fails: bool = False
    """Turns end FAILED after a Notice."""
    breaks: bool = False
    """The call ends UNAVAILABLE at the first question."""


def tone(seconds: float, rate_hz: int = RATE_HZ, hz: float = TONE_HZ) -> npt.NDArray[np.int16]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    sine: npt.NDArray[np.int16] = (np.sin(2 * np.pi * hz * t) * 8000).astype(np.int16)
    return sine


class Conversation:
    """One stream."""

    def __init__(self, context: Context, character: Character) -> None:
        self.requests: list[pb.ConverseRequest] = []
        self.was_reported = {state: asyncio.Event() for state in range(1, 5)}
        """State of a PlaybackReport → whether one came."""
        self.has_sound = asyncio.Event()
        self._context = context
        self._character = character
        self._turn = 0
        self._answer: asyncio.Task[None] | None = None
        self._is_over = False
        self._loud = self._soft = 0
        self._out: asyncio.Queue[pb.ConverseResponse | None] = asyncio.Queue()

    async def hold(self) -> bool:
        """False when it breaks off."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._write(), name="write")
            try:
                return await self._converse(group)
            finally:
                self._out.put_nowait(None)

    async def _write(self) -> None:
        """All of it, so that an answer is never cancelled within a write, which would still be going on in
        grpc.aio at the next."""
        while (response := await self._out.get()) is not None:
            await self._context.write(response)

    async def _converse(self, group: asyncio.TaskGroup) -> bool:
        self._say(session_started=pb.SessionStarted(session_id="fake", server_version="0"))
        reason = pb.SessionEnded.REASON_HALF_CLOSE
        while isinstance(request := await self._context.read(), pb.ConverseRequest):
            self.requests.append(request)
            if request.HasField("end_session"):
                reason = pb.SessionEnded.REASON_CLIENT
                break
            if request.HasField("text") and self._character.breaks:
                return False
            await self._receive(request, group)
        if self._answer:
            await asyncio.wait([self._answer])
        self._say(session_ended=pb.SessionEnded(reason=reason))
        return True

    async def _receive(self, request: pb.ConverseRequest, group: asyncio.TaskGroup) -> None:
        match request.WhichOneof("payload"):
            case "audio":
                self.has_sound.set()
                await self._listen(np.frombuffer(request.audio.data, "<i2"), group)
            case "text":
                await self._interrupt(pb.Interrupted.REASON_TEXT)
                self._begin(group, request.text.text_only)
            case "interrupt":
                await self._interrupt(pb.Interrupted.REASON_REQUEST)
            case "activity" if request.activity.kind == pb.UserActivity.KIND_END:
                self._begin(group)
            case "playback":
                self.was_reported[request.playback.state].set()
            case "ping":
                self._say(pong=pb.Pong(id=request.ping.id))

    async def _listen(self, frame: npt.NDArray[np.int16], group: asyncio.TaskGroup) -> None:
        is_loud = bool(np.sqrt(np.mean(np.square(frame.astype(np.float64)))) > 300)
        self._loud += is_loud
        self._soft = 0 if is_loud or not self._loud else self._soft + 1
        if is_loud and self._loud == 1:
            self._say(turn_event=pb.TurnEvent(state=State.STATE_USER_SPEAKING))
        if is_loud and self._loud % 10 == 0:
            self._say(transcript=pb.Transcript(text=f"interim {self._loud}", revision=self._loud // 10))
        if self._loud >= INTERRUPT_FRAMES:
            await self._interrupt(pb.Interrupted.REASON_SPEECH)
        if self._soft >= HOLD_FRAMES:
            heard = f"{self._loud * 0.02:.1f} seconds"
            self._loud = self._soft = 0
            self._say(transcript=pb.Transcript(text=heard, is_final=True))
            self._begin(group)

    async def _interrupt(self, reason: pb.Interrupted.Reason) -> None:
        if self._answer is None or self._answer.done() or self._is_over:
            return
        self._answer.cancel()
        await asyncio.wait([self._answer])
        reports = [each.playback for each in self.requests if each.playback.turn == self._turn]
        cut = pb.Interrupted(
            turn=self._turn,
            reason=reason,
            played_samples=max((report.played_samples for report in reports), default=0),
            heard_text="It is",
            source=pb.Interrupted.SOURCE_CLIENT_REPORTED,
        )
        self._say(playback_control=pb.PlaybackControl(action=pb.PlaybackControl.ACTION_FLUSH))
        self._say(interrupted=cut)
        self._say(turn_event=pb.TurnEvent(state=State.STATE_INTERRUPTED))

    def _begin(self, group: asyncio.TaskGroup, text_only: bool = False) -> None:
        if not self._character.is_mute:
            self._turn += 1
            self._is_over = False
            self._answer = group.create_task(self._reply(text_only), name=f"reply {self._turn}")

    async def _reply(self, text_only: bool) -> None:
        self._say(turn_event=pb.TurnEvent(state=State.STATE_THINKING))
        await asyncio.sleep(self._character.think)
        if self._character.fails:
            self._say(notice=pb.Notice(stage=pb.STAGE_LLM, reason="ENGINE_ERROR", message="no model"))
            self._say(turn_event=pb.TurnEvent(state=State.STATE_FAILED))
            return
        self._say(turn_event=pb.TurnEvent(state=State.STATE_SPEAKING))
        await self._speak(text_only)
        self._is_over = True
        self._say(turn_event=pb.TurnEvent(state=State.STATE_COMPLETED))
        self._say(turn_metrics=pb.TurnMetrics(voice_to_voice=Duration(nanos=321_000_000)))

    async def _speak(self, text_only: bool) -> None:
        """Paced by the clock, at most `LEAD` ahead."""
        loop, sound = asyncio.get_running_loop(), tone(self._character.seconds)
        start, chunks = loop.time(), max(1, -(-len(sound) // CHUNK))
        segments = self._character.answer
        said = -1
        for n in range(chunks):
            segment = n * len(segments) // chunks
            for each in range(said + 1, segment + 1):
                final = each == len(segments) - 1
                text = pb.ResponseText(segment_index=each, delta=segments[each], is_final=final)
                self._say(response_text=text)
            said = segment
            if not text_only:
                await asyncio.sleep(start + n * CHUNK / RATE_HZ - LEAD - loop.time())
                data = sound[n * CHUNK : (n + 1) * CHUNK]
                self._say(audio=chunk(data, n, segment, n == chunks - 1))

    def _say(self, **payload: object) -> None:
        about = self._turn + ("transcript" in payload)
        self._out.put_nowait(pb.ConverseResponse(turn=about, **payload))  # type: ignore[arg-type]


def chunk(samples: npt.NDArray[np.int16], n: int, segment: int, is_last: bool) -> pb.AudioOutput:
    return pb.AudioOutput(
        data=samples.tobytes(),
        chunk_index=n,
        offset_samples=n * CHUNK,
        duration_samples=len(samples),
        segment_index=segment,
        is_last=is_last,
    )
