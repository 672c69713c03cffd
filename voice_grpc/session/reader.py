"""What the caller sends, taken in the order it comes: sound to the listener, the rest where it belongs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ..codec.transcode import Decoder
from ..core import requests as i
from ..core.audio import RATE_HZ, Frame, Samples
from ..core.config import SessionConfig
from ..core.errors import Skipped
from ..core.events import ActivityCancelled, ActivityStarted, Event, StopRequested, TextReceived
from ..core.responses import EndReason, Notice, Pong
from .clock import ConversationClock
from .listener import Listener
from .outbox import Outbox

MAX_GAP_SECONDS = 1.0
"""Lost sound that is filled with silence; the rest of a longer gap is left out."""

MAX_OFFSET = 2**53
"""Of a sample. Beyond it positions would not fit into what is said about them."""

DROPPING_SECONDS = 10.0
"""Without a loss, after which another one is said."""

MAX_WAITING = 16
"""Typed texts that wait for the end of an answer; more are refused."""


_ACTS = (i.UserActivity, i.AudioInputEnd, i.Interrupt, i.ConfigUpdate)
_AFTER_THE_END = (i.PlaybackReport, i.Ping, i.Interrupt, i.RefusedRequest, i.ToolResult)
"""Still of use to a session that finishes what is being said; the rest comes too late."""


class HungUp(Exception):
    """The stream of requests was cancelled, and not by us."""


class Host(Protocol):
    """What the reader asks of its session."""

    def post(self, event: Event) -> None: ...
    def playback(self, report: i.PlaybackReport) -> None: ...
    def tool_result(self, result: i.ToolResult) -> None: ...
    def apply(self, update: i.ConfigUpdate) -> None: ...
    @property
    def turn(self) -> int: ...
    @property
    def waiting(self) -> int: ...
    @property
    def is_behind(self) -> bool: ...
    @property
    def is_deaf(self) -> bool:
        """What comes in is not to be heard: half duplex, and an answer is playing."""
        ...


class Reader:
    def __init__(
        self, config: SessionConfig, host: Host, listener: Listener, outbox: Outbox, clock: ConversationClock
    ) -> None:
        self._host, self._listener, self._outbox, self._clock = host, listener, outbox, clock
        self._decoder = Decoder(config.input)
        self._received = 0
        """Samples at the input rate: the offset of the next chunk."""
        self._position = 0
        """The same at `RATE_HZ`, less what the resampler holds back."""
        self._dropped_at: float | None = None
        self.end_reason: EndReason | None = None
        """Set once the caller has nothing more to say."""

    async def read(self, requests: AsyncIterator[i.ConverseRequest], on_message: Callable[[], None]) -> None:
        """Raises `HungUp`."""
        try:
            async for request in requests:
                on_message()
                if not self._turns_away(request):
                    self.take(request)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise HungUp from None
        self.take(i.EndSession(is_half_close=True))

    def take(self, request: i.ConverseRequest) -> None:  # noqa: C901, PLR0912 - one line a case
        match request:
            case i.AudioInput():
                self._hear(request)
            case i.AudioInputEnd() | i.UserActivity(i.ActivityKind.END):
                self._listener.inlet.close()
            case i.UserActivity(press):
                self._host.post(ActivityStarted() if press is i.ActivityKind.START else ActivityCancelled())
            case i.TextInput() | i.Say():
                self._take_text(request)
            case i.Interrupt():
                self._interrupt(request)
            case i.Pause():
                self._clock.pause()
            case i.Resume():
                self._clock.resume()
            case i.PlaybackReport():
                self._host.playback(request)
            case i.ToolResult():
                self._host.tool_result(request)
            case i.ConfigUpdate():
                self._host.apply(request)
            case i.Ping(id, client_time_us):
                self._outbox.put(Pong(id, client_time_us))
            case i.RefusedRequest(reason, message, field, seq):
                self._outbox.put(Notice("protocol", reason, message, seq=seq, field=field))
            case i.EndSession(is_half_close):
                self._end(EndReason.HALF_CLOSE if is_half_close else EndReason.CLIENT)

    def _turns_away(self, request: i.ConverseRequest) -> bool:
        """What comes too late, or is more than can be acted on."""
        if isinstance(request, _ACTS) and self._host.is_behind:
            text = "more comes in than can be acted on; this is left out"
            self._refuse("TOO_MANY", text, getattr(request, "seq", 0))
            return True
        return self.end_reason is not None and not isinstance(request, _AFTER_THE_END)

    def _end(self, reason: EndReason) -> None:
        if self.end_reason is None:
            self.end_reason = reason
            self._clock.resume()
            self._listener.inlet.close()

    def _take_text(self, request: i.TextInput | i.Say) -> None:
        if self._host.waiting >= MAX_WAITING:
            self._refuse("TOO_MANY", f"{MAX_WAITING} texts wait already; wait for an answer", request.seq)
        elif isinstance(request, i.Say):
            self._host.post(
                TextReceived(
                    request.text,
                    verbatim=True,
                    interrupts=False,
                    interruptible=request.interruptible,
                    ssml=request.ssml,
                )
            )
        else:
            self._host.post(
                TextReceived(request.text, interrupts=request.interrupts, text_only=request.text_only)
            )

    def _interrupt(self, request: i.Interrupt) -> None:
        if request.turn not in (0, self._host.turn):
            text = f"interrupt.turn: got {request.turn}, accepted: 0 or the current turn {self._host.turn}"
            self._refuse("BAD_MESSAGE", text, request.seq, "interrupt.turn")
            return
        self._host.post(StopRequested())

    def _refuse(self, reason: str, message: str, seq: int, field: str = "") -> None:
        self._outbox.put(Notice("protocol", reason, message, seq=seq, field=field))

    # ------------------------------------------------------------ sound

    def _hear(self, audio: i.AudioInput) -> None:
        is_heard = not (self._clock.is_paused or self._host.is_deaf)
        try:
            if is_heard:
                self._fill_gap(audio)
            decoded = self._decoder.decode(audio.data)
        except Skipped as error:
            self._refuse("BAD_MESSAGE", str(error), audio.seq, error.field)
            return
        if not is_heard:
            self._skip(decoded.length)
            return
        self._received += decoded.length
        self._pass_on(decoded.samples)

    def _fill_gap(self, audio: i.AudioInput) -> None:
        gap = 0 if audio.offset is None else audio.offset - self._received
        if gap > 0 and audio.offset is not None and audio.offset > MAX_OFFSET:
            text = f"audio.offset_samples: got {audio.offset}, accepted: {MAX_OFFSET} or less"
            self._refuse("BAD_MESSAGE", text, audio.seq, "audio.offset_samples")
        elif gap > 0:
            filled = min(gap, round(MAX_GAP_SECONDS * self._decoder.format.rate_hz))
            self._skip(gap - filled)
            self._received += filled
            self._pass_on(self._decoder.pad(filled))
        elif gap < 0:
            text = f"audio.offset_samples: got {audio.offset}, accepted: {self._received} or more"
            self._refuse("BAD_MESSAGE", text, audio.seq, "audio.offset_samples")

    def _skip(self, samples: int) -> None:
        self._received += samples
        self._position += samples * RATE_HZ // self._decoder.format.rate_hz

    def _pass_on(self, samples: Samples) -> None:
        dropped = self._listener.inlet.put(Frame(samples, self._position)) if len(samples) else 0
        self._position += len(samples)
        if not dropped:
            return
        before, self._dropped_at = self._dropped_at, self._clock.now()
        if before is None or self._dropped_at - before > DROPPING_SECONDS:
            text = "sound comes in faster than it can be heard; the oldest is dropped"
            self._outbox.put(Notice("session", "INPUT_DROPPED", text, retryable=True))
