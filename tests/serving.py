"""A real server with scripted engines on a port of its own, and a raw client that keeps all it gets.

The client adds nothing to the wire: it sends what a test hands it, right or wrong, and one task
reads. What a test awaits is a message, never a time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import grpc
import grpc.aio
import numpy as np
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from voice_grpc.core.audio import Samples
from voice_grpc.engines.scripted import Hearing, Script, ScriptedAnswer, ScriptedLlm, ScriptedStt, tone
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub
from voice_grpc.ports import Observer, Recorder, Store
from voice_grpc.rpc.status import RETRY_SECONDS
from voice_grpc.server.server import Server
from voice_grpc.settings import Settings
from voice_grpc.settings.personas import load_personas
from voice_grpc.store import MemoryStore

if TYPE_CHECKING:
    from voice_grpc.pb.voice_pb2_grpc import VoiceServiceAsyncStub

WITHIN = 60.0
"""Seconds until a message that does not come is a failed test; on a busy machine it may take a while."""

RATE_HZ = 16_000
"""Rate of the sound that goes in, unless a test says otherwise."""

LOCAL = (("grpc.enable_http_proxy", 0),)

State: TypeAlias = pb.TurnEvent.State
TERMINAL = (
    pb.TurnEvent.STATE_COMPLETED,
    pb.TurnEvent.STATE_INTERRUPTED,
    pb.TurnEvent.STATE_FAILED,
    pb.TurnEvent.STATE_DISCARDED,
)


@dataclass
class Ended:
    """How a call ended, and everything that came with its status."""

    code: grpc.StatusCode
    message: str
    reason: str = ""
    domain: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    @property
    def comes_again_by_chance(self) -> bool:
        """Nobody knows when there is room: a time is drawn for each."""
        least, most = RETRY_SECONDS
        return self.retry_after is not None and least <= self.retry_after <= most


def ended(error: grpc.aio.AioRpcError | grpc.RpcError) -> Ended:
    """From a unary call's error, or a stream's."""
    how = Ended(error.code(), error.details() or "")
    status = rpc_status.from_call(error)
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        bad, retry = error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            how.reason, how.domain = info.reason, info.domain
        elif detail.Unpack(bad):
            how.fields = {v.field: v.description for v in bad.field_violations}
        elif detail.Unpack(retry):
            how.retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return how


OK = Ended(grpc.StatusCode.OK, "")


class ConverseCall:
    """One Converse stream. `said` grows as responses come."""

    def __init__(
        self, stub: "VoiceServiceAsyncStub", metadata: Iterable[tuple[str, str]] = (), *, reads: bool = True
    ) -> None:
        self.said: list[pb.ConverseResponse] = []
        self.call = stub.Converse(metadata=tuple(metadata))
        self._changed = asyncio.Event()
        self._reading = self._over = False
        self._reads = reads
        self._writing = asyncio.Lock()

    async def read_all(self) -> None:
        try:
            if not self._reads:
                await self.call.code()
                return
            while isinstance(response := await self.call.read(), pb.ConverseResponse):
                self.said.append(response)
                self._changed.set()
        except grpc.aio.AioRpcError:
            return  # `ended` tells
        finally:
            self._over = True
            self._changed.set()

    # ------------------------------------------------------------ sending

    async def send(self, request: pb.ConverseRequest) -> None:
        """A call that is over takes nothing more; `ended` tells why."""
        try:
            async with self._writing:
                await self.call.write(request)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return

    async def config(self, config: pb.SessionConfig | None = None, **fields: object) -> pb.SessionStarted:
        """Sends it, and awaits the start."""
        config = config or pb.SessionConfig(**fields)  # type: ignore[arg-type]
        await self.send(pb.ConverseRequest(config=config))
        return (await self.next("session_started")).session_started

    async def text(self, words: str, **fields: bool) -> None:
        await self.send(pb.ConverseRequest(text=pb.TextInput(text=words, **fields)))

    async def audio(self, samples: Samples, seq: int = 0) -> None:
        """PCM16 as it is, in chunks of 20 ms, as fast as it goes."""
        for start in range(0, len(samples), 320):
            data = samples[start : start + 320].astype("<i2").tobytes()
            await self.send(pb.ConverseRequest(seq=seq, audio=pb.AudioInput(data=data)))

    async def speak(self, seconds: float = 0.4) -> None:
        """A whole utterance: sound, and the button's END instead of waiting for the silence."""
        await self.audio(tone(seconds, rate_hz=RATE_HZ))
        await self.send(pb.ConverseRequest(activity=pb.UserActivity(kind=pb.UserActivity.KIND_END)))

    async def half_close(self) -> None:
        await self.call.done_writing()

    def cancel(self) -> None:
        self.call.cancel()

    # ------------------------------------------------------------ awaiting

    async def until(self, found: Callable[[], bool], what: str = "") -> None:
        """Until the responses so far satisfy `found`."""
        try:
            async with asyncio.timeout(WITHIN):
                while not found():
                    assert not self._over, f"the call ended: {await self.ended()}, before {what or found}"
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"nothing of {what or found} in: {self.arms}") from None

    async def next(self, arm: str, after: int = 0) -> pb.ConverseResponse:
        """The first response of `arm`, from place `after` on."""

        def find() -> list[pb.ConverseResponse]:
            return [r for r in self.said[after:] if r.WhichOneof("payload") == arm]

        await self.until(lambda: bool(find()), arm)
        return find()[0]

    async def notice(self, reason: str) -> pb.Notice:
        await self.until(lambda: reason in [n.reason for n in self.notices], f"notice {reason}")
        return next(n for n in self.notices if n.reason == reason)

    async def state(self, state: "State", turn: int = 0) -> pb.ConverseResponse:
        """The first TurnEvent of `state`; of any turn, or of `turn`."""

        def find() -> list[pb.ConverseResponse]:
            events = [r for r in self.said if r.WhichOneof("payload") == "turn_event"]
            return [r for r in events if r.turn_event.state == state and turn in (0, r.turn)]

        await self.until(lambda: bool(find()), pb.TurnEvent.State.Name(state))
        return find()[0]

    async def over(self, turn: int) -> "State":
        """How `turn` ended."""
        await self.until(lambda: bool(self.terminals(turn)), f"the end of turn {turn}")
        return self.terminals(turn)[0]

    async def ended(self) -> Ended:
        """Reads on to the end of the call."""
        async with asyncio.timeout(WITHIN):
            code = await self.call.code()
            while self._reads and not self._over:
                self._changed.clear()
                await self._changed.wait()
        if code is grpc.StatusCode.OK:
            return OK
        error = grpc.aio.AioRpcError(
            code, await self.call.initial_metadata(), await self.call.trailing_metadata(),
            await self.call.details(),
        )  # fmt: skip
        return ended(error)

    # ------------------------------------------------------------ what came

    @property
    def arms(self) -> list[str | None]:
        return [r.WhichOneof("payload") for r in self.said]

    @property
    def notices(self) -> list[pb.Notice]:
        return [r.notice for r in self.said if r.WhichOneof("payload") == "notice"]

    def of(self, turn: int) -> list[pb.ConverseResponse]:
        return [r for r in self.said if r.turn == turn]

    def states(self, turn: int) -> list["State"]:
        return [r.turn_event.state for r in self.of(turn) if r.WhichOneof("payload") == "turn_event"]

    def terminals(self, turn: int) -> list["State"]:
        return [state for state in self.states(turn) if state in TERMINAL]

    def chunks(self, turn: int) -> list[pb.AudioOutput]:
        return [r.audio for r in self.of(turn) if r.WhichOneof("payload") == "audio"]

    def words(self, turn: int) -> str:
        return "".join(r.response_text.delta for r in self.of(turn))

    def transcripts(self) -> list[pb.Transcript]:
        return [r.transcript for r in self.said if r.WhichOneof("payload") == "transcript"]


