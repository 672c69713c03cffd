"""`ResumableStream`: one Converse stream after the other, as if they were one, on grpc.aio.

Whoever reads brings it back: `next` waits, connects, says what the server is to know, sends again what
the server has not taken care of, and goes on with the next response. It leaves a server that said GoAway by
itself.
`Resumption` decides all of that; here it is done.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, TypeAlias

import grpc
import grpc.aio

from ..pb import voice_pb2 as pb
from .connection import CallFailed, silent_when_ended
from .responses import Responses
from .resumption import Resumption
from .retries import may_pass

START_WITHIN = 10.0
"""Seconds from the config to `SessionStarted`."""

Rpc: TypeAlias = "grpc.aio.StreamStreamCall[pb.ConverseRequest, pb.ConverseResponse]"


@dataclass(frozen=True, slots=True)
class Reconnecting:
    """The line was lost; it is being tried to come back."""

    failure: CallFailed


@dataclass(frozen=True, slots=True)
class Resumed:
    """The same conversation goes on."""

    started: pb.SessionStarted


@dataclass(frozen=True, slots=True)
class Restarted:
    """The server knows nothing of the conversation any more. Another one has begun: turns are counted anew,
    and of the answer that was under way nothing comes."""

    started: pb.SessionStarted


LineEvent: TypeAlias = Reconnecting | Resumed | Restarted


class ListeningEar(Protocol):
    """What plays the answers. It waits while another stream begins: a server that has to say the rest anew
    says it from where the ear was then."""

    async def hold(self) -> pb.PlaybackReport | None:
        """Plays nothing from now on, and keeps what it has. Returns how far it got; None: it plays no
        answer, or has reported it by itself."""
        ...

    async def go_on(self) -> None:
        """With what it has."""
        ...


def untold(_: LineEvent) -> None:
    """For whoever need not know."""


@dataclass(frozen=True, slots=True)
class _Stream:
    rpc: Rpc
    responses: Responses[pb.ConverseResponse]
    first: pb.ConverseResponse


class ResumableStream:
    """`open` first and `close` last; one task reads, any task sends."""

    def __init__(
        self,
        connect: Callable[[], Rpc],
        resumption: Resumption,
        tell: Callable[[LineEvent], None] = untold,
        *,
        restarts: bool = True,
    ) -> None:
        """`connect` begins an RPC. `restarts`: whether a conversation that is lost may begin anew."""
        self._connect = connect
        self._resumption = resumption
        self._tell = tell
        self._restarts = restarts
        self.ear: ListeningEar | None = None
        """None: where it is, is known by what was reported, and it plays on what came."""
        self._stream: _Stream | None = None
        """None: before it was opened, and while it is away."""
        self._loss: CallFailed | None = None
        """Why it is away."""
        self._writing = asyncio.Lock()
        """Two concurrent writes break a grpc.aio call."""
        self._is_half_closed = False
        self._is_closed = False
        self._failure: CallFailed | None = None
        """Why it is over, when it did not end well."""

    async def open(self, seq: int = 0) -> pb.ConverseResponse:
        """The server's first message, which is `session_started`. Raises `CallFailed`."""

        async def opening() -> pb.ConverseRequest:
            return self._resumption.opening(seq)

        self._stream = await _begun(self._connect(), opening)
        self._resumption.begun(self._stream.first.session_started, time.monotonic())
        return self._stream.first

    async def close(self) -> None:
        """grpc.aio never ends a call that is abandoned."""
        self._is_closed = True
        if self._stream is not None:
            await self._stream.responses.close()

    async def send(self, request: pb.ConverseRequest) -> int:
        """Send it and return its number. Waits while the way to the server is full; while the line is away it
        is kept. After the end nothing is sent: whoever reads learns why.

        The event loop has its turn in any case: it is what brings a line back, also where somebody sends
        without a pause."""
        is_written = False
        async with self._writing:
            numbered = self._resumption.number(request, time.monotonic())
            if self._stream is not None:
                with silent_when_ended():
                    await self._stream.rpc.write(numbered)
                    is_written = True
        if not is_written:
            await asyncio.sleep(0)
        return numbered.seq

    async def half_close(self) -> None:
        """Nothing more will be sent."""
        async with self._writing:
            self._is_half_closed = True
            if self._stream is not None:
                with silent_when_ended():
                    await self._stream.rpc.done_writing()

    async def next(self) -> pb.ConverseResponse | None:
        """The next response that did not come before; None when all was well at the end. Raises `CallFailed`,
        also when asked again."""
        while self._failure is None:
            if self._loss is not None:  # whoever asked before did not wait until it was back
                await self._reconnect(self._loss)
            if self._resumption.is_to_move(time.monotonic()):
                await self._move()
            stream = self._stream
            assert stream is not None, "open first"
            try:
                response = await stream.responses.next()
            except CallFailed as failure:
                await self._come_back(failure)
                continue
            if response is None:
                return None
            new = self._resumption.receive(response, time.monotonic(), datetime.now(UTC).timestamp())
            if new is not None:
                return new
        raise self._failure

    @property
    def is_resumable(self) -> bool:
        """It comes back by itself from now on, and leaves a server that says GoAway."""
        return self._resumption.is_possible

    # ------------------------------------------------------------ streams

    async def _opening_again(self, ear: ListeningEar | None) -> pb.ConverseRequest:
        """It goes on from where `ear` is, which waits from now on."""
        return self._resumption.opening_again(await ear.hold() if ear is not None else None)

    async def _come_back(self, loss: CallFailed) -> None:
        """Returns once it goes on. Raises `loss`, or what an attempt got that will not pass."""
        if self._is_closed or not self._resumption.lost(loss, time.monotonic()):
            raise self._over(loss)
        lost, self._stream, self._loss = self._stream, None, loss
        self._tell(Reconnecting(loss))
        if lost is not None:
            await lost.responses.close()
        await self._reconnect(loss)

    async def _reconnect(self, loss: CallFailed) -> None:
        """As `_come_back`, of a line that is away."""
        failure = loss
        while (wait := self._resumption.next_wait(failure, time.monotonic())) is not None:
            await asyncio.sleep(wait)
            async with _waiting(self.ear) as ear:
                try:
                    stream = await _begun(self._connect(), partial(self._opening_again, ear))
                except CallFailed as attempt:
                    failure = attempt
                    if not may_pass(failure):
                        raise self._over(failure) from loss
                    continue
                await self._go_on(stream, loss)
                return
        raise self._over(loss)

    async def _go_on(self, stream: _Stream, loss: CallFailed) -> None:
        started = stream.first.session_started
        is_resumed = started.resumed
        if not (is_resumed or self._restarts):
            await stream.responses.close()
            raise self._over(loss)
        async with self._writing:
            decide = self._resumption.resumed if is_resumed else self._resumption.restarted
            await self._write_again(stream, decide(started, time.monotonic()))
        self._tell(Resumed(started) if is_resumed else Restarted(started))

    async def _move(self) -> None:
        """To another stream, before this one ends. Where that fails, this one is used to its end."""
        now = time.monotonic()
        async with _waiting(self.ear) as ear:
            try:
                stream = await _begun(self._connect(), partial(self._opening_again, ear))
            except CallFailed as failure:
                self._resumption.put_off(now, for_good=not may_pass(failure))
                return
            await self._move_to(stream)

    async def _move_to(self, stream: _Stream) -> None:
        now, old = time.monotonic(), self._stream
        if not stream.first.session_started.resumed:
            self._resumption.put_off(now, for_good=True)
            await stream.responses.close()
            return
        async with self._writing:  # nobody writes to the old one while it is cancelled
            again = self._resumption.resumed(stream.first.session_started, now)
            if old is not None:
                await old.responses.close()
            await self._write_again(stream, again)

    async def _write_again(self, stream: _Stream, requests: Sequence[pb.ConverseRequest]) -> None:
        """What was not taken care of, before anything new. The lock is held."""
        self._stream, self._loss = stream, None
        with silent_when_ended():
            for request in requests:
                await stream.rpc.write(request)
            if self._is_half_closed:
                await stream.rpc.done_writing()

    def _over(self, failure: CallFailed) -> CallFailed:
        self._failure = failure
        return failure


async def _begun(rpc: Rpc, opening: Callable[[], Awaitable[pb.ConverseRequest]]) -> _Stream:
    """`opening`: the config; asked for once there is a connection to send it on."""
    responses: Responses[pb.ConverseResponse] = Responses(rpc)
    try:
        async with asyncio.timeout(START_WITHIN):
            with silent_when_ended():
                await rpc.wait_for_connection()
                await rpc.write(await opening())
            first = await responses.next()
        if first is None or not first.HasField("session_started"):
            raise CallFailed(grpc.StatusCode.INTERNAL, "the server did not begin with `session_started`")
    except TimeoutError:
        await responses.close()
        late = f"the server did not start the session within {START_WITHIN:g} s"
        raise CallFailed(grpc.StatusCode.DEADLINE_EXCEEDED, late) from None
    except BaseException:
        await responses.close()
        raise
    return _Stream(rpc, responses, first)


@asynccontextmanager
async def _waiting(ear: ListeningEar | None) -> AsyncIterator[ListeningEar | None]:
    """From when it was asked in here where it is, to the end of the block; whichever is set meanwhile."""
    try:
        yield ear
    finally:
        if ear is not None:
            await ear.go_on()
