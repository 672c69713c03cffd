"""One conversation: its parts put together, its tasks started, and its end, whatever brings it.

It lives by itself (`run`), and streams carry it, one after the other (`carry`):

listen  frames → events                   `hearing/listener.py`
decide  events, deadline → commands       `decide.py`, the only one to feed the TurnTaker
reply   one answer                        `answering/reply.py`, one task, cancelled as one
record  sound and events → the recorder   `recording_tap.py`, where it is wanted
keep    the conversation → the store      `memory.py`
tell    tokens to come back with          `lines/resumption.py`

read    requests → frames and events      `reader.py`, the only reader of the wire
write   messages → the wire               `lines/line.py`, the only writer
watch   idle, age, drain                  `lines/lifetime.py`

Which line carries it is for `lines/carriage.py` to say; one that is lost parks it (`lines/parking.py`).
Nothing is decided here, and nothing heard or said.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import replace

from ..core.config import LiveConfig, SessionConfig
from ..core.consumption import Consumed
from ..core.errors import Draining, Reason, VoiceError
from ..core.events import TextReceived
from ..core.quota import Account
from ..core.requests import ComeBack, ConverseRequest
from ..core.responses import EndReason, Notice, SessionEnded, SessionStarted
from ..core.text.ssml import parse
from ..core.turn.taker import TurnTaker
from ..core.unfinished import UnderWay
from ..ports import Claim, SessionIdentity, Urgency
from ..ports.observer import UNTRACED
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
from .lines.carriage import Carriage
from .lines.lifetime import Lifetime
from .lines.line import Line, SendNumbered
from .lines.parking import Parking
from .lines.restoring import Restoring, lost_turn, taken_over
from .lines.resumption import ResumeUpdates, Standing
from .memory import Memory
from .reader import Reader, one_error
from .recording_tap import RecordingTap
from .telling.outbox import Outbox
from .telling.turn_events import TurnEvents

log = logging.getLogger(__name__)

BASE_BYTES = 300_000
"""Of a conversation that nobody carries, without its words and its sound: its parts and their queues."""


def greeting(text: str) -> TextReceived:
    """A document that was accepted, or plain words."""
    if not text.startswith("<speak"):
        return TextReceived(text, verbatim=True)
    return TextReceived(" ".join(parse(text).text.split()), verbatim=True, ssml=text)


def _taker(config: LiveConfig, memory: Memory, shared: Shared) -> TurnTaker:
    engines = shared.engines
    return TurnTaker(
        lambda: config.current.turns,
        memory.last_turn,
        judges_first=engines.llm.is_embedded,
        hears_first=engines.takes_turns,
    )


def _hearing(
    context: SessionContext, audio: AudioQueue, taker: TurnTaker
) -> tuple[Listener, EndOfTurnScores]:
    """What listens, and what judges the end of a turn."""
    engines, live, outbox = context.engines, context.config, context.outbox
    scores = EndOfTurnScores(context)
    sound = TurnSound(engines.stt, live, Claim.of(context.caller, Urgency.FINAL), scores.hear)

    def turn_of_words() -> int | None:
        """The turn that what is heard now belongs to; None: to none."""
        return taker.turn if taker.hears_user else None

    transcriber = Transcriber(sound, live, context.post, outbox, turn_of_words, context.echo.is_own)
    near = CleanedAudio(audio, context.echo, outbox)
    return Listener(engines.vad, near, transcriber, live, context.post, outbox), scores


def _in_force(config: SessionConfig, kept: UnderWay | None, *, records: bool) -> LiveConfig:
    """Recorded where the server does so and the caller allows it, and has not taken that back before."""
    is_withdrawn = kept is not None and kept.is_recording_withdrawn
    is_recorded = config.is_recorded and records and not is_withdrawn
    return LiveConfig(replace(config, is_recorded=is_recorded), is_recording_withdrawn=is_withdrawn)


def _known_of(come_back: ComeBack | None, consumed: Consumed) -> int:
    """The number behind which a caller goes on: where it has none of its own, nothing new of it is to bear
    one that was acted on."""
    is_numbered = come_back is None or come_back.is_numbered
    return consumed.seq if is_numbered else max(consumed.seq, consumed.acted)


async def _ended(ending: asyncio.Event, verdict: Callable[[], VoiceError | None]) -> None:
    """Raises why, once it is ended from outside."""
    await ending.wait()
    error = verdict()
    assert error is not None
    raise error


class Session:
    def __init__(
        self,
        shared: Shared,
        config: SessionConfig,
        memory: Memory,
        account: Account | None = None,
        identity: SessionIdentity | None = None,
        come_back: ComeBack | None = None,
    ) -> None:
        """`account`: of whose conversation it is; None: nobody's, and nothing is limited. `identity`: as whom
        observers know it; None: nobody traces it. `come_back`: of a caller whose conversation another server
        had; None: it is new, or goes on with its memory."""
        kept, lost = taken_over(memory, come_back), lost_turn(memory, come_back)
        consumed = kept.consumed if kept is not None else Consumed()
        self.identity = identity = identity or SessionIdentity(config.session_id, UNTRACED)
        self._memory = memory
        self._config = _in_force(config, kept, records=shared.recorder is not None)
        self._clock = ConversationClock()
        self._recording = RecordingTap(shared.recorder, self._config, self._clock)
        self._outbox = Outbox(
            identity, shared.observer, self._recording.told, lambda error: self.carriage.cut(error)
        )
        outbox, live = self._outbox, self._config
        known = _known_of(come_back, consumed)
        outbox.put(SessionStarted(live.current, memory.is_resumed, memory.last_turn, known))
        self._updates = ResumeUpdates(shared.tokens, memory.session_id, memory.owner, outbox)
        self._queue = EventQueue()
        self._taker = taker = _taker(live, memory, shared)
        audio = AudioQueue()
        context = self._context(shared, account or Account())
        self._listener, scores = _hearing(context, audio, taker)
        self._transcriber = self._listener.transcriber
        self._runner = CommandRunner(context, self._listener, self._transcriber, scores, memory)
        self._lifetime = Lifetime(shared.limits, outbox)
        self._decider = Decider(context, self._queue, taker, self._listener, self._runner, self._lifetime)
        self._reader = Reader(context, self._queue, audio, taker, self._runner, consumed)
        self.carriage = self._carried_by(context, shared)
        self.closed, self.epoch = self.carriage.closed, memory.epoch
        """Set once it is over, with its last words in the store; and that of the lease it is held by."""
        self.ending = asyncio.Event()
        self.end_reason: EndReason | None = None
        """Why it came to a good end; None: it did not, or not yet."""
        self._verdict: VoiceError | None = None
        """Why it is ended from outside."""
        if come_back is not None:
            for event in Restoring(context, memory, come_back).events(kept, lost):
                self._queue.put(event)

    def _context(self, shared: Shared, account: Account) -> SessionContext:
        """What its parts work with."""
        clock, outbox = self._clock, self._outbox
        return SessionContext(
            shared.engines,
            self._config,
            clock,
            outbox,
            TurnEvents(outbox, lambda: self.carriage.turn_over()),
            ToolCalls(clock, outbox, self._memory.tools_used),
            shared.precedence,
            account,
            self.identity,
            shared.observer,
            EchoPath(shared.engines.echo, self._config, clock.now),
            self._recording,
            self._queue.put,
        )

    def _carried_by(self, context: SessionContext, shared: Shared) -> Carriage:
        """What has to do with its lines."""
        reader, memory = self._reader, self._memory
        self._listener.position = reader.position
        replies, outcomes = self._runner.replies, self._runner.outcomes
        parking = Parking(context, self._transcriber, replies, outcomes)
        standing = Standing(
            reader.consumption,
            self._taker,
            self._queue,
            self._listener,
            self._transcriber,
            self._config,
            parking.last_answer,
        )
        if shared.tokens is not None:
            memory.unfinished = standing.under_way
            memory.on_saved = self._updates.saved
        carriage = Carriage(context, memory, reader, parking, standing, self._lifetime, self._updates)
        reader.on_message = carriage.request_came
        carriage.on_idle = self._is_idle
        return carriage

    # ------------------------------------------------------------ asked by whoever keeps it

    @property
    def config(self) -> SessionConfig:
        """In force, or about to be: what a change is a change of."""
        return self._config.latest

    @property
    def heard_seconds(self) -> float:
        """Of sound that came in to be heard, so far."""
        return self._reader.heard_seconds

    @property
    def last_seq(self) -> int:
        """Number of the last request that came."""
        return self._reader.consumption.highest

    @property
    def kept_bytes(self) -> int:
        """About as much as it takes while it is parked."""
        return BASE_BYTES + self.carriage.parking.kept_bytes + 2 * self._memory.conversation.length

    def announce(self, notices: Iterable[Notice]) -> None:
        """To be said right after SessionStarted."""
        for notice in notices:
            self._outbox.put(notice)

    def end_with(self, error: VoiceError, grace: float = 0.0) -> None:
        """End it from outside. One that drains leaves its line alone: when nobody speaks, but within `grace`
        seconds."""
        if isinstance(error, Draining):
            self._lifetime.end_with(error, grace)
            return
        self._verdict = self._verdict or error
        self.ending.set()

    # ------------------------------------------------------------ its life

    async def run(self) -> None:
        """The whole conversation, on whatever lines. What it ends of, whoever carries it is told.

        Cancelled, it is left for another server to go on with: nothing of it is told to be over.
        """
        is_left = True
        self._recording.open(self._memory.session_id, self._memory.owner, self._outbox.put)
        try:
            with one_error():
                await self._converse()
            is_left = False
        except asyncio.CancelledError:
            self.carriage.end(Draining("the server goes away; open the session again elsewhere", 0.0))
            raise
        except BaseException as error:  # noqa: BLE001 - whatever it is, `carry` raises it
            is_left = False
            self.carriage.end(error)
            if not isinstance(error, VoiceError):
                log.error("session %s: a bug", self._memory.session_id, exc_info=error)
        finally:
            await self._end(is_left=is_left)

    async def _converse(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self._runner.run_in(tasks)
            self._runner.read_ahead()
            memory, carriage = self._memory, self.carriage
            helpers = [
                tasks.create_task(self._listener.run(tasks, lambda: self._clock.is_paused), name="listen"),
                tasks.create_task(memory.keep(self._say_store_error), name="keep"),
                tasks.create_task(_ended(self.ending, lambda: self._verdict), name="end"),
                tasks.create_task(carriage.parking.mind_engines(), name="mind-engines"),
                tasks.create_task(carriage.keep_telling(), name="tell"),
            ]
            if self._recording.is_on:
                helpers.append(tasks.create_task(self._recording.run(), name="record"))
            if self.config.greeting and not memory.is_resumed:
                self._queue.put(greeting(self.config.greeting))
            if memory.kept is None:
                memory.went_on()  # there is one to come back to also before its first turn is over
            carriage.begun.set()
            self.end_reason = reason = await self._decider.run()
            carriage.end()
            for helper in helpers:
                helper.cancel()
            self._runner.stop()
            await self._transcriber.close()
            self._outbox.close(SessionEnded(reason))

    async def _end(self, *, is_left: bool) -> None:
        """`is_left`: for another server to go on with."""
        self.carriage.end()
        memory = self._memory
        if is_left:
            await memory.save_last()
            self._runner.stop()
            self._recording.close()
            await self._transcriber.close()
        else:
            if memory.unfinished is not None:
                memory.unfinished = self.carriage.standing.finished
            self._runner.stop()
            self._recording.close()
            memory.last_turn = max(memory.last_turn, self._taker.turn)
            if self._taker.words:
                memory.conversation.user_said(self._taker.turn, self._taker.words)
            await self._transcriber.close()
            await memory.save_last()
        self.carriage.closed.set()

    def carry(
        self,
        requests: AsyncIterator[ConverseRequest],
        send: SendNumbered,
        come_back: ComeBack | None = None,
    ) -> Awaitable[None]:
        """On this line, as of `Carriage.carry`."""
        return self.carriage.carry(Line(requests, send), come_back)

    def _is_idle(self) -> None:
        """Whoever holds the conversation does not hold its end."""
        self._clock.resume()
        self._queue.close()

    def _say_store_error(self, error: VoiceError) -> None:
        log.error("session %s: not saved: %s", self._memory.session_id, error)
        self._outbox.put(Notice("session", Reason.STORE_ERROR, str(error), retryable=True))
