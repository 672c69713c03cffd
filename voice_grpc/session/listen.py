"""The listening side of one session: frames in, events out, transcripts when asked.

Per frame it does nothing but cut windows, ask the detector and keep the sound; what takes time
(transcripts) runs in tasks beside it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..core.audio import WINDOW, Frame, Samples, sample_count, seconds
from ..core.config import SessionConfig
from ..core.endpoint import Endpointer
from ..core.errors import EngineError
from ..core.events import ActivityEnded, Event, SpeechEnded, SpeechStarted, Transcribed
from ..core.outbound import Speaking, SpeechHeard
from ..ports import Engines, SttOptions, Transcription
from .detector import Detector
from .failures import engine_notice
from .inlet import Inlet
from .outbox import Outbox
from .utterance import Utterance

INTERIM_SECONDS = 0.7
"""New speech between two interims: about two words."""

STARVED_SECONDS = 1.0
"""Without sound in mid-speech for so long, the microphone is taken to be gone and the turn to be over."""

Post = Callable[[Event], None]
OnInterim = Callable[[Utterance, Transcription], None]


class Listener:
    def __init__(
        self, engines: Engines, config: SessionConfig, post: Post, outbox: Outbox, on_interim: OnInterim
    ) -> None:
        self._engines, self._config = engines, config
        self._post, self._outbox, self._on_interim = post, outbox, on_interim
        self.inlet = Inlet()
        """Filled by the reader; closed, it posts `ActivityEnded` once all that came before was heard."""
        self._detector = Detector(engines.vad, outbox)
        self._endpointer = Endpointer(config.endpoint)
        self._partial = np.zeros(0, np.int16)
        self._position = 0
        self._before: deque[Samples] = deque()
        self._interim_due = 0
        self._is_voiced = False
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.utterance: Utterance | None = None
        self.heard = Transcription("")
        """The last transcript that was asked for."""

    # ------------------------------------------------------------ asked by the session

    def adjust(self, config: SessionConfig) -> None:
        self._config = config
        self._endpointer.settings = config.endpoint

    def open(self) -> None:
        """A turn began, by the button or in mid-speech: keep the sound from now on."""
        if self.utterance is None:
            self._open_utterance(self._position, with_padding=not self._config.is_manual)

    @property
    def position(self) -> int:
        """Samples heard, at `RATE_HZ`."""
        return self._position

    @property
    def is_drained(self) -> bool:
        """Everything that came in was heard."""
        return self.inlet.is_empty

    @property
    def is_fading(self) -> bool:
        """The user spoke, and does not now: whether that is the end is known within `soft_end`."""
        return self._endpointer.is_speech and not self._is_voiced

    def ask(self, revision: int, tasks: asyncio.TaskGroup) -> None:
        """Transcribe all of the turn; answered by `Transcribed`."""
        self._cancel()
        if self.utterance is None:
            self._post(Transcribed(revision, ""))
            return
        task = tasks.create_task(self._transcribe(self.utterance, revision), name=f"transcribe-{revision}")
        self._tasks["final"] = task
        self.utterance.pause()

    def close_utterance(self, tasks: asyncio.TaskGroup) -> None:
        """The turn is over, or was none. Speech that goes on begins another."""
        self._cancel()
        utterance, self.utterance = self.utterance, None
        if utterance is not None:
            tasks.create_task(utterance.close(), name="close-utterance")
        if self._endpointer.is_speech:
            self._open_utterance(self._position, with_padding=False)

    async def close(self) -> None:
        """The session is over: nothing is asked any more, and nothing held."""
        self._cancel()
        if self.utterance is not None:
            await self.utterance.close()

    @property
    def is_transcribing(self) -> bool:
        """A transcript was asked for and is not there yet."""
        task = self._tasks.get("final")
        return task is not None and not task.done()

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
                self._ask_interim(tasks)

    async def _listen(self, frame: Frame) -> None:
        if frame.position != self._position + len(self._partial):
            self._partial = np.zeros(0, np.int16)
            self._position = frame.position
        samples = np.concatenate((self._partial, frame.samples)) if len(self._partial) else frame.samples
        whole = len(samples) // WINDOW * WINDOW
        for start in range(0, whole, WINDOW):
            await self._window(samples[start : start + WINDOW], frame.end)
        self._partial = samples[whole:]

    async def _window(self, window: Samples, arrived: int) -> None:
        """`arrived`: the end of the sound that is here, which is how late an event about it is."""
        self._position += WINDOW
        probability = 0.0 if self._config.is_manual else await self._detector.probability(window)
        event = self._endpointer.feed(probability, self._position)
        settings = self._endpointer.settings
        self._is_voiced = probability >= settings.threshold - settings.hysteresis
        if isinstance(event, SpeechStarted) and self.utterance is None:
            self._open_utterance(self._position - WINDOW, with_padding=True)
        if self.utterance is not None:
            self.utterance.feed(window)
        self._remember(window)
        if event is not None:
            self._say(event)
            self._post(_as_late_as(event, arrived))

    def _stop_listening(self) -> None:
        if len(self._partial) and self.utterance is not None:
            self.utterance.feed(self._partial)
        self._position += len(self._partial)
        self._partial = np.zeros(0, np.int16)
        self._fall_silent()
        self._post(ActivityEnded())

    def _fall_silent(self) -> None:
        """No more sound is to be expected of this stretch of speech."""
        event = self._endpointer.stop(self._position)
        if event is not None:
            self._say(event)
            self._post(event)

    def _say(self, event: SpeechStarted | SpeechEnded) -> None:
        speaking = Speaking.STARTED if isinstance(event, SpeechStarted) else Speaking.STOPPED
        self._outbox.put(SpeechHeard(speaking, event.position, event.probability))

    def _remember(self, window: Samples) -> None:
        """The last `prefix_padding` seconds, for the onset of the next turn."""
        self._before.append(window)
        keep = sample_count(self._config.prefix_padding) + sample_count(self._config.endpoint.min_speech)
        while (len(self._before) - 1) * WINDOW > keep:
            self._before.popleft()

    def _open_utterance(self, position: int, *, with_padding: bool) -> None:
        before = list(self._before) if with_padding else []
        start = position - sum(map(len, before))
        options = SttOptions(self._config.languages, self._config.prompt)
        self.utterance = Utterance(self._engines.stt, options, start)
        for samples in before:
            self.utterance.feed(samples)
        self._interim_due = self.utterance.length + sample_count(INTERIM_SECONDS)

    # ------------------------------------------------------------ transcripts

    def _ask_interim(self, tasks: asyncio.TaskGroup) -> None:
        """Skipped, never queued: one at a time, and only while the user speaks."""
        utterance = self.utterance
        if utterance is None or utterance.length < self._interim_due or not self._config.sends_interims:
            return
        running = self._tasks.get("interim")
        if (running and not running.done()) or not (self._endpointer.is_speech or self._config.is_manual):
            return
        self._interim_due = utterance.length + sample_count(INTERIM_SECONDS)
        self._tasks["interim"] = tasks.create_task(self._interim(utterance), name="interim")

    async def _interim(self, utterance: Utterance) -> None:
        try:
            heard = await utterance.interim()
        except EngineError as error:
            self._report(error)
            return
        if heard is not None and heard.text and utterance is self.utterance:
            self._on_interim(utterance, heard)

    async def _transcribe(self, utterance: Utterance, revision: int) -> None:
        try:
            heard = await utterance.final()
        except EngineError as error:
            self._report(error)
            self._post(Transcribed(revision, "", failed=True))
            return
        self.heard = replace(heard, language=heard.language or self.heard.language)
        if utterance is self.utterance:
            self._on_interim(utterance, heard)
        self._post(Transcribed(revision, heard.text))

    def _cancel(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    def _report(self, error: EngineError) -> None:
        self._outbox.put(engine_notice(error))


def _as_late_as(event: SpeechStarted | SpeechEnded, arrived: int) -> SpeechStarted | SpeechEnded:
    """A window ends before the sound that came with it: up to 32 ms that the user has waited already."""
    elapsed = seconds(arrived - event.position)
    if isinstance(event, SpeechStarted):
        return replace(event, speech=elapsed)
    return replace(event, silence=elapsed)
