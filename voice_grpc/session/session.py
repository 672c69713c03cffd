"""One conversation: its parts put together, its tasks started, and its end, whatever brings it.

read    requests → frames and events      `reader.py`, the only reader of the wire
listen  frames → events                   `hearing/listener.py`
decide  events, deadline → commands       `decide.py`, the only one to feed the TurnTaker
reply   one answer                        `answering/reply.py`, one task, cancelled as one
write   messages → the wire               `outbox.py`, the only writer
keep    the conversation → the store      `memory.py`
watch   idle, age, drain                  `lifetime.py`

Nothing is decided here, and nothing heard or said.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from ..core.config import LiveConfig, SessionConfig
from ..core.errors import Draining, Reason, VoiceError
from ..core.events import TextReceived
from ..core.quota import Account
from ..core.requests import ConverseRequest
from ..core.responses import Notice, SessionEnded, SessionStarted
from ..core.text.ssml import parse
from ..core.turn.taker import TurnTaker
from ..ports import Claim, Urgency
from .answering.tool_calls import ToolCalls
from .clock import ConversationClock
from .command_runner import CommandRunner
from .context import SessionContext, Shared
from .decide import Decider
from .event_queue import EventQueue
from .hearing.audio_queue import AudioQueue
from .hearing.echo import CleanedAudio, EchoPath
from .hearing.end_of_turn import EndOfTurnScores
from .hearing.listener import Listener
from .hearing.transcriber import Transcriber
from .hearing.utterance import TurnSound
from .lifetime import Lifetime
from .memory import Memory
from .outbox import Outbox, Send
from .reader import Reader, one_error
from .turn_events import TurnEvents

log = logging.getLogger(__name__)


def greeting(text: str) -> TextReceived:
    """A document that was accepted, or plain words."""
    if not text.startswith("<speak"):
        return TextReceived(text, verbatim=True)
    return TextReceived(" ".join(parse(text).text.split()), verbatim=True, ssml=text)


class Session:
    def __init__(
        self, shared: Shared, config: SessionConfig, memory: Memory, account: Account | None = None
    ) -> None:
        """`account`: of whose conversation it is; None: nobody's, and nothing is limited."""
        account, engines = account or Account(), shared.engines
        self._memory = memory
        self._config = live = LiveConfig(config)
        self._clock = clock = ConversationClock()
        self._outbox = outbox = Outbox()
        outbox.put(SessionStarted(config, memory.is_resumed, memory.last_turn))
        self._queue = queue = EventQueue()
        self._taker = taker = TurnTaker(
            lambda: live.current.turns, memory.last_turn, judges_first=engines.llm.is_embedded
        )
        audio = AudioQueue()
        echo = EchoPath(engines.echo, live, clock.now)
        tool_calls = ToolCalls(clock, outbox, memory.tools_used)
        context = SessionContext(
            engines,
            live,
            clock,
            outbox,
            TurnEvents(outbox),
            tool_calls,
            shared.precedence,
            account,
            shared.observer,
            echo,
            queue.put,
        )
        scores = EndOfTurnScores(context)
        sound = TurnSound(engines.stt, live, Claim.of(context.caller, Urgency.FINAL), scores.hear)
        self._transcriber = Transcriber(sound, live, queue.put, outbox, self._turn_of_words, echo.is_own)
        near = CleanedAudio(audio, echo, outbox)
        listener = Listener(engines.vad, near, self._transcriber, live, queue.put, outbox)
        self._runner = runner = CommandRunner(context, listener, self._transcriber, scores, memory)
        self._lifetime = Lifetime(shared.limits, outbox)
        self._listener = listener
        self._decider = Decider(context, queue, taker, listener, runner, self._lifetime)
        self._reader = Reader(context, queue, audio, taker, runner)
        self._farewell: Draining | None = None
        """What the session ends with once everything was said."""
        self.closed = asyncio.Event()
        """Over, and its last words are in the store."""

    @property
    def config(self) -> SessionConfig:
        """In force, or about to be: what a change is a change of."""
        return self._config.latest

    @property
    def heard_seconds(self) -> float:
        """Of sound that came in to be heard, so far."""
        return self._reader.heard_seconds

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
            with one_error():
                await self._converse(requests, send)
        finally:
            self._runner.stop()
            self._memory.last_turn = max(self._memory.last_turn, self._taker.turn)
            if self._taker.words:
                self._memory.conversation.user_said(self._taker.turn, self._taker.words)
            await self._transcriber.close()
            await self._memory.save_last()
            self.closed.set()

    async def _converse(self, requests: AsyncIterator[ConverseRequest], send: Send) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._runner.run_in(tasks)
            memory = self._memory
            writing = tasks.create_task(self._outbox.deliver(send), name="write")
            helpers = [
                tasks.create_task(self._reader.read(requests, self._lifetime.touch), name="read"),
                tasks.create_task(self._listener.run(tasks, self._is_held), name="listen"),
                tasks.create_task(memory.keep(self._say_store_error), name="keep"),
                tasks.create_task(self._watch(), name="watch"),
            ]
            if self.config.greeting and not memory.is_resumed:
                self._queue.put(greeting(self.config.greeting))
            reason = await self._decider.run()
            for helper in helpers:
                helper.cancel()
            self._runner.stop()
            await self._transcriber.close()
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
        self._queue.close()

    def _is_held(self) -> bool:
        return self._clock.is_paused

    def _turn_of_words(self) -> int | None:
        """The turn that what is heard now belongs to; None: to none."""
        return self._taker.turn if self._taker.hears_user else None

    def _say_store_error(self, error: VoiceError) -> None:
        log.error("session %s: not saved: %s", self._memory.session_id, error)
        self._outbox.put(Notice("session", Reason.STORE_ERROR, str(error), retryable=True))
