"""What a recording is told of its conversation: the user's sound as it was taken in, the assistant's as it
was heard, and what was asked and told, each in its place on one timeline.

The timeline is the loop's, and begins with the session. Sound is told `SETTLE_SECONDS` late: until then a
report of the client, or an earlier arrival, may say better when it was to be heard. Where nothing is
recorded, nothing is kept here.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..core import requests as i
from ..core import responses as o
from ..core.audio import RATE_HZ, Samples, seconds
from ..core.config import LiveConfig
from ..core.echo.far_end import NearClock
from ..core.errors import Reason
from ..core.playout.heard_sound import TOLERANCE, HeardPiece, HeardSound
from ..core.playout.pacer import Pacer
from ..ports import CONVERSATION_ENDED, RecordedMessage, Recorder, Recording, SoundPiece, SpokenAt
from .clock import ConversationClock, loop_now

SETTLE_SECONDS = 0.5
"""More than a client is late with its first report of what it plays, and than a network is unsteady."""

TELL_SECONDS = 0.25
"""Between two times that sound is told: what a server that is killed has not told is lost."""

MAX_WAITING = 20.0
"""Seconds of the user's sound that wait for that: who sends faster is told at once, and bounded there."""

WITHDRAWN = "the caller allows no recording any more"

_UNTOLD = (i.AudioInput, i.PlaybackReport, i.Ping, i.ConfigUpdate, i.RefusedRequest, o.AudioOutput, o.Pong)
"""What is sound, or says nothing of the conversation, or is told by what it is answered with."""


class UserSound:
    """The user's sound on its way to a recording, each piece in its place on the timeline."""

    def __init__(self, begun: float) -> None:
        """`begun`: when the timeline begins, in the loop's time."""
        self._begun = begun
        self._near, self._frames = NearClock(), deque[tuple[float, float, Samples]]()
        """What is not told yet: when it came, and its place in the stream, in seconds."""
        self.waiting = 0.0
        """Seconds of sound that are not told yet."""
        self._end = 0.0
        """On the timeline, of what was told."""

    def hear(self, samples: Samples, position: int, now: float) -> None:
        """As it comes in, at `RATE_HZ`; `position` is in the stream."""
        self._near.arrived(position + len(samples), now)
        self._frames.append((now, seconds(position), samples))
        self.waiting += seconds(len(samples))

    def due(self, until: float) -> Iterator[SoundPiece]:
        """What came before `until`: where it would have come if nothing had held it up, behind what was told
        before."""
        while self._frames and self._frames[0][0] <= until:
            _, place, samples = self._frames.popleft()
            self.waiting -= seconds(len(samples))
            at = self.on_timeline(place)
            if at <= self._end + TOLERANCE:
                at = self._end
            self._end = at + seconds(len(samples))
            yield SoundPiece(at, samples, RATE_HZ)

    def on_timeline(self, place: float) -> float:
        """Of a place in the stream, in seconds, by what is known of its arrivals now."""
        zero = self._near.zero - self._begun if self._near.is_set else 0.0
        return max(0.0, place + zero)


