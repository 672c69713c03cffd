"""Speech to text alone: the listening side of a session, without anybody to answer.

An utterance ends once its silence lasted `hold`; each ends with one final transcript.
"""

import asyncio
from collections.abc import AsyncIterator

from ..core import requests as i
from ..core.config import SessionConfig
from ..core.errors import EngineTimeout, VoiceError, first
from ..core.events import ActivityEnded, Event, SpeechEnded, SpeechStarted, Transcribed
from ..ports import Clock, Engines, Transcription
from .clock import TICK, ConversationClock
from .decide import MAX_HAPPENINGS
from .listener import Listener
from .notices import engine_notice
from .outbox import Outbox, Send
from .reader import HungUp, Reader
from .transcriber import Transcripts, Utterance


class Dictation:
    turn = waiting = 0
    is_behind = is_deaf = False

    def __init__(self, engines: Engines, config: SessionConfig, clock: Clock) -> None:
        self._config, self._clock = config, clock
        self._outbox = Outbox()
        self._events: asyncio.Queue[Event] = asyncio.Queue(MAX_HAPPENINGS)
        self._listener = Listener(engines, config, self.post, self._outbox, self._on_interim)
        self._scribe = self._listener.scribe
        self._reader = Reader(config, self, self._listener, self._outbox, ConversationClock(clock))
        self._transcripts = Transcripts(config, self._outbox)
        self._revision = 0
        self._over_at: float | None = None
        """When the silence will have lasted."""
        self._asked_at: float | None = None
        """Since when a transcript is on its way."""

    def post(self, event: Event) -> None:
        self._events.put_nowait(event)

    def playback(self, report: i.PlaybackReport) -> None:
        """Nothing is played here."""

    def tool_result(self, result: i.ToolResult) -> None:
        """Nothing is called here."""

    def apply(self, update: i.ConfigUpdate) -> None:
        """Nothing changes here."""

    async def run(self, requests: AsyncIterator[i.ConverseRequest], send: Send) -> None:
        """Until the caller has nothing more to say. Raises the `VoiceError` that ended it, if one did."""
        try:
            await self._dictate(requests, send)
        except* VoiceError as group:
            raise first(group) from None
        except* HungUp:
            raise asyncio.CancelledError from None
        finally:
            await self._scribe.close()

    async def _dictate(self, requests: AsyncIterator[i.ConverseRequest], send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._outbox.deliver(send), name="write")
            helpers = [
                tasks.create_task(self._reader.read(self._at_our_pace(requests), lambda: None), name="read"),
                tasks.create_task(self._listener.run(tasks), name="listen"),
            ]
            while not self._is_done:
                self._receive(await self._next_event(), tasks)
            for helper in helpers:
                helper.cancel()
            await self._scribe.close()
            self._outbox.close()
            await writing

    async def _at_our_pace(
        self, requests: AsyncIterator[i.ConverseRequest]
    ) -> AsyncIterator[i.ConverseRequest]:
        """Nobody talks with us: a recording that is sent as fast as can be waits, and loses nothing."""
        async for request in requests:
            yield request
            await self._listener.inlet.has_room()

    @property
    def _is_done(self) -> bool:
        is_at_rest = self._scribe.utterance is None and self._asked_at is None and self._events.empty()
        return self._reader.end_reason is not None and self._listener.is_drained and is_at_rest

    async def _next_event(self) -> Event | None:
        """None: the silence has lasted, or the transcript is not to be waited for any more."""
        due = self._over_at if self._asked_at is None else self._asked_at + self._config.turns.turn_deadline
        try:
            async with asyncio.timeout(None if due is None else max(TICK, due - self._clock.now())):
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
            case ActivityEnded() if self._scribe.utterance is not None:
                if self._over_at is None:
                    self._ask(tasks)
                self._over_at = now
            case Transcribed(revision=revision) if revision == self._revision:
                self._asked_at = None
            case None if self._asked_at is not None:
                text = f"no transcript within {self._config.turns.turn_deadline:g} s"
                self._outbox.put(engine_notice(EngineTimeout("stt", text)))
                self._asked_at = None
        if self._over_at is not None and self._over_at <= now and self._asked_at is None:
            self._finish(tasks)

    def _ask(self, tasks: asyncio.TaskGroup) -> None:
        self._revision += 1
        self._asked_at = self._clock.now()
        self._scribe.ask(self._revision, tasks)

    def _finish(self, tasks: asyncio.TaskGroup) -> None:
        self._transcripts.final(0, self._scribe.utterance, self._scribe.heard)
        self._scribe.heard = Transcription("", self._scribe.heard.language)
        self._listener.close_utterance(tasks)
        self._over_at = None

    def _on_interim(self, utterance: Utterance, heard: Transcription) -> None:
        self._transcripts.interim(0, utterance, heard)
