"""Consecutive clauses on one `StreamingSynthesize` call: text in as it comes, sound out as it is made.

The service aborts a stream that gets no text for 5 s (`IDLE_SECONDS`); so it is half-closed before, says
what it still has, and the next clause gets a stream of its own.
"""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

import grpc
from google.cloud.texttospeech_v1 import (
    StreamingSynthesisInput,
    StreamingSynthesizeRequest,
    StreamingSynthesizeResponse,
)

from ...core.errors import EngineError, EngineTimeout
from ...net.responses import StreamedResponses
from ...ports import Clause, Speech
from ..timeouts import Timeouts
from .alignment import USUAL_PACE, Alignment, Placed
from .audio import PcmReader
from .client import GoogleTtsClient, SynthesisCall
from .errors import BREAKS, SERVICE, StreamFate, fate_of
from .request import LIMIT, Put, SpeechRequest, pieces


class StallWatchdog:
    """When a stream's next sound is overdue: the service is late only while it owes sound.

    It owes some from the first text that was sent after its last sound, and once it was told that no text
    follows, until it ends. While the sound is taken slowly at our end, nobody is late.
    """

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._deadline: asyncio.Timeout | None = None
        self._owing_since: float | None = None
        self._closed_at: float | None = None
        self._heard_at: float | None = None
        self._is_giving = False

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Raises TimeoutError inside once the service is late."""
        async with asyncio.timeout(None) as self._deadline:
            try:
                self._move()
                yield
            finally:
                self._deadline = None

    def sent(self) -> None:
        """Text was given to the service."""
        if self._owing_since is None:
            self._owing_since = _now()
            self._move()

    def closed(self) -> None:
        """The service was told that no more text comes."""
        self._closed_at = _now()
        self._move()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Sound came from the service; inside, it is handed on."""
        self._heard_at, self._owing_since, self._is_giving = _now(), None, True
        self._move()
        yield
        self._heard_at, self._is_giving = _now(), False
        if self._owing_since is not None:
            self._owing_since = _now()
        self._move()

    def expire(self) -> None:
        """End the waiting now: nothing will come any more."""
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(_now())

    @property
    def has_sound(self) -> bool:
        return self._heard_at is not None

    @property
    def silent_seconds(self) -> float:
        """Seconds since the last sound; 0 before the first and while one is handed on."""
        return 0.0 if self._heard_at is None or self._is_giving else _now() - self._heard_at

    @property
    def complaint(self) -> str:
        if self._heard_at is None:
            return f"{SERVICE}: no sound within {self._timeouts.first:g} s"
        return f"{SERVICE}: no more sound for {self._timeouts.between:g} s in mid-answer"

    def _move(self) -> None:
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(None if self._is_giving else self._due())

    def _due(self) -> float | None:
        if self._heard_at is None:
            return None if self._owing_since is None else self._owing_since + self._timeouts.first
        since = self._owing_since
        if self._closed_at is not None:
            since = max(self._closed_at, self._heard_at)
        return None if since is None else since + self._timeouts.between


def _now() -> float:
    return asyncio.get_running_loop().time()


IDLE_SECONDS = 5.0
"""Seconds without text, after which the service answers ABORTED: "Input must be sent continuously, at least
every 5s seconds" (github.com/livekit/agents/issues/2406)."""
ENOUGH = 0.8
"""The share of `IDLE_SECONDS` after which a stream is half-closed."""
SETTLED_SECONDS = 0.6
"""Seconds without sound, after which all there is to say was said: the service makes sound in less time than
it lasts."""

_WAITING = 16
"""Clauses that may wait to be sent; whoever brings more waits. Sending takes no time to speak of."""
_RESUMED = (StreamFate.IDLE, StreamFate.LOST, StreamFate.BROKEN)
"""How a call may end so that what it left unsaid is said on a new one."""

Paces: TypeAlias = dict[str, float]
"""Seconds a letter by the id of a voice, at the normal rate, as measured."""

logger = logging.getLogger(__name__)


