"""One conversation: its parts put together, its tasks started, and its end, whatever brings it.

read    requests → frames and events      `reader.py`, the only reader of the wire
listen  frames → events                   `listener.py`
decide  events, deadline → commands       `decide.py`, the only one to feed the TurnTaker
reply   one answer                        `reply.py`, one task, cancelled as one
write   messages → the wire               `outbox.py`, the only writer
keep    the conversation → the store      `ports/store.py`
watch   idle, age, drain                  `lifetime.py`

Nothing is decided here, and nothing heard or said.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from ..core.config import SessionConfig
from ..core.errors import Draining, VoiceError, first
from ..core.events import TextReceived
from ..core.requests import ConverseRequest
from ..core.responses import Notice, SessionEnded, SessionStarted
from ..core.text.ssml import parse
from ..core.turn import TurnTaker
from ..core.turn_actions import State
from ..ports import Clock, Engines, Transcription
from .clock import ConversationClock
from .command_runner import CommandRunner
from .decide import MAX_HAPPENINGS, Decider, EventQueue, Happenings
from .lifetime import Lifetime, SessionLimits
from .listener import Listener
from .memory import Memory
from .outbox import Outbox, Send
from .reader import HungUp, Reader
from .reply import SessionContext
from .tool_calls import ToolCalls
from .transcriber import Transcripts, Utterance

log = logging.getLogger(__name__)


def greeting(text: str) -> TextReceived:
    """A document that was accepted, or plain words."""
    if not text.startswith("<speak"):
        return TextReceived(text, verbatim=True)
    return TextReceived(" ".join(parse(text).text.split()), verbatim=True, ssml=text)


class Session:
    def __init__(
        self, engines: Engines, config: SessionConfig, memory: Memory, clock: Clock, limits: SessionLimits
    ) -> None:
        happened: Happenings = asyncio.Queue(MAX_HAPPENINGS)
        post = happened.put_nowait
        self._memory = memory
        self._clock = ConversationClock(clock)
        self._outbox = Outbox()
        self._outbox.put(SessionStarted(config, memory.is_resumed, memory.last_turn))
        self._taker = TurnTaker(config.turns, memory.last_turn)
        self._transcripts = Transcripts(config, self._outbox)
        self._listener = Listener(engines, config, post, self._outbox, self._on_interim)
        toolbox = ToolCalls(self._clock, self._outbox, memory.tools_used)
        around = SessionContext(engines, config, self._clock, self._outbox, post, toolbox)
        self._turns = CommandRunner(around, self._listener, memory, self._transcripts)
        self._lifetime = Lifetime(limits, self._outbox)
        self._agenda = EventQueue(happened, self._taker, self._listener, around)
        self._decider = Decider(self._taker, self._agenda, self._listener, self._turns, self._lifetime)
        self._reader = Reader(config, self._decider, self._listener, self._outbox, self._clock)
        self._farewell: Draining | None = None
        """What the session ends with once everything was said."""
        self.closed = asyncio.Event()
        """Over, and its last words are in the store."""

    @property
    def config(self) -> SessionConfig:
        """In force now."""
        return self._turns.around.config

    def announce(self, notices: Iterable[Notice]) -> None:
        """To be said right after SessionStarted."""
        for notice in notices:
            self._outbox.put(notice)

    def end_with(self, error: VoiceError, grace: float = 0.0) -> None:
        """End it from outside: when nobody speaks, but within `grace` seconds."""
        self._lifetime.end_with(error, grace)

    async def run(self, requests: AsyncIterator[ConverseRequest], send: Send) -> None:
        """The whole conversation. Raises the `VoiceError` that ended it, if one did."""
        try:
            await self._converse(requests, send)
        except* VoiceError as group:
            raise first(group) from None
        except* HungUp:
            raise asyncio.CancelledError from None
        finally:
            self._turns.stop()
            self._memory.last_turn = max(self._memory.last_turn, self._taker.turn)
            if self._taker.words:
                self._memory.conversation.user_said(self._taker.turn, self._taker.words)
            await self._listener.scribe.close()
            await self._memory.save_last()
            self.closed.set()

    async def _converse(self, requests: AsyncIterator[ConverseRequest], send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._turns.run_in(tasks)
            memory = self._memory
            writing = tasks.create_task(self._outbox.deliver(send), name="write")
            helpers = [
                tasks.create_task(self._reader.read(requests, self._lifetime.touch), name="read"),
                tasks.create_task(self._listener.run(tasks, self._is_held), name="listen"),
                tasks.create_task(memory.keep(self._say_store_error), name="keep"),
                tasks.create_task(self._watch(), name="watch"),
            ]
            if self.config.greeting and not memory.is_resumed:
                self._agenda.add(greeting(self.config.greeting))
            reason = await self._decider.run(self._reader)
            for helper in helpers:
                helper.cancel()
            self._turns.stop()
            await self._listener.scribe.close()
            self._outbox.close(None if self._farewell else SessionEnded(reason))
            await writing
            if self._farewell is not None:
                raise self._farewell

    async def _watch(self) -> None:
        """Whoever holds the conversation does not hold its end."""
        try:
            await self._lifetime.watch()
        except Draining as error:
            self._farewell = error
        self._clock.resume()
        self._agenda.end()

    def _is_held(self) -> bool:
        return self._clock.is_paused

    def _on_interim(self, utterance: Utterance, heard: Transcription) -> None:
        if self._taker.state in (State.HEARING, State.ENDING) or self._listener.scribe.is_transcribing:
            self._transcripts.interim(self._taker.turn, utterance, heard)

    def _say_store_error(self, error: VoiceError) -> None:
        log.error("session %s: not saved: %s", self._memory.session_id, error)
        self._outbox.put(Notice("session", "STORE_ERROR", str(error), retryable=True))
