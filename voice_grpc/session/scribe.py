"""The sound of the user's turn and what it says: kept as it comes in, transcribed when asked.

Transcripts take time and run in tasks beside the listening. When a turn begins and ends is not decided here.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from ..core.audio import WINDOW, Samples, sample_count
from ..core.config import SessionConfig
from ..core.errors import EngineError
from ..core.events import Event, Transcribed
from ..ports import Stt, SttOptions, Transcription
from .failures import engine_notice, fallback_notice
from .outbox import Outbox
from .utterance import Utterance

INTERIM_SECONDS = 0.7
"""New speech between two interims: about two words."""

Post: TypeAlias = Callable[[Event], None]
OnInterim: TypeAlias = Callable[[Utterance, Transcription], None]


class Scribe:
    def __init__(
        self, stt: Stt, config: SessionConfig, post: Post, outbox: Outbox, on_interim: OnInterim
    ) -> None:
        self._stt, self.config = stt, config
        self._post, self._outbox, self._on_interim = post, outbox, on_interim
        self._before: deque[Samples] = deque()
        self._interim_due = 0
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.utterance: Utterance | None = None
        """Of the turn that goes on."""
        self.heard = Transcription("")
        """The last transcript that was asked for."""
        self._told: tuple[Utterance, str] | None = None
        """Of whom it was said that an engine took over, and which: once an utterance."""

    # ------------------------------------------------------------ the sound

    def open(self, position: int, *, with_padding: bool) -> None:
        """A turn begins at `position`; padding is the sound just before, in which its onset may be."""
        before = list(self._before) if with_padding else []
        start = position - sum(map(len, before))
        options = SttOptions(self.config.languages, self.config.prompt)
        self.utterance = Utterance(self._stt, options, start)
        for samples in before:
            self.utterance.feed(samples)
        self._interim_due = self.utterance.length + sample_count(INTERIM_SECONDS)

    def feed(self, samples: Samples) -> None:
        if self.utterance is not None:
            self.utterance.feed(samples)

    def remember(self, window: Samples) -> None:
        """The last `prefix_padding` seconds, for the onset of the next turn."""
        self._before.append(window)
        keep = sample_count(self.config.prefix_padding) + sample_count(self.config.endpoint.min_speech)
        while (len(self._before) - 1) * WINDOW > keep:
            self._before.popleft()

    def close_utterance(self, tasks: asyncio.TaskGroup) -> None:
        """The turn is over, or was none."""
        self._cancel()
        utterance, self.utterance = self.utterance, None
        if utterance is not None:
            tasks.create_task(utterance.close(), name="close-utterance")

    async def close(self) -> None:
        """The session is over: nothing is asked any more, and nothing held."""
        self._cancel()
        if self.utterance is not None:
            await self.utterance.close()

    # ------------------------------------------------------------ the words

    @property
    def is_transcribing(self) -> bool:
        """A transcript was asked for and is not there yet."""
        task = self._tasks.get("final")
        return task is not None and not task.done()

    def ask(self, revision: int, tasks: asyncio.TaskGroup) -> None:
        """Transcribe all of the turn; answered by `Transcribed`."""
        self._cancel()
        if self.utterance is None:
            self._post(Transcribed(revision, ""))
            return
        task = tasks.create_task(self._transcribe(self.utterance, revision), name=f"transcribe-{revision}")
        self._tasks["final"] = task
        self.utterance.pause()

    def ask_interim(self, tasks: asyncio.TaskGroup) -> None:
        """While the user speaks, as often as one is due: skipped, never queued, one at a time."""
        utterance = self.utterance
        if utterance is None or utterance.length < self._interim_due or not self.config.sends_interims:
            return
        running = self._tasks.get("interim")
        if running is not None and not running.done():
            return
        self._interim_due = utterance.length + sample_count(INTERIM_SECONDS)
        self._tasks["interim"] = tasks.create_task(self._interim(utterance), name="interim")

    async def _interim(self, utterance: Utterance) -> None:
        try:
            heard = await utterance.interim()
        except EngineError as error:
            self._outbox.put(engine_notice(error))
            return
        if heard is not None and heard.text and utterance is self.utterance:
            self._on_interim(utterance, heard)

    async def _transcribe(self, utterance: Utterance, revision: int) -> None:
        try:
            heard = await utterance.final()
        except EngineError as error:
            self._outbox.put(engine_notice(error))
            self._post(Transcribed(revision, "", failed=True))
            return
        if heard.fallback is not None and self._told != (utterance, heard.fallback.engine):
            self._told = utterance, heard.fallback.engine
            self._outbox.put(fallback_notice(heard.fallback))
        self.heard = replace(heard, language=heard.language or self.heard.language)
        if utterance is self.utterance:
            self._on_interim(utterance, heard)
        self._post(Transcribed(revision, heard.text))

    def _cancel(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()
