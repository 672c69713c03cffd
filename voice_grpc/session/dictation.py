"""Speech to text alone: the listening side of a session, without anybody to answer.

An utterance ends once its silence lasted `hold`; each ends with one final transcript.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from ..core import inbound as i
from ..core.config import SessionConfig
from ..core.events import ActivityEnded, Event, SpeechEnded, SpeechStarted, Transcribed
from ..core.outbound import Outbound
from ..ports import Clock, Engines, Transcription
from .clock import ConversationClock
from .listen import Listener
from .outbox import Outbox
from .reader import Reader
from .transcripts import Transcripts
from .utterance import Utterance

Send = Callable[[Outbound], Awaitable[None]]


class Dictation:
    turn = waiting = 0
    is_deaf = False

    def __init__(self, engines: Engines, config: SessionConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._outbox = Outbox()
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._listener = Listener(engines, config, self.post, self._outbox, self._on_interim)
        self._reader = Reader(config, self, self._listener, self._outbox, ConversationClock(clock))
        self._transcripts = Transcripts(config, self._outbox)
        self._revision = 0
        self._over_at: float | None = None
        """When the silence will have lasted."""
        self._is_asked = False
        """A transcript is on its way."""

    def post(self, event: Event) -> None:
        self._events.put_nowait(event)

    def playback(self, report: i.Playback) -> None:
        """Nothing is played here."""

    def apply(self, update: i.Update) -> None:
        """Nothing changes here."""

    async def run(self, requests: AsyncIterator[i.Inbound], send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._write(send), name="write")
            helpers = [
                tasks.create_task(self._reader.read(requests, lambda: None), name="read"),
                tasks.create_task(self._listener.run(tasks), name="listen"),
            ]
            while not self._is_done:
                self._receive(await self._next_event(), tasks)
            for helper in helpers:
                helper.cancel()
            self._outbox.close()
            await writing

    @property
    def _is_done(self) -> bool:
        is_at_rest = self._listener.utterance is None and not self._is_asked and self._events.empty()
        return self._reader.end_reason is not None and self._listener.is_drained and is_at_rest

    async def _next_event(self) -> Event | None:
        """None: the silence has lasted, and there is nothing to wait for."""
        wait = None
        if self._over_at is not None and not self._is_asked:
            wait = max(0.0, self._over_at - self._clock.now())
        try:
            async with asyncio.timeout(wait):
                return await self._events.get()
        except TimeoutError:
            return None

    def _receive(self, event: Event | None, tasks: asyncio.TaskGroup) -> None:
        now = self._clock.now()
        match event:
            case SpeechStarted():
                self._over_at = None
            case SpeechEnded(silence=silence):
                self._ask(tasks)
                self._over_at = now + max(0.0, self._config.turns.hold - silence)
            case ActivityEnded() if self._listener.utterance is not None:
                if self._over_at is None:
                    self._ask(tasks)
                self._over_at = now
            case Transcribed(revision=revision) if revision == self._revision:
                self._is_asked = False
        if self._over_at is not None and self._over_at <= now and not self._is_asked:
            self._finish(tasks)

    def _ask(self, tasks: asyncio.TaskGroup) -> None:
        self._revision += 1
        self._is_asked = True
        self._listener.ask(self._revision, tasks)

    def _finish(self, tasks: asyncio.TaskGroup) -> None:
        self._transcripts.final(0, self._listener.utterance, self._listener.heard)
        self._listener.heard = Transcription("", self._listener.heard.language)
        self._listener.close_utterance(tasks)
        self._over_at = None

    async def _write(self, send: Send) -> None:
        while (message := await self._outbox.take()) is not None:
            await send(message)

    def _on_interim(self, utterance: Utterance, heard: Transcription) -> None:
        self._transcripts.interim(0, utterance, heard)
