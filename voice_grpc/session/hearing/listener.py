"""The listening side of one session: frames in, events out.

Per frame it does nothing but cut windows, ask the detector and hand the sound to the transcriber. What takes
time (transcripts) is not done here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...core.audio import WINDOW, Frame, Samples, rms, sample_count, seconds, to_float
from ...core.config import LiveConfig
from ...core.errors import EngineError, EngineTimeout
from ...core.events import (
    ActivityEnded,
    LevelHeard,
    SpeechDismissed,
    SpeechEnded,
    SpeechFaded,
    SpeechHinted,
    SpeechStarted,
    TurnLimitReached,
)
from ...core.responses import SpeechEvent, SpeechKind
from ...core.turn.endpointing import Endpointer
from ...core.turn.user_level import VoiceLevel
from ...ports import Vad
from ..telling.notices import engine_notice
from ..telling.outbox import Outbox
from .audio_queue import NearSound
from .transcriber import Post, Transcriber
from .utterance import HeardWindow

VAD_TIMEOUT = 2.0
"""A window takes 0.2 ms; a detector that is silent for so long is stuck."""

STARVED_SECONDS = 1.0
"""Without sound in mid-speech for so long, the microphone is taken to be gone and the turn to be over."""

_OVERLONG = 1.25
"""Times the limit of a turn after which it is split in mid-word."""


class VoiceActivity:
    """The voice activity detector of one session, and what is said when it fails.

    While it fails nothing counts as speech; that is said once, not with every window, until it hears again.
    """

    def __init__(self, vad: Vad, outbox: Outbox) -> None:
        self._stream, self._outbox = vad.open(), outbox
        self._is_failing = False

    async def probability(self, window: Samples) -> float:
        """How likely it holds speech, 0 to 1."""
        try:
            async with asyncio.timeout(VAD_TIMEOUT):
                probability = await self._stream.probability(to_float(window))
        except TimeoutError:
            self._fail(EngineTimeout("vad", f"no answer within {VAD_TIMEOUT:g} s"))
        except EngineError as error:
            self._fail(error)
        else:
            self._is_failing = False
            return probability
        return 0.0

    def _fail(self, error: EngineError) -> None:
        if not self._is_failing:
            self._outbox.put(engine_notice(error))
        self._is_failing = True


class Listener:
    def __init__(
        self,
        vad: Vad,
        audio: NearSound,
        transcriber: Transcriber,
        config: LiveConfig,
        post: Post,
        outbox: Outbox,
    ) -> None:
        """`audio`: closed, `ActivityEnded` is posted once all that came before was heard."""
        self._audio, self._sound, self.transcriber = audio, transcriber.sound, transcriber
        self._config, self._post, self._outbox = config, post, outbox
        self._detector = VoiceActivity(vad, outbox)
        self._endpointer = Endpointer(lambda: config.endpoint)
        self._partial = np.zeros(0, np.int16)
        self._is_voiced = False
        self._voice = VoiceLevel()
        """Of the stretch of speech that goes on."""
        self._measured, self._told_at = -1, 0.0
        """Start of the utterance that was measured last, and the seconds of it at which it was last told to
        be too long: whoever has the turn may not be able to split it yet."""
        self.position = 0
        """Samples heard, at `RATE_HZ`."""
        self._over_until = 0
        """What was heard before this sample belonged to a turn that was over, or to none, as of the last time
        that one was."""

    # ------------------------------------------------------------ asked by the session

    def open(self) -> None:
        """A turn began, by the button or in mid-speech: keep the sound from now on."""
        if not self._sound.is_open:
            self._sound.open(self.position, with_padding=not self._config.current.is_manual)

    @property
    def settled(self) -> int:
        """What was heard before this sample is of turns that are over, or of none."""
        return max(self._over_until, self._sound.told_until)

    @property
    def is_drained(self) -> bool:
        """Everything that came in was heard."""
        return self._audio.is_empty

    @property
    def _is_interim_wanted(self) -> bool:
        """While somebody speaks. In a silence a recogniser of this machine makes the transcript of all, which
        takes longer beside one of less, unless an answer waits for whichever is first; elsewhere they are not
        in each other's way."""
        sound, is_speaking = self._sound, self._endpointer.is_speech
        if is_speaking and self._endpointer.is_fading:
            is_speaking = sound.is_waited_for or not sound.is_heard_here
        return is_speaking or self._config.current.is_manual

    @property
    def is_fading(self) -> bool:
        """The user spoke, and does not now: whether that is the end is known within `soft_end`, and the lag
        of the detector."""
        return self._endpointer.is_fading

    def end_utterance(self, tasks: asyncio.TaskGroup) -> None:
        """The turn is over, or was none. Speech that goes on begins another, with what came since the
        transcript that was told, if one was: its onset may be there."""
        is_told = 0 <= self._sound.start < self._sound.told_until
        self.transcriber.close_utterance(tasks)
        onset = sample_count(self._config.current.endpoint.min_speech) + WINDOW
        self._over_until = max(self._over_until, self.position - onset)
        if self._endpointer.is_speech:
            self._sound.open(self.position, with_padding=is_told)

    # ------------------------------------------------------------ running

    async def run(self, tasks: asyncio.TaskGroup, is_held: Callable[[], bool] = lambda: False) -> None:
        """`is_held`: nothing comes in because the conversation is paused."""
        while True:
            try:
                async with asyncio.timeout(STARVED_SECONDS if self._endpointer.is_speech else None):
                    frame = await self._audio.take()
            except TimeoutError:
                if not is_held():
                    self._fall_silent()
                continue
            if frame is None:
                self._fall_silent()
                self._post(ActivityEnded())
            else:
                await self._listen(frame)
                if self._is_interim_wanted:
                    self.transcriber.ask_interim(tasks)

    async def _listen(self, frame: Frame) -> None:
        if frame.position != self.position + len(self._partial):
            self._partial = np.zeros(0, np.int16)
            self.position = frame.position
        samples = np.concatenate((self._partial, frame.samples)) if len(self._partial) else frame.samples
        whole = len(samples) // WINDOW * WINDOW
        for start in range(0, whole, WINDOW):
            await self._window(samples[start : start + WINDOW], frame.arrived)
        self._partial = samples[whole:]

    async def _window(self, window: Samples, arrived: int) -> None:
        """`arrived`: the end of the sound that is here, which is how late an event about it is."""
        probability = 0.0 if self._config.current.is_manual else await self._detector.probability(window)
        self.position += WINDOW
        self._is_voiced = self._endpointer.is_voiced(probability)
        level = rms(window) if self._is_voiced or self._endpointer.is_speech else 0.0
        event = self._endpointer.feed(probability, self.position, level)
        self._measure(level, event)
        if isinstance(event, SpeechStarted) and not self._sound.is_open:
            self._sound.open(self.position - WINDOW, with_padding=True)
        heard = None if self._config.current.is_manual else probability
        self._sound.hear(HeardWindow(window, self.position, heard))
        self._mind_length()
        match event:
            case SpeechFaded() if not self.transcriber.may_begin_early:
                return
            case SpeechFaded() | SpeechDismissed():
                self._post(event)
            case SpeechHinted():
                self._post(replace(event, speech=seconds(arrived - event.position)))
            case SpeechStarted() | SpeechEnded():
                self._say(event)
                self._post(_as_late_as(event, arrived))

    def _measure(self, level: float, event: object) -> None:
        """How loud the voice is: told once it can be known, and at its end. `level`: RMS of the window."""
        if isinstance(event, SpeechStarted):
            self._voice = VoiceLevel()
        was_known = self._voice.is_known
        if self._endpointer.is_speech and self._is_voiced:
            self._voice.add(level)
        is_news = self._voice.is_known and not was_known
        if (is_news or isinstance(event, SpeechEnded)) and (db := self._voice.db) is not None:
            self._post(LevelHeard(db))

    def _mind_length(self) -> None:
        """A turn that is too long for one message is split at a gap of the voice, or else anywhere."""
        if self._measured != self._sound.start:
            self._measured, self._told_at = self._sound.start, 0.0
        spoken, limit = self._sound.seconds - self._told_at, self._config.current.turns.turn_limit
        if spoken > limit and (not self._is_voiced or spoken > _OVERLONG * limit):
            self._told_at = self._sound.seconds
            self._post(TurnLimitReached())

    def _fall_silent(self) -> None:
        """No more sound is to be expected of this stretch of speech, nor of the window that has begun."""
        self.position += len(self._partial)
        if len(self._partial):
            self._sound.hear(HeardWindow(self._partial, self.position, None))
        self._partial = np.zeros(0, np.int16)
        event = self._endpointer.stop(self.position)
        if event is not None:
            self._say(event)
            self._post(event)

    def _say(self, event: SpeechStarted | SpeechEnded) -> None:
        speaking = SpeechKind.STARTED if isinstance(event, SpeechStarted) else SpeechKind.STOPPED
        self._outbox.put(SpeechEvent(speaking, event.position, event.probability))


def _as_late_as(event: SpeechStarted | SpeechEnded, arrived: int) -> SpeechStarted | SpeechEnded:
    """A window ends before the sound that came with it: up to 32 ms that the user has waited already."""
    elapsed = seconds(arrived - event.position)
    if isinstance(event, SpeechStarted):
        return replace(event, speech=elapsed)
    return replace(event, silence=elapsed)
