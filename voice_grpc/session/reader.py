"""What the caller sends, taken in the order it comes: sound to the listener, the rest where it belongs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ..codec.transcode import Decoder
from ..core import requests as i
from ..core.audio import RATE_HZ, Frame, Samples, seconds
from ..core.config import AudioFormat
from ..core.consumption import Consumed, Consumption
from ..core.errors import Reason, Skipped, VoiceError, first
from ..core.events import ActivityCancelled, ActivityStarted, StopRequested, TextReceived
from ..core.responses import EndReason, Notice, Pong
from ..core.turn.state import State
from ..core.turn.taker import TurnTaker
from .command_runner import CommandRunner
from .context import SessionContext
from .event_queue import EventQueue
from .hearing.audio_queue import AudioQueue
from .telling.outbox import Outbox

MAX_GAP_SECONDS = 1.0
"""Lost sound that is filled with silence; the rest of a longer gap is left out."""

MAX_OFFSET = 2**53
"""The last position of a sample. Beyond it positions would not fit into what is said about them."""

DROPPING_SECONDS = 10.0
"""Without a loss, after which another one is said."""

MAX_WAITING = 16
"""Typed texts that wait for the end of an answer; more are refused."""

MAX_UPDATES = 16
"""Changes of the settings that wait to be in force: the conversation is held, or they come in a flood. Each
is the settings whole, with instructions and schemas up to 100 kB; more are refused, each by its number, as
each that is taken is answered by ConfigApplied."""

_ACTS = (i.UserActivity, i.AudioInputEnd, i.Interrupt, i.ConfigUpdate)
_AFTER_THE_END = (i.PlaybackReport, i.Ping, i.Interrupt, i.RefusedRequest, i.ToolResult)
"""Still of use to a session that finishes what is being said; the rest comes too late."""

_ONCE = (i.TextInput, i.Say, i.Interrupt, i.ToolResult, i.ConfigUpdate)
"""Acted on once, though a server that was lost may not have taken care of all that came before it."""

T = TypeVar("T")


class HungUp(Exception):
    """The stream of requests was cancelled, and not by us."""


async def received(requests: AsyncIterator[T]) -> AsyncIterator[T]:
    """The requests as they come. Raises `HungUp`."""
    try:
        async for request in requests:
            yield request
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise HungUp from None


@contextmanager
def one_error() -> Iterator[None]:
    """What a group of tasks failed of, as one error: a `VoiceError` before that nobody is there any more
    (CancelledError). A bug comes out as the group that it is."""
    try:
        yield
    except BaseExceptionGroup as group:
        ours, rest = group.split(VoiceError)
        gone, bugs = rest.split(HungUp) if rest is not None else (None, None)
        if bugs is not None:
            raise
        if ours is not None:
            raise first(ours) from None
        raise asyncio.CancelledError from None


class AudioReceiver:
    """The caller's sound on its way to the listener: decoded, its gaps filled, in its place."""

    def __init__(
        self,
        format: AudioFormat,
        audio: AudioQueue,
        outbox: Outbox,
        now: Callable[[], float],
        on_sound: Callable[[Samples, int], None] | None = None,
        received: int = 0,
    ) -> None:
        """`on_sound`: told of all that is passed on, with its position at `RATE_HZ`. `received`: samples at
        the input rate that another server had."""
        self._on_sound = on_sound
        self._audio, self._outbox, self._now = audio, outbox, now
        self._decoder = Decoder(format)
        self.received = received
        """Samples at the input rate: the offset of the next chunk."""
        self.position = received * RATE_HZ // format.rate_hz
        """The same at `RATE_HZ`, less what the resampler holds back."""
        self._dropped_at: float | None = None
        self.heard_seconds = 0.0
        """Of sound that was passed on."""

    def receive(self, audio: i.AudioInput, *, is_heard: bool = True) -> None:
        """Decode it and pass it on; what is not to be heard is counted all the same."""
        try:
            if is_heard:
                self._fill_gap(audio)
            decoded = self._decoder.decode(audio.data)
        except Skipped as error:
            self._refuse(str(error), audio.seq, error.field)
            return
        if not is_heard:
            self._skip(decoded.length)
            return
        self.received += decoded.length
        self._pass_on(decoded.samples)

    def _fill_gap(self, audio: i.AudioInput) -> None:
        gap = 0 if audio.offset is None else audio.offset - self.received
        if gap > 0 and audio.offset is not None and audio.offset > MAX_OFFSET:
            text = f"audio.offset_samples: got {audio.offset}, accepted: {MAX_OFFSET} or less"
            self._refuse(text, audio.seq, "audio.offset_samples")
        elif gap > 0:
            filled = min(gap, round(MAX_GAP_SECONDS * self._decoder.format.rate_hz))
            self._skip(gap - filled)
            self.received += filled
            self._pass_on(self._decoder.pad(filled))
        elif gap < 0:
            text = f"audio.offset_samples: got {audio.offset}, accepted: {self.received} or more"
            self._refuse(text, audio.seq, "audio.offset_samples")

    def _skip(self, samples: int) -> None:
        self.received += samples
        self.position += samples * RATE_HZ // self._decoder.format.rate_hz

    def _pass_on(self, samples: Samples) -> None:
        if self._on_sound is not None and len(samples):
            self._on_sound(samples, self.position)
        dropped = self._audio.put(Frame(samples, self.position)) if len(samples) else 0
        self.position += len(samples)
        self.heard_seconds += seconds(len(samples))
        if not dropped:
            return
        before, self._dropped_at = self._dropped_at, self._now()
        if before is None or self._dropped_at - before > DROPPING_SECONDS:
            text = "sound comes in faster than it can be heard; the oldest is dropped"
            self._outbox.put(Notice("session", Reason.INPUT_DROPPED, text, retryable=True))

    def _refuse(self, message: str, seq: int, field: str) -> None:
        self._outbox.put(Notice("protocol", Reason.BAD_MESSAGE, message, seq=seq, field=field))