class SpeechStream:
    """A run of clauses that are said on one call, and on another where that ends early."""

    def __init__(
        self,
        client: GoogleTtsClient,
        request: SpeechRequest,
        timeouts: Timeouts,
        paces: Paces,
        idle_seconds: float,
    ) -> None:
        """`idle_seconds`: how long the call waits for a clause before it is half-closed."""
        self.is_closed = False
        """The stream takes no more clauses."""
        self._client, self._request, self._timeouts = client, request, timeouts
        self._paces, self._idle_seconds = paces, idle_seconds
        self._clauses: asyncio.Queue[Clause | None] = asyncio.Queue(_WAITING)
        self._watchdog = StallWatchdog(timeouts)
        self._alignment = self._new_alignment()
        self._again: deque[Clause] = deque()
        """Clauses that a call which ended early left unsaid."""
        self._is_ended = False
        self._failure: Exception | None = None

    async def send(self, clause: Clause) -> None:
        """`clause` is said after those before it; only while the stream is not closed."""
        await self._clauses.put(clause)

    def end(self) -> None:
        """No clause will follow."""
        self._is_ended = True
        if self._clauses.empty():
            self._clauses.put_nowait(None)

    async def run(self, put: Put) -> None:
        """Say all clauses. Raises `EngineError`.

        What the service left unsaid when it ended the call by itself is said on a new one, and so is
        all of it when the connection broke before any sound; once, if it does that again without a sound, and
        `BREAKS` times where it is the connection that breaks.
        """
        fruitless = 0
        while True:
            failure: EngineError | None = None
            allowed = 1
            try:
                await self._call(put)
            except EngineError as error:
                how = fate_of(error)
                if how not in _RESUMED or (how is StreamFate.BROKEN and self._watchdog.has_sound):
                    raise
                failure, allowed = error, BREAKS if how is StreamFate.BROKEN else 1
            if failure is None and self.is_closed:
                return
            self._again.extendleft(reversed(self._alignment.unsounded))
            fruitless = 0 if self._watchdog.has_sound else fruitless + 1
            if fruitless > allowed:
                raise failure or EngineError("tts", f"{SERVICE} ends its streams without a sound")
            if not self._again and (self.is_closed or self._clauses.empty()):
                self.is_closed = True
                return
            logger.warning("a stream ended early; what it left unsaid is said on a new one: %s", failure)

    async def _call(self, put: Put) -> None:
        self._alignment, self._watchdog = self._new_alignment(), StallWatchdog(self._timeouts)
        call = await self._client.open_stream(self._request.voice)
        responses: StreamedResponses[StreamingSynthesizeResponse] = StreamedResponses(call)
        writing = self._client.tasks.start(self._write(call), "google-tts-text")
        try:
            await self._read(responses, put)
        finally:
            self._client.end_stream(call)
            await responses.close()
            await self._client.tasks.end(writing)
        self._learn()

    # ------------------------------------------------------------ text

    async def _write(self, call: SynthesisCall) -> None:
        try:
            await call.write(StreamingSynthesizeRequest(streaming_config=self._request.streaming_config))
            while self._again:
                await self._send(call, self._again.popleft())
            while not self.is_closed and (following := await self._next()) is not None:
                await self._send(call, following)
            self.is_closed = True
            self._watchdog.closed()
            await call.done_writing()
        except (grpc.RpcError, asyncio.InvalidStateError):
            """The call is over: whoever reads it is told why."""
        except Exception as error:  # noqa: BLE001 - raised by whoever reads
            self._failure = error
            self._watchdog.expire()

    async def _next(self) -> Clause | None:
        """The clause to send next; None when nothing more comes, or not soon enough.

        A service that holds the first clause back to see what follows is told early that nothing does.
        """
        began = asyncio.get_running_loop().time()
        while not (self._is_ended and self._clauses.empty()):
            seconds = self._idle_seconds
            if not self._watchdog.has_sound:
                seconds = min(seconds, self._timeouts.first / 2)
            try:
                async with asyncio.timeout_at(began + seconds):
                    return await self._clauses.get()
            except TimeoutError:
                if not self._clauses.empty():
                    return self._clauses.get_nowait()
                if seconds == self._idle_seconds or not self._watchdog.has_sound:
                    break
        return None

    async def _send(self, call: SynthesisCall, clause: Clause) -> None:
        """The texts of a stream are read as one: they are told apart by a space."""
        self._alignment.send(clause, is_settled=self._watchdog.silent_seconds > SETTLED_SECONDS)
        self._watchdog.sent()
        for piece in pieces(clause.text, LIMIT - 1):
            self._client.usage.characters += len(piece)
            text = StreamingSynthesisInput(text=f"{piece} ")
            await call.write(StreamingSynthesizeRequest(input=text))

    # ------------------------------------------------------------ sound

    async def _read(self, responses: StreamedResponses[StreamingSynthesizeResponse], put: Put) -> None:
        """To the last sound, also where the call ended in the moment in which text was written to it."""
        pcm = PcmReader()
        try:
            async with self._watchdog.watching():
                while (response := await responses.next()) is not None:
                    if not response.audio_content:
                        continue
                    with self._watchdog.heard():
                        await self._give(self._alignment.place(pcm.feed(response.audio_content)), put)
                with self._watchdog.heard():
                    await self._give(self._alignment.finish(), put)
        except TimeoutError:
            raise self._failure or EngineTimeout("tts", self._watchdog.complaint) from None
        except (grpc.RpcError, asyncio.CancelledError) as error:
            self._client.fail(error)

    async def _give(self, placed: Placed, put: Put) -> None:
        for index, samples in placed:
            await put(Speech(index, samples, self._request.voice.rate_hz))

    # ------------------------------------------------------------ which sound is whose

    def _new_alignment(self) -> Alignment:
        pace = self._paces.get(self._request.voice.id, USUAL_PACE)
        return Alignment(self._request.voice.rate_hz, pace / self._request.rate)

    def _learn(self) -> None:
        if (pace := self._alignment.measured_pace) is not None:
            self._paces[self._request.voice.id] = pace * self._request.rate
