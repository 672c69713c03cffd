"""One connection to a Whisper server, on which an utterance goes out as it is spoken, and all of one engine.

    UtteranceAudio ─▶ Connection (a task: open, greet; send and receive) ─▶ SocketProtocol ─▶ Wire

What lives here: when things happen. What is said is each `SocketProtocol`'s.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Protocol

from ...core.audio import Samples
from ...core.errors import EngineError, EngineTimeout, EngineUnreachable
from ...net.proxy import through
from ..timeouts import Timeouts
from .address import WhisperAddress
from .interims import InterimLimiter, InterimRoom
from .utterance import TranscribeOptions, UtteranceAudio
from .websocket import Wire

_GOODBYE_S = 0.5
"""Seconds for what is said before hanging up."""

_ROOM = InterimRoom(most=2, is_beside_finals=False)
"""Where each interim is a request of its own."""


class SocketProtocol(Protocol):
    """One protocol on one connection. What a server says to complain is raised as `EngineError`."""

    @property
    def streams(self) -> bool | None:
        """Whether text comes while the sound goes out; None before that is known."""
        ...

    @property
    def is_spent(self) -> bool:
        """It has answered, and further sound wants a new beginning."""
        ...

    @property
    def ended_early(self) -> bool:
        """The server found an end of speech by itself: `text` is of what was sent by then, and no more
        comes."""
        ...

    @property
    def text(self) -> str:
        """The transcript of the sound so far."""
        ...

    @property
    def language(self) -> str:
        """Whisper's code, empty where the server does not say."""
        ...

    async def open(self, seconds: float) -> Wire: ...

    async def greet(self, wire: Wire) -> None:
        """All that comes before the sound."""
        ...

    async def send(self, wire: Wire, samples: Samples) -> None: ...

    async def finish(self, wire: Wire) -> None:
        """The sound is out as far as an answer is wanted."""
        ...

    def receive(self, message: Any, now: float) -> None:
        """What the server says. Lookups that fail mean that it does not speak this protocol."""
        ...

    def settles_at(self, now: float) -> float:
        """When `text` is the answer if nothing else comes; asked after `finish`."""
        ...

    @property
    def is_usable(self) -> bool:
        """At the deadline: `text` is worth more than a failure."""
        ...

    def renew(self) -> bool:
        """Begin again on the same connection; False where the protocol cannot."""
        ...

    async def leave(self, wire: Wire) -> None:
        """What is said before hanging up."""
        ...