class Reader:
    """The only one to read the requests of a conversation, on whatever line they come."""

    def __init__(
        self,
        context: SessionContext,
        queue: EventQueue,
        audio: AudioQueue,
        taker: TurnTaker,
        runner: CommandRunner,
        consumed: Consumed,
    ) -> None:
        """`consumed`: what of the requests another server took care of."""
        self._context, self._queue, self._audio = context, queue, audio
        self._taker, self._runner = taker, runner
        self._outbox, self._clock = context.outbox, context.clock
        self.on_message: Callable[[], None] = lambda: None
        """Called for each request that comes."""
        now, format = context.clock.now, context.config.current.input
        self._receiver = AudioReceiver(
            format, audio, context.outbox, now, context.recording.hear, consumed.received
        )
        self.consumption = Consumption(consumed)
        self._known, self._acted = consumed.seq, consumed.acted
        """Numbers up to which requests are known from the line before: all of them, and those that are
        acted on once."""
        self._has_ended = False
        """The caller has nothing more to say."""

    @property
    def heard_seconds(self) -> float:
        """Of sound that came in to be heard."""
        return self._receiver.heard_seconds

    @property
    def position(self) -> int:
        """Just after the last sample that came, at `RATE_HZ`."""
        return self._receiver.position

    def begin_line(self) -> int:
        """What was read so far is not taken again. Returns the number of the last request."""
        self._known = self._acted = self.consumption.highest
        return self._known

    @property
    def known(self) -> int:
        """Number of the last request that is not to be sent again."""
        return self._known

    async def read(self, requests: AsyncIterator[i.ConverseRequest]) -> None:
        """Raises `HungUp`."""
        async for request in received(requests):
            self.on_message()
            if not self._is_known(request) and not self._turns_away(request):
                self._context.recording.told(request)
                self.take(request)
        self.take(i.EndSession(is_half_close=True))

    def _is_known(self, request: i.ConverseRequest) -> bool:
        """It came before, on another line."""
        seq = getattr(request, "seq", 0)
        self.consumption.took(seq)
        return 0 < seq <= (self._acted if isinstance(request, _ONCE) else self._known)

    def take(self, request: i.ConverseRequest) -> None:  # noqa: C901, PLR0912 - one line a case
        match request:
            case i.AudioInput():
                self._receiver.receive(request, is_heard=not (self._clock.is_paused or self._is_deaf))
                place = self._receiver
                self.consumption.took_sound(request.seq, place.position, place.received)
            case i.AudioInputEnd() | i.UserActivity(i.ActivityKind.END):
                self._audio.close()
            case i.UserActivity(kind):
                is_start = kind is i.ActivityKind.START
                if is_start:
                    self.consumption.took_press(request.seq)
                self._queue.put(ActivityStarted() if is_start else ActivityCancelled())
            case i.TextInput() | i.Say():
                self._take_text(request)
            case i.Interrupt():
                self._interrupt(request)
            case i.Pause():
                self._clock.pause()
            case i.Resume():
                self._clock.resume()
            case i.PlaybackReport():
                self._runner.outcomes.reported(request)
            case i.ToolResult():
                self._context.tool_calls.take(request)
            case i.ConfigUpdate(config):
                if self._context.recording.is_on and not config.is_recorded:
                    self._context.recording.withdraw(request.seq)
                    self._runner.memory.went_on()
                self._context.config.expect(config)
                self._queue.put(request)
            case i.Ping(id, client_time_us):
                self._outbox.put(Pong(id, client_time_us))
            case i.RefusedRequest(reason, message, field, seq):
                self._refuse(reason, message, seq, field)
            case i.EndSession(is_half_close):
                self._end(EndReason.HALF_CLOSE if is_half_close else EndReason.CLIENT)

    @property
    def _is_deaf(self) -> bool:
        """What comes in is not to be heard: half duplex, and an answer is playing."""
        is_answering = self._taker.state in (State.SPEAKING, State.YIELDING)
        return self._context.config.current.is_half_duplex and is_answering

    def _turns_away(self, request: i.ConverseRequest) -> bool:
        """What comes too late, or is more than can be acted on."""
        if isinstance(request, _ACTS) and self._queue.is_crowded:
            text = "more comes in than can be acted on; this is left out"
            self._refuse(Reason.TOO_MANY, text, getattr(request, "seq", 0))
            return True
        if isinstance(request, i.ConfigUpdate) and self._queue.waiting_updates >= MAX_UPDATES:
            text = f"config_update: {MAX_UPDATES} wait already; wait for a ConfigApplied"
            self._refuse(Reason.TOO_MANY, text, request.seq, "config_update")
            return True
        return self._has_ended and not isinstance(request, _AFTER_THE_END)

    def _end(self, reason: EndReason) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._queue.put(reason)
            self._clock.resume()
            self._audio.close()

    def _take_text(self, request: i.TextInput | i.Say) -> None:
        if self._taker.waiting + self._queue.waiting // 2 >= MAX_WAITING:
            self._refuse(
                Reason.TOO_MANY, f"{MAX_WAITING} texts wait already; wait for an answer", request.seq
            )
            return
        if isinstance(request, i.Say):
            self._queue.put(
                TextReceived(
                    request.text,
                    verbatim=True,
                    interrupts=False,
                    interruptible=request.interruptible,
                    ssml=request.ssml,
                    seq=request.seq,
                )
            )
        else:
            self._queue.put(
                TextReceived(
                    request.text,
                    interrupts=request.interrupts,
                    text_only=request.text_only,
                    seq=request.seq,
                )
            )

    def _interrupt(self, request: i.Interrupt) -> None:
        turn = self._taker.turn
        if request.turn not in (0, turn):
            text = f"interrupt.turn: got {request.turn}, accepted: 0 or the current turn {turn}"
            self._refuse(Reason.BAD_MESSAGE, text, request.seq, "interrupt.turn")
            return
        self._queue.put(StopRequested())

    def _refuse(self, reason: str, message: str, seq: int, field: str = "") -> None:
        self._outbox.put(Notice("protocol", reason, message, seq=seq, field=field))