@dataclass
class Served:
    server: Server
    script: Script
    store: Store
    channel: grpc.aio.Channel
    recorder: Recorder | None = None

    async def make_ready(self) -> None:
        await self.server.make_ready(self.script.engines, self.store, PERSONAS, self.recorder)

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.server.port}"

    @property
    def stub(self) -> "VoiceServiceAsyncStub":
        return stub_of(self.channel)

    @asynccontextmanager
    async def talk(
        self,
        metadata: Iterable[tuple[str, str]] = (),
        *,
        channel: grpc.aio.Channel | None = None,
        reads: bool = True,
    ) -> AsyncIterator[ConverseCall]:
        """A stream, read until the block ends and cancelled then."""
        talk = ConverseCall(stub_of(channel or self.channel), metadata, reads=reads)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(talk.read_all(), name="read")
            try:
                yield talk
            finally:
                talk.cancel()
                reading.cancel()

    async def assert_serves(self, metadata: Iterable[tuple[str, str]] = ()) -> None:
        """A good conversation, from the config to OK."""
        async with self.talk(metadata) as talk:
            await talk.config()
            await talk.text("Is all well?", text_only=True)
            first = await talk.state(pb.TurnEvent.STATE_THINKING)
            assert await talk.over(first.turn) == pb.TurnEvent.STATE_COMPLETED
            await talk.half_close()
            assert await talk.ended() == OK