class RecordingTap:
    def __init__(self, recorder: Recorder | None, config: LiveConfig, clock: ConversationClock) -> None:
        """`recorder`: None, or a config that does not allow it: nothing is recorded."""
        self._recorder = recorder if config.current.is_recorded else None
        self._config, self._clock = config, clock
        self._recording: Recording | None = None
        self._begun = loop_now()
        self._troubles = list[str]()
        """Why the recording ended before the session, which may be told by any thread."""
        self._say: Callable[[o.Notice], None] = lambda notice: None
        self._early: list[tuple[float, RecordedMessage]] = []
        """Told before the recording was open: the beginning of a session."""
        self._user = UserSound(self._begun)
        self._heard = HeardSound()

    @property
    def is_on(self) -> bool:
        return self._recorder is not None

    def open(self, session_id: str, owner: str, say: Callable[[o.Notice], None]) -> None:
        """From now on what was told is recorded; `say` is told when that ends before the session does."""
        self._say = say
        if self._recorder is not None:
            self._recording = self._recorder.open(session_id, owner, self._troubles.append)
            for at, message in self._early:
                self._recording.tell(at, message)
        self._early = []

    async def run(self) -> None:
        """Tells the sound as it settles, until it is cancelled, or the recording ends."""
        while self.is_on and not self._troubles:
            await asyncio.sleep(TELL_SECONDS)
            self._tell_sound(max(self._begun, loop_now() - SETTLE_SECONDS))
        if self.is_on:
            self._recorder = self._recording = None
            self._config.end_recording()
            self._say(o.Notice("session", Reason.RECORDING_STOPPED, self._troubles[0]))

    def withdraw(self, seq: int) -> None:
        """The caller allows it no more, by its request of this number: nothing of what comes is recorded."""
        self._config.is_recording_withdrawn = True
        self._config.end_recording()
        self.close(WITHDRAWN)
        self._say(o.Notice("session", Reason.RECORDING_STOPPED, WITHDRAWN, seq=seq))

    def close(self, reason: str = CONVERSATION_ENDED) -> None:
        """What was heard until now is told."""
        recording, now = self._recording, loop_now()
        if recording is not None:
            self._tell_sound(now)
            recording.close(now - self._begun, reason)
        self._recorder = self._recording = None

    # ------------------------------------------------------------ told by the session

    def told(self, message: RecordedMessage) -> None:
        """Something that is asked or told."""
        if self._recorder is None or isinstance(message, _UNTOLD):
            return
        at = loop_now() - self._begun
        if self._recording is None:
            self._early.append((at, message))
        else:
            self._recording.tell(at, message, _spoken(message, self._user))

    def hear(self, samples: Samples, position: int) -> None:
        """The user's sound as it comes in, at `RATE_HZ`; `position` is in the stream."""
        if self._recorder is not None:
            self._user.hear(samples, position, loop_now())
            if self._user.waiting > MAX_WAITING:
                self._tell_user(loop_now())

    def leave(self, pacer: Pacer, samples: Samples) -> None:
        """Some of an answer leaves now."""
        if self._recorder is not None:
            self._heard.leave(pacer, samples, self._clock.now())

    def held(self, pacer: Pacer) -> None:
        self._heard.held(pacer, self._clock.now())

    def resumed(self, pacer: Pacer) -> None:
        self._heard.resumed(pacer, self._clock.now())

    def reported(self, pacer: Pacer) -> None:
        self._heard.reported(pacer, self._clock.now())

    def cut(self, pacer: Pacer) -> None:
        self._heard.cut(pacer, self._clock.now())

    # ------------------------------------------------------------ told to the recording

    def _tell_sound(self, until: float) -> None:
        """What was heard before `until`, in the loop's time."""
        pieces = self._heard.take(self._clock.at(until))
        self._tell_user(until)
        if self._recording is None:
            return
        for heard in pieces:
            for piece in _in_loop_time(heard, self._clock, self._begun):
                self._recording.say(piece)
        self._recording.settle(until - self._begun)

    def _tell_user(self, until: float) -> None:
        for piece in self._user.due(until):
            if self._recording is not None:
                self._recording.hear(piece)


def _in_loop_time(piece: HeardPiece, clock: ConversationClock, begun: float) -> list[SoundPiece]:
    parts = []
    for start, at in clock.in_loop_time(piece.at, piece.end):
        parts.append(replace(piece.behind(start), at=at))
    cut = [(part, parts[n + 1] if n + 1 < len(parts) else None) for n, part in enumerate(parts)]
    lengths = [len(part.samples) - (len(rest.samples) if rest else 0) for part, rest in cut]
    return [
        SoundPiece(part.at - begun, part.samples[:length], part.rate_hz)
        for part, length in zip(parts, lengths, strict=True)
    ]


def _spoken(message: RecordedMessage, user: UserSound) -> SpokenAt | None:
    """Where the words of a transcript lie on the timeline."""
    if not isinstance(message, o.Transcript):
        return None
    return SpokenAt(*(user.on_timeline(seconds(place)) for place in (message.start, message.end)))
