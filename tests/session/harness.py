"""A session on a loop of virtual time, a client for it, and everything it said with the time it said it.

Ten seconds of talk take milliseconds, and 100 ms are 100 ms to the microsecond.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias, TypeVar

import looptime

from voice_grpc.core import requests as i
from voice_grpc.core import responses as o
from voice_grpc.core.config import SessionConfig
from voice_grpc.core.conversation import Message
from voice_grpc.core.errors import ClientGone, VoiceError
from voice_grpc.core.turn.settings import TurnSettings
from voice_grpc.engines.scripted import (
    Hearing,
    Script,
    ScriptedAnswer,
    ScriptedLlm,
    ScriptedStt,
    ScriptedTts,
    Voicing,
)
from voice_grpc.ports import NOBODY_LOOKS, Engines, Observer, Recorder, SavedSession, SessionIdentity, Store
from voice_grpc.session.answering.precedence import Precedence
from voice_grpc.session.context import Shared
from voice_grpc.session.dictation import Dictation
from voice_grpc.session.lines.lifetime import SessionLimits
from voice_grpc.session.memory import Memory
from voice_grpc.session.session import Session
from voice_grpc.store import MemoryStore

from .microphone import Action

T = TypeVar("T")
M = TypeVar("M")

ID = "talk"
CONFIG = SessionConfig(ID, turns=TurnSettings(hold=0.5))
TOO_LONG = 3_000.0
"""Virtual seconds after which a session that should have ended is stuck."""
MICROSECOND = 1.5e-6
"""The resolution of virtual time."""

Requests: TypeAlias = asyncio.Queue[i.ConverseRequest | BaseException | None]


@dataclass(slots=True)
class Client:
    """Does what the script says, when it says; hears everything."""

    actions: Iterable[Action]
    send_seconds: float = 0.0
    """How long it takes to take one message."""
    stops_reading_at: float = float("inf")
    loudspeaker: "Loudspeaker | None" = None
    tools: "Tools | None" = None
    said: list[tuple[float, o.ConverseResponse]] = field(default_factory=list)
    _requests: Requests = field(default_factory=asyncio.Queue)

    async def act(self) -> None:
        loop = asyncio.get_running_loop()
        for at, item in self.actions:
            if at > loop.time():
                await asyncio.sleep(at - loop.time())
            self._requests.put_nowait(item)

    async def requests(self) -> AsyncIterator[i.ConverseRequest]:
        while (item := await self._requests.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
            await asyncio.sleep(0)

    async def send(self, message: o.ConverseResponse, seq: int = 0) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self.stops_reading_at:
            await asyncio.Event().wait()
        if self.send_seconds:
            await asyncio.sleep(self.send_seconds)
        self.said.append((asyncio.get_running_loop().time(), message))
        if self.loudspeaker is not None:
            self.loudspeaker.take(message, now)
        if self.tools is not None and isinstance(message, o.ToolCall):
            self.tools.run(message, self._requests)

    async def play(self) -> None:
        if self.loudspeaker is not None:
            await self.loudspeaker.play(self._requests)


@dataclass(slots=True)
class Tools:
    """Runs what it is asked to: a call takes its delay and returns its result; without one it never does."""

    runs: Mapping[str, tuple[float, str]]
    """Seconds and a JSON object, by name."""

    def run(self, call: o.ToolCall, requests: Requests) -> None:
        if call.name in self.runs:
            delay, result = self.runs[call.name]
            asyncio.get_running_loop().call_later(
                delay, requests.put_nowait, i.ToolResult(call.call_id, result, 70)
            )


@dataclass(slots=True)
class Loudspeaker:
    """Plays `delay` seconds late and says so every `period` seconds, as the contract asks; clears at once."""

    rate_hz: int = 24_000
    delay: float = 0.05
    period: float = 0.1
    clears_after: float | None = 0.0
    """How long after Interrupted it says what it had played; None: never."""
    _turn: int = 0
    _received: int = 0
    _begun: float = 0.0

    def take(self, message: o.ConverseResponse, now: float) -> None:
        if isinstance(message, o.AudioOutput):
            if message.turn != self._turn:
                self._turn, self._received, self._begun = message.turn, 0, now + self.delay
            self._received = message.offset + message.duration
        elif isinstance(message, o.PlaybackControl) and message.turn == self._turn:
            self._received = self.played(now)

    def played(self, now: float) -> int:
        return max(0, min(self._received, int((now - self._begun) * self.rate_hz + 0.5)))

    async def play(self, requests: Requests) -> None:
        reported: tuple[int, int] | None = None
        while True:
            await asyncio.sleep(self.period)
            standing = (self._turn, self.played(asyncio.get_running_loop().time()))
            if self._turn and standing[1] and standing != reported:
                requests.put_nowait(i.PlaybackReport(standing[0], i.PlaybackState.PROGRESS, standing[1]))
                reported = standing


@dataclass(slots=True)
class Recording:
    """What came of it."""

    said: list[tuple[float, o.ConverseResponse]]
    error: BaseException | None
    """That `run` raised."""
    ended_at: float
    left_over: set[str]
    """Names of tasks that outlived the session."""
    script: Script
    saved: SavedSession | None
    is_closed: bool

    def all(self, kind: type[M]) -> list[tuple[float, M]]:
        return [(at, message) for at, message in self.said if isinstance(message, kind)]

    def only(self, kind: type[M]) -> tuple[float, M]:
        (found,) = self.all(kind)
        return found

    def phases(self, *phases: o.TurnPhase) -> list[tuple[float, int, o.TurnPhase]]:
        """Turn events: when, of which turn, what; all, or those of `phases`."""
        found = [(at, m.turn, m.phase) for at, m in self.all(o.TurnEvent)]
        return [event for event in found if not phases or event[2] in phases]

    def when(self, phase: o.TurnPhase, turn: int) -> float:
        (at,) = [at for at, t, p in self.phases(phase) if t == turn]
        return at

    def words(self, turn: int) -> str:
        return "".join(m.delta for _, m in self.all(o.ResponseText) if m.turn == turn)

    def sound(self, turn: int) -> bytes:
        return b"".join(m.data for _, m in self.all(o.AudioOutput) if m.turn == turn)

    def audio(self, turn: int) -> list[tuple[float, o.AudioOutput]]:
        return [(at, m) for at, m in self.all(o.AudioOutput) if m.turn == turn]

    def notices(self) -> list[tuple[str, str]]:
        return [(m.stage, m.reason) for _, m in self.all(o.Notice)]

    def notices_of(self, reason: str) -> list[o.Notice]:
        return [m for _, m in self.all(o.Notice) if m.reason == reason]

    def finals(self) -> list[tuple[int, str]]:
        return [(m.turn, m.text) for _, m in self.all(o.Transcript) if m.is_final]

    @property
    def messages(self) -> tuple[Message, ...]:
        """As they are in the store."""
        assert self.saved is not None
        return self.saved.messages

    @property
    def history(self) -> list[tuple[str, str]]:
        return [(m.role.value, m.text) for m in self.messages]


def virtual(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a loop whose time jumps to whatever happens next."""
    with asyncio.Runner(loop_factory=lambda: looptime.new_event_loop(noop_cycles=0, start=0)) as runner:
        return runner.run(work)


