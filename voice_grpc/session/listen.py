"""The listening side of one session: frames in, events out.

Per frame it does nothing but cut windows, ask the detector and hand the sound to the scribe. What takes time
(transcripts) is `scribe.py`'s.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..core.audio import WINDOW, Frame, Samples, seconds
from ..core.config import SessionConfig
from ..core.endpoint import Endpointer
from ..core.events import ActivityEnded, SpeechEnded, SpeechStarted
from ..core.outbound import Speaking, SpeechHeard
from ..ports import Engines
from .detector import Detector
from .inlet import Inlet
from .outbox import Outbox
from .scribe import OnInterim, Post, Scribe

STARVED_SECONDS = 1.0
"""Without sound in mid-speech for so long, the microphone is taken to be gone and the turn to be over."""


class Listener:
    def __init__(
        self, engines: Engines, config: SessionConfig, post: Post, outbox: Outbox, on_interim: OnInterim
    ) -> None:
        self._config, self._post, self._outbox = config, post, outbox
        self.scribe = Scribe(engines.stt, config, post, outbox, on_interim)
        self.inlet = Inlet()
        """Filled by the reader; closed, it posts `ActivityEnded` once all that came before was heard."""
        self._detector = Detector(engines.vad, outbox)
        self._endpointer = Endpointer(config.endpoint)
        self._partial = np.zeros(0, np.int16)
        self._is_voiced = False
        self.position = 0
        """Samples heard, at `RATE_HZ`."""

    # ------------------------------------------------------------ asked by the session

    def adjust(self, config: SessionConfig) -> None:
        self._config = self.scribe.config = config
        self._endpointer.settings = config.endpoint

    def open(self) -> None:
        """A turn began, by the button or in mid-speech: keep the sound from now on."""
        if self.scribe.utterance is None:
            self.scribe.open(self.position, with_padding=not self._config.is_manual)

    @property
    def is_drained(self) -> bool:
        """Everything that came in was heard."""
        return self.inlet.is_empty

    @property
    def is_fading(self) -> bool:
        """The user spoke, and does not now: whether that is the end is known within `soft_end`."""
        return self._endpointer.is_speech and not self._is_voiced

    def close_utterance(self, tasks: asyncio.TaskGroup) -> None:
        """The turn is over, or was none. Speech that goes on begins another."""
        self.scribe.close_utterance(tasks)
        if self._endpointer.is_speech:
            self.scribe.open(self.position, with_padding=False)

    # ------------------------------------------------------------ running

    async def run(self, tasks: asyncio.TaskGroup, is_held: Callable[[], bool] = lambda: False) -> None:
        """`is_held`: nothing comes in because the conversation is paused."""
        while True:
            try:
                async with asyncio.timeout(STARVED_SECONDS if self._endpointer.is_speech else None):
                    frame = await self.inlet.take()
            except TimeoutError:
                if not is_held():
                    self._fall_silent()
                continue
            if frame is None:
                self._stop_listening()
            else:
                await self._listen(frame)
                if self._endpointer.is_speech or self._config.is_manual:
                    self.scribe.ask_interim(tasks)

    async def _listen(self, frame: Frame) -> None:
        if frame.position != self.position + len(self._partial):
            self._partial = np.zeros(0, np.int16)
            self.position = frame.position
        samples = np.concatenate((self._partial, frame.samples)) if len(self._partial) else frame.samples
        whole = len(samples) // WINDOW * WINDOW
        for start in range(0, whole, WINDOW):
            await self._window(samples[start : start + WINDOW], frame.end)
        self._partial = samples[whole:]

    async def _window(self, window: Samples, arrived: int) -> None:
        """`arrived`: the end of the sound that is here, which is how late an event about it is."""
        self.position += WINDOW
        probability = 0.0 if self._config.is_manual else await self._detector.probability(window)
        event = self._endpointer.feed(probability, self.position)
        settings = self._endpointer.settings
        self._is_voiced = probability >= settings.threshold - settings.hysteresis
        if isinstance(event, SpeechStarted) and self.scribe.utterance is None:
            self.scribe.open(self.position - WINDOW, with_padding=True)
        self.scribe.feed(window)
        self.scribe.remember(window)
        if event is not None:
            self._say(event)
            self._post(_as_late_as(event, arrived))

    def _stop_listening(self) -> None:
        if len(self._partial):
            self.scribe.feed(self._partial)
        self.position += len(self._partial)
        self._partial = np.zeros(0, np.int16)
        self._fall_silent()
        self._post(ActivityEnded())

    def _fall_silent(self) -> None:
        """No more sound is to be expected of this stretch of speech."""
        event = self._endpointer.stop(self.position)
        if event is not None:
            self._say(event)
            self._post(event)

    def _say(self, event: SpeechStarted | SpeechEnded) -> None:
        speaking = Speaking.STARTED if isinstance(event, SpeechStarted) else Speaking.STOPPED
        self._outbox.put(SpeechHeard(speaking, event.position, event.probability))


def _as_late_as(event: SpeechStarted | SpeechEnded, arrived: int) -> SpeechStarted | SpeechEnded:
    """A window ends before the sound that came with it: up to 32 ms that the user has waited already."""
    elapsed = seconds(arrived - event.position)
    if isinstance(event, SpeechStarted):
        return replace(event, speech=elapsed)
    return replace(event, silence=elapsed)
