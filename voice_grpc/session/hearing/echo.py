"""The assistant never hears itself: what leaves is kept as the far end, and taken out of what comes in.

Only where the client does not cancel its echo itself and listens while it plays, and not where nothing comes
back of an answer that sounds. Without a canceller the words are left: what the assistant said just now is
nobody's turn. While nothing is played, sound passes as it is.
"""

import asyncio
from collections.abc import Callable

import numpy as np

from ...codec.transcode import Resampler
from ...core.audio import RATE_HZ, Frame, Samples, seconds
from ...core.config import LiveConfig
from ...core.echo.far_end import EchoReturnLoss, FarEnd, NearClock
from ...core.echo.own_words import SpokenWords
from ...core.echo.presence import EchoPresence
from ...core.errors import EngineError, EngineTimeout
from ...core.playout.pacer import Chunk, Pacer
from ...ports import BLOCK, EchoCanceller, EchoStream
from ..telling.notices import engine_notice
from ..telling.outbox import Outbox
from .audio_queue import AudioQueue

ECHO_TIMEOUT = 2.0
"""A block takes 0.1 ms; a canceller that is silent for so long is stuck."""

_NOTHING: Samples = np.zeros(0, np.int16)


class EchoPath:
    """From the loudspeaker to the microphone: what left of the answers, as far as it may come back."""

    def __init__(self, canceller: EchoCanceller | None, config: LiveConfig, now: Callable[[], float]) -> None:
        self._config, self._canceller, self.now = config, canceller, now
        self.far, self.loss, self.presence = FarEnd(), EchoReturnLoss(), EchoPresence()
        self._words = SpokenWords()
        self._pacer: Pacer | None = None
        """Of the answer that left last."""
        self._resampler: Resampler | None = None

    @property
    def is_open(self) -> bool:
        """The microphone may hear the loudspeaker."""
        config = self._config.current
        return not (config.has_echo_cancellation or config.is_half_duplex)

    @property
    def is_cancelled(self) -> bool:
        """What it hears of it is taken out."""
        return self._canceller is not None and self.is_open

    def open(self) -> EchoStream:
        """Only where `is_cancelled`. Raises `EngineError`."""
        assert self._canceller is not None
        return self._canceller.open()

    def leave(self, pacer: Pacer, chunk: Chunk, text_of: Callable[[int], str]) -> None:
        """Some of an answer leaves now. `text_of`: each clause of it."""
        if not self.is_open:
            return
        if len(chunk.samples):
            self._words.speak(pacer, chunk.segment, text_of(chunk.segment), self.now())
        if self._canceller is None:
            return
        if pacer is not self._pacer or self._resampler is None:
            self._pacer, self._resampler = pacer, Resampler(pacer.rate_hz, RATE_HZ)
            self.presence.begin()
        self.far.write(pacer, self._resampler.feed(chunk.samples))

    def cut(self, pacer: Pacer) -> None:
        """What the client has of this answer is thrown away."""
        if pacer is self._pacer:
            self.far.cut()

    def moved(self, pacer: Pacer) -> None:
        """What leaves next of this answer is another sample than the last that left."""
        if pacer is self._pacer:
            self._resampler = Resampler(pacer.rate_hz, RATE_HZ)
            self.far.move(pacer)

    def is_own(self, text: str) -> bool:
        """Whether words that were heard just now are the assistant's."""
        return self.is_open and self._words.is_echo(text, self.now())


class CleanedAudio:
    """The sound of the microphone without the echo, on its way to the detector, each sample in its place.

    Implements `listener.NearSound`. What a canceller holds back, and what makes no whole block, waits for the
    next frame; it is passed on as it came in once nothing is played any more.
    """

    def __init__(self, audio: AudioQueue, path: EchoPath, outbox: Outbox) -> None:
        self._audio, self._path, self._outbox = audio, path, outbox
        self._clock = NearClock()
        self._stream: EchoStream | None = None
        """Opened with the first sound that may hold an echo."""
        self._given, self._rest = _NOTHING, _NOTHING
        """What the canceller has and holds back; and behind it what makes no whole block."""
        self._skipped = 0
        """Samples of what the canceller gives next that are not wanted: they are of before it went on."""
        self._end = 0
        """Where the next frame begins, unless some sound was lost."""
        self._is_closing = False
        """The microphone was closed, and what was held back is told first."""
        self._is_failing = False

    @property
    def is_empty(self) -> bool:
        return self._audio.is_empty and not self._is_closing

    async def take(self) -> Frame | None:
        """As of `AudioQueue`, without the echo."""
        if self._is_closing:
            self._is_closing = False
            return None
        frame = await self._audio.take()
        if frame is None:
            if not self._held:
                return None
            self._is_closing = True
            return self._let_through(Frame(_NOTHING, self._end))
        if frame.position != self._end:
            self._given = self._rest = _NOTHING
        self._end = frame.end
        arrived = self._clock.arrived(frame.end, self._path.now())
        return await self._clean(frame, arrived - seconds(len(frame.samples) + len(self._rest)))

    @property
    def _held(self) -> int:
        return len(self._given) + len(self._rest)

    async def _clean(self, frame: Frame, at: float) -> Frame:
        """`at`: the time of the first sample that the canceller is to be given."""
        if not self._path.is_cancelled:
            return self._let_through(frame)
        near = np.concatenate((self._rest, frame.samples))
        whole = len(near) // BLOCK * BLOCK
        far = self._path.far.read(whole, at)
        if far is None:
            return self._let_through(frame)
        try:
            async with asyncio.timeout(ECHO_TIMEOUT):
                return await self._cancel(frame, near, far)
        except TimeoutError:
            self._fail(EngineTimeout("session", f"the echo was not cancelled within {ECHO_TIMEOUT:g} s"))
        except EngineError as error:
            self._fail(error)
        return self._let_through(frame)

    async def _cancel(self, frame: Frame, near: Samples, far: Samples) -> Frame:
        """All that makes whole blocks with what came before: `near`."""
        stream = self._stream = self._stream or self._path.open()
        start, whole = frame.position - self._held, len(far)
        if not len(self._given):
            self._skipped = stream.delay
        cleaned = await stream.cleaned(near[:whole], far)
        self._is_failing = False
        before = np.concatenate((self._given, near[:whole]))
        skipped = min(self._skipped, len(cleaned))
        self._skipped -= skipped
        cleaned = cleaned[skipped:]
        presence = self._path.presence
        presence.add(near[:whole], far)
        if presence.is_absent:
            cleaned = before[: len(cleaned)]
        elif far.any():
            self._path.loss.add(before[: len(cleaned)], cleaned)
        self._given, self._rest = before[len(cleaned) :], near[whole:]
        return Frame(cleaned, start, self._held)

    def _let_through(self, frame: Frame) -> Frame:
        """As it came in, behind what was held back."""
        if not self._held:
            return frame
        position = frame.position - self._held
        samples = np.concatenate((self._given, self._rest, frame.samples))
        self._given = self._rest = _NOTHING
        return Frame(samples, position)

    def _fail(self, error: EngineError) -> None:
        """Said once, not with every frame, until it works again."""
        if not self._is_failing:
            self._outbox.put(engine_notice(error))
        self._is_failing = True