def converse(
    actions: Iterable[Action],
    talk: Script | None = None,
    config: SessionConfig = CONFIG,
    *,
    engines: Engines | None = None,
    store: Store | None = None,
    limits: SessionLimits | None = None,
    client: Client | None = None,
    cancel_at: float | None = None,
    ends_at: float | None = 60.0,
    end_with: tuple[float, VoiceError, float] | None = None,
    observer: Observer = NOBODY_LOOKS,
    identity: SessionIdentity | None = None,
    recorder: Recorder | None = None,
) -> Recording:
    """One session from its start to its end; `ends_at` is when the client closes its side, None: never."""
    talk = talk or Script()
    closing: list[Action] = [] if ends_at is None else [(ends_at, None)]
    client = client or Client(())
    client.actions = sorted([*actions, *closing], key=lambda action: action[0])
    conversation = SessionRun(
        talk, engines or talk.engines, config, store or MemoryStore(), limits or SessionLimits(idle=None)
    )
    conversation.observer, conversation.identity = observer, identity
    conversation.recorder = recorder
    return virtual(conversation.hold(client, cancel_at, end_with))


@dataclass(slots=True)
class SessionRun:
    talk: Script
    engines: Engines
    config: SessionConfig
    store: Store
    limits: SessionLimits
    precedence: Precedence = field(default_factory=Precedence)
    observer: Observer = NOBODY_LOOKS
    identity: SessionIdentity | None = None
    recorder: Recorder | None = None

    async def hold(
        self, client: Client, cancel_at: float | None, end_with: tuple[float, VoiceError, float] | None
    ) -> Recording:
        loop = asyncio.get_running_loop()
        lease = await self.store.take(self.config.session_id, "")
        assert lease is not None
        memory = Memory.of(self.store, self.config.session_id, "", lease)
        shared = Shared(self.engines, self.limits, self.precedence, self.observer, self.recorder)
        session = Session(shared, self.config, memory, identity=self.identity)
        if end_with is not None:
            at, error, grace = end_with
            loop.call_later(at, session.end_with, error, grace)
        error_seen = await _run(partial(live, session, client), client, cancel_at)
        ended_at = loop.time()
        return Recording(
            client.said,
            error_seen,
            ended_at,
            await left_over(),
            self.talk,
            await self.store.load(self.config.session_id),
            session.closed.is_set(),
        )