class Connection:
    """Its task ends with the connection; `abort` or `close` ends both."""

    def __init__(
        self, protocol: SocketProtocol, audio: UtteranceAudio, timeouts: Timeouts, where: str, begin: int = 0
    ) -> None:
        """`where`: the address, and the proxy on the way, for people; `begin`: the first sample to go out."""
        self.protocol, self.sent, self._audio, self._where = protocol, begin, audio, where
        self.failure: EngineError | None = None
        self.is_ready = False
        self._end: int | None = None
        self._is_finished = False
        self._work, self._changed = asyncio.Event(), asyncio.Event()
        self._wire: Wire | None = None
        self.task = asyncio.get_running_loop().create_task(self._run(timeouts), name="whisper-connection")

    async def ready(self, seconds: float) -> None:
        """Until the sound can go out. Raises `EngineError`."""
        await self._until(lambda: 0.0 if self.is_ready else math.inf, seconds)

    async def has_text(self, seconds: float) -> bool:
        """Whether there is text within `seconds`; False at once where none comes before the end."""
        with suppress(EngineTimeout):
            await self._until(
                lambda: 0.0 if self.protocol.text or self.protocol.streams is False else math.inf, seconds
            )
        return bool(self.protocol.text)

    async def finish(self, end: int, seconds: float) -> None:
        """Until `protocol.text` is that of all samples before `end`. Raises `EngineError`."""
        self._end, self._is_finished = end, False
        self._work.set()
        try:
            await self._until(self._settles_at, seconds)
        except EngineTimeout:
            if not (self._is_finished and self.protocol.is_usable):
                raise

    def renew(self) -> bool:
        """The same connection for the whole utterance once more; False where it cannot be."""
        if self.failure is not None or not self.protocol.renew():
            return False
        self.sent, self._end, self._is_finished = 0, None, False
        self._work.set()
        return True

    def abort(self) -> None:
        """At once; what waits for it raises."""
        self._fail(EngineUnreachable("stt", f"the connection to {self._where} was given up"))
        self.task.cancel()

    async def close(self) -> None:
        """Politely where there is somebody to be polite to; everything is gone when it returns."""
        if self._wire is not None and self.failure is None and self.is_ready:
            with suppress(EngineError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self.protocol.leave(self._wire)
                    await self._wire.close()
        self.abort()
        await asyncio.wait([self.task])

    def _settles_at(self) -> float:
        if self.protocol.ended_early:
            return 0.0
        now = asyncio.get_running_loop().time()
        return self.protocol.settles_at(now) if self._is_finished else math.inf

    async def _until(self, settles_at: Callable[[], float], seconds: float) -> None:
        """Until the loop's time has come that `settles_at` names; asked again whenever something changed."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while (at := settles_at()) > loop.time():
            if self.failure is not None:
                raise self.failure
            if loop.time() >= deadline:
                raise EngineTimeout("stt", f"{self._where} did not answer within {seconds:.1f} s")
            self._changed.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(at, deadline)):
                    await self._changed.wait()

    # ------------------------------------------------------------ the task

    async def _run(self, timeouts: Timeouts) -> None:
        self._audio.grown.add(self._work)
        try:
            await self._guard(self._begin(timeouts))
            if self._wire is not None and self.is_ready:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._guard(self._send(self._wire)), name="whisper-send")
                    tasks.create_task(self._guard(self._receive(self._wire)), name="whisper-receive")
        finally:
            self._audio.grown.discard(self._work)
            if self._wire is not None:
                self._wire.abort()

    async def _guard(self, work: Awaitable[None]) -> None:
        """Whatever goes wrong ends the connection, and is told to whoever waits for it."""
        try:
            await work
        except EngineError as error:
            self._fail(error)
        except TimeoutError:
            self._fail(EngineTimeout("stt", f"no connection to {self._where} in time"))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            kind = type(error).__name__
            self._fail(EngineError("stt", f"{self._where} said what its protocol does not know ({kind})"))

    def _fail(self, error: EngineError) -> None:
        self.failure = self.failure or error
        if self._wire is not None:
            self._wire.abort()
        self._work.set()
        self._changed.set()

    async def _begin(self, timeouts: Timeouts) -> None:
        self._wire = await self.protocol.open(timeouts.connect)
        async with asyncio.timeout(timeouts.first):
            await self.protocol.greet(self._wire)
        self.is_ready = True
        self._changed.set()

    async def _send(self, wire: Wire) -> None:
        while self.failure is None:
            is_ending = self._end is not None and not self._is_finished
            is_over = self.protocol.is_spent or self.protocol.ended_early
            samples = self._audio.message(self.sent, self._end if is_ending else None)
            if len(samples) and not is_over:
                await self.protocol.send(wire, samples)
                self.sent += len(samples)
                await asyncio.sleep(0)  # a long utterance that is sent again leaves the loop to others
            elif is_ending and not is_over:
                await self.protocol.finish(wire)
                self._is_finished = True
                self._changed.set()
            else:
                self._work.clear()
                await self._work.wait()

    async def _receive(self, wire: Wire) -> None:
        while True:
            self.protocol.receive(await wire.receive(), asyncio.get_running_loop().time())
            self._changed.set()


class ConnectionPool:
    """What the utterances of one engine share: the server's address, their connections, and room for
    interims."""

    def __init__(
        self,
        address: WhisperAddress,
        timeouts: Timeouts,
        new_protocol: Callable[[TranscribeOptions], SocketProtocol],
    ) -> None:
        """`new_protocol`: makes that of a fresh connection."""
        self.address, self.timeouts = address, timeouts
        self.limiter = InterimLimiter(lambda: _ROOM)
        self._new_protocol = new_protocol
        self._connections: set[Connection] = set()
        self._is_closed = False

    def connect(
        self,
        options: TranscribeOptions,
        audio: UtteranceAudio,
        begin: int = 0,
        timeouts: Timeouts | None = None,
    ) -> Connection:
        """At once; the connection opens by itself. `begin`: the first sample that goes out. Raises
        `EngineError` once closed."""
        if self._is_closed:
            text = f"the connections to {self.address.location} are closed"
            raise EngineError("stt", text, retryable=False)
        where = f"{self.address.location}{through(self.address.origin)}"
        connection = Connection(self._new_protocol(options), audio, timeouts or self.timeouts, where, begin)
        self._connections.add(connection)
        connection.task.add_done_callback(lambda _: self._connections.discard(connection))
        return connection

    async def close(self) -> None:
        self._is_closed = True
        for connection in (connections := list(self._connections)):
            connection.abort()
        if connections:
            await asyncio.wait([connection.task for connection in connections], timeout=1.0)
