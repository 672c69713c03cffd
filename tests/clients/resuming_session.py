"""One conversation of the resuming fake server, whichever stream it is on.

An answer is a ramp: the value of each sample is its place, so that one that is missing or comes twice is
seen. It is sent as far ahead of the client's reports as `LEAD`, or at once to a client that makes none: by
messages alone, never by a clock.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from voice_grpc.pb import voice_pb2 as pb

RATE_HZ = 24_000
CHUNK = 480
LEAD = 4_800
UPDATE_EVERY = 50
"""Requests between two ResumeUpdates, besides those after a turn."""
WINDOW = 120.0

State = pb.TurnEvent.State


def ramp(first: int, count: int) -> npt.NDArray[np.int16]:
    """Samples `first` to `first + count` of any answer; never 0, which is silence."""
    places = np.arange(first, first + count)
    return (places % 30_000 + 1).astype(np.int16)


@dataclass(slots=True)
class Answer:
    turn: int
    begins: int
    """Its sample 0 is this one of the ramp: beyond 0 in a turn that says the rest of another."""
    samples: int
    sent: int = 0
    chunk: int = 0
    played: int = 0
    is_told: bool = False
    """That it has ended."""


@dataclass(slots=True)
class Session:
    """What a server keeps of a conversation."""

    id: str
    home: object
    """The server that holds it."""
    reports: bool
    seq: int = 0
    """Of the last response."""
    consumed: int = 0
    safe: int = 0
    """The last request that nobody need send again."""
    acted: list[pb.ConverseRequest] = field(default_factory=list)
    """Each request that was acted on, once."""
    sound: bytes = b""
    """The user's, of a turn that is not over."""
    spoken: list[bytes] = field(default_factory=list)
    """The user's turns."""
    told: list[pb.ConverseResponse] = field(default_factory=list)
    """What is not sound."""
    turn: int = 0
    answer: Answer | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """A request was acted on."""
    out: "asyncio.Queue[pb.ConverseResponse | None] | None" = None
    """Of the stream that it is on; None: it is parked."""

    # ------------------------------------------------------------ the client's

    def receive(self, request: pb.ConverseRequest) -> None:
        if request.seq and request.seq <= self.consumed:
            return
        self.consumed = request.seq or self.consumed + 1
        self.acted.append(request)
        self.changed.set()
        match request.WhichOneof("payload"):
            case "audio":
                self.sound += request.audio.data
            case "audio_end":
                self._spoken()
            case "text":
                self._answer(request.text.text)
            case "playback" if self.answer is not None and request.playback.turn == self.answer.turn:
                self.answer.played = max(self.answer.played, request.playback.played_samples)
            case "ping":
                self.say(pong=pb.Pong(id=request.ping.id))
        if not self.sound:
            self.safe = self.consumed
        self.pump()
        if len(self.acted) % UPDATE_EVERY == 0:
            self.update()

    def _spoken(self) -> None:
        self.spoken.append(self.sound)
        self.sound = b""
        heard = f"{len(self.spoken[-1]) // 2} samples"
        self.say(transcript=pb.Transcript(segment=len(self.spoken) - 1, text=heard, is_final=True))

    def _answer(self, words: str) -> None:
        """`say SECONDS` is answered with so much sound; anything else in words alone."""
        if self.answer is not None and not self.answer.is_told:
            self.answer.is_told = True
            self.say(interrupted=pb.Interrupted(turn=self.turn, reason=pb.Interrupted.REASON_TEXT))
            self.say(turn_event=pb.TurnEvent(state=State.STATE_INTERRUPTED))
        self.turn += 1
        self.say(turn_event=pb.TurnEvent(state=State.STATE_THINKING))
        self.say(response_text=pb.ResponseText(delta=f"You said {words}.", is_final=True))
        seconds = float(words.split()[1]) if words.startswith("say ") else 0.0
        self.answer = Answer(self.turn, 0, round(seconds * RATE_HZ))

    async def until(self, found: Callable[[], bool], within: float = 60) -> None:
        """What a client sent made it so."""
        async with asyncio.timeout(within):
            while not found():
                self.changed.clear()
                await self.changed.wait()

    # ------------------------------------------------------------ ours

    def pump(self) -> None:
        """What of the answer may be sent by now."""
        answer = self.answer
        while answer is not None and answer.sent < answer.samples and self.out is not None:
            if self.reports and answer.sent >= answer.played + LEAD:
                return
            count = min(CHUNK, answer.samples - answer.sent)
            audio = pb.AudioOutput(
                data=ramp(answer.begins + answer.sent, count).tobytes(),
                chunk_index=answer.chunk,
                offset_samples=answer.sent,
                duration_samples=count,
                is_last=answer.sent + count == answer.samples,
            )
            answer.sent, answer.chunk = answer.sent + count, answer.chunk + 1
            self.say(turn=answer.turn, audio=audio)
        if answer is not None and not answer.is_told and answer.sent >= answer.samples:
            answer.is_told = True
            self.say(turn_event=pb.TurnEvent(state=State.STATE_COMPLETED))
            self.update()

    def say(self, turn: int | None = None, **payload: object) -> None:
        """Sound is not told again, and what was said while nobody listened is."""
        self.seq += 1
        about = self.turn if turn is None else turn
        response = pb.ConverseResponse(seq=self.seq, turn=about, **payload)  # type: ignore[arg-type]
        if "audio" not in payload:
            self.told.append(response)
        if self.out is not None:
            self.out.put_nowait(response)

    def update(self) -> None:
        """With what to come back."""
        expires = Timestamp()
        expires.GetCurrentTime()
        expires.FromNanoseconds(expires.ToNanoseconds() + round(WINDOW * 1e9))
        token = f"token-{self.id}-{self.seq}"
        self.say(
            resume_update=pb.ResumeUpdate(
                resume_token=token, expire_time=expires, last_consumed_seq=self.safe
            )
        )

    def go_away(self, reason: str, seconds: float) -> None:
        left = Duration()
        left.FromNanoseconds(round(seconds * 1e9))
        self.say(turn=0, go_away=pb.GoAway(time_left=left, reason=reason))

    def go_on(self, config: pb.SessionConfig) -> None:
        """On the same server, with what was told before and with the answer from where the ear was."""
        for response in [each for each in self.told if each.seq > config.last_received_seq]:
            if self.out is not None and not response.HasField("resume_update"):
                self.out.put_nowait(response)
        answer = self.answer
        if answer is not None:
            is_told = config.resume_turn == answer.turn and config.HasField("resume_played_samples")
            heard = config.resume_played_samples if is_told else answer.played
            answer.sent = min(answer.sent, heard)

    def taken_by(self, home: object, config: pb.SessionConfig) -> None:
        """Another server has what is in the store: the cut turn has ended, and the next says the rest."""
        self.home, self.consumed, self.sound = home, self.safe, b""
        answer = self.answer
        if answer is None or answer.is_told:
            return
        heard = config.resume_played_samples if config.resume_turn == answer.turn else answer.played
        lost = pb.Interrupted.REASON_SERVER_LOST
        self.say(interrupted=pb.Interrupted(turn=answer.turn, reason=lost, played_samples=heard))
        self.say(turn_event=pb.TurnEvent(state=State.STATE_INTERRUPTED))
        self.turn += 1
        self.answer = Answer(self.turn, answer.begins + heard, answer.samples - heard)
        self.say(turn_event=pb.TurnEvent(state=State.STATE_THINKING))