async def live(session: Session, client: Client) -> None:
    """A conversation whose caller does not come back: it ends with its line."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(session.run(), name="session-lives")
        try:
            await session.carry(client.requests(), client.send)
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is tested
            lost = error
        else:
            return
        session.end_with(ClientGone("nobody comes back"))
        await session.closed.wait()
    raise lost


async def _run(
    held: Callable[[], Coroutine[Any, Any, None]], client: Client, cancel_at: float | None
) -> BaseException | None:
    """Until it ends, by itself or cancelled; what it raised."""
    failed: list[BaseException] = []

    async def run() -> None:
        try:
            await held()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is what is tested
            failed.append(error)

    async with asyncio.timeout(TOO_LONG), asyncio.TaskGroup() as tasks:
        helpers = [
            tasks.create_task(client.act(), name="client-acts"),
            tasks.create_task(client.play(), name="client-plays"),
        ]
        running = tasks.create_task(run(), name="session")
        if cancel_at is not None:
            asyncio.get_running_loop().call_later(cancel_at, running.cancel)
        await asyncio.wait({running})
        for helper in helpers:
            helper.cancel()
    return failed[0] if failed else None


async def left_over() -> set[str]:
    """Names of the tasks that are still there although everybody has left."""
    await asyncio.sleep(0)
    return {task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()}


def dictate(
    actions: Iterable[Action],
    talk: Script | None = None,
    config: SessionConfig = CONFIG,
    client: Client | None = None,
) -> Recording:
    """Speech to text alone."""
    talk = talk or Script()
    client = client or Client(())
    client.actions = sorted(actions, key=lambda action: action[0])

    async def hold() -> Recording:
        dictation = Dictation(talk.engines, config)
        error = await _run(partial(dictation.run, client.requests(), client.send), client, None)
        ended_at = asyncio.get_running_loop().time()
        return Recording(client.said, error, ended_at, await left_over(), talk, None, True)

    return virtual(hold())


def changed(config: SessionConfig = CONFIG, **turns: Any) -> SessionConfig:
    """With other turn settings."""
    return replace(config, turns=replace(config.turns, **turns))


def scripted(
    hears: Iterable[str | Hearing] = ("hello there",),
    answers: Iterable[str | ScriptedAnswer] = ("Hello. How can I help?",),
    voicing: Voicing | None = None,
) -> Script:
    """Engines that hear and answer this, one after the other."""
    return Script(
        ScriptedStt([Hearing(heard) if isinstance(heard, str) else heard for heard in hears]),
        ScriptedLlm([ScriptedAnswer(text) if isinstance(text, str) else text for text in answers]),
        ScriptedTts(voicing),
    )