def stub_of(channel: grpc.aio.Channel) -> "VoiceServiceAsyncStub":
    return VoiceServiceStub(channel)


def scripted(answer: ScriptedAnswer | str = "Sure thing.", hearing: Hearing | str = "hello there") -> Script:
    """One answer and one hearing, again and again; the answer's sound lasts about 0.7 s."""
    return Script(
        stt=ScriptedStt([Hearing(hearing) if isinstance(hearing, str) else hearing]),
        llm=ScriptedLlm([ScriptedAnswer(answer) if isinstance(answer, str) else answer]),
    )


LONG = "This is a rather long answer that goes on, and on, and on for quite some time. " * 8
"""About 35 s of sound: whoever wants to interrupt it has the time."""


PERSONAS = load_personas()


def settings(**given: object) -> Settings:
    """Without the environment's `.env`."""
    given = {"admission": "count"} | given  # a busy machine is no reason to fail
    return Settings(_env_file=None, port=0, store="memory", **given)  # type: ignore[call-arg, arg-type]


@asynccontextmanager
async def serving(
    script: Script | None = None,
    *,
    store: Store | None = None,
    recorder: Recorder | None = None,
    is_open: bool = True,
    observer: Observer | None = None,
    **given: object,
) -> AsyncIterator[Served]:
    """A server that is ready; with `is_open=False` one whose models are still loading."""
    server = Server(settings(**given), observer)
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}", LOCAL)
    served = Served(server, script or scripted(), store or MemoryStore(), channel, recorder)
    try:
        if is_open:
            await served.make_ready()
        yield served
    finally:
        await channel.close()
        await server.stop()


def noise(seconds: float, rate_hz: int = RATE_HZ) -> Samples:
    """Loud enough to be speech."""
    return np.random.default_rng(1).integers(-8000, 8000, round(seconds * rate_hz)).astype(np.int16)


def assert_told(how: Ended, code: grpc.StatusCode, reason: str) -> None:
    """Every status that is not OK says in its details what it is, for programs."""
    assert (how.code, how.reason, how.domain) == (code, reason, "voice.v1"), how


async def answered(talk: ConverseCall, words: str = "Hi.") -> int:
    """Asks in writing, waits for the end of the answer, and returns its turn."""
    before = max((r.turn for r in talk.said), default=0)
    await talk.text(words)
    await talk.until(lambda: any(r.turn > before for r in talk.said), "another turn")
    turn = next(r.turn for r in talk.said if r.turn > before)
    await talk.over(turn)
    return turn
