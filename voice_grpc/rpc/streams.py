"""What the streaming methods share: their first request, how they write, and how long a call may last.

A session has its own lifetime (`session/lines/lifetime.py`) and warns by GoAway. A call of Transcribe or
Synthesize has the same limits, but no message to warn by: it is told by its end. It is idle: it ends well, as
if the caller had nothing more to say. It is too old, or the server goes away: it takes nothing more, says
what it still has, and ends with UNAVAILABLE.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc.aio
from google.protobuf.message import Message

from ..core.errors import BadField, ClientGone, Draining, SlowClient
from ..session.lines.lifetime import SessionLimits
from ..session.telling.outbox import SEND_SECONDS
from .status import Context

Read: TypeAlias = Callable[[], Awaitable[Any]]
"""The next request, or `grpc.aio.EOF`."""
Write: TypeAlias = Callable[[Message], Awaitable[None]]

CONFIG_SECONDS = 10.0
"""From the opening of a stream to its config."""

LAST_WORDS_SECONDS = 0.4
"""For a call that a drain ends, to say what it still has. A drain waits 0.5 s beyond its own time."""


async def first_config(read: Read) -> tuple[Any, int]:
    """The request that carries `config`, and its place in the stream; empty ones before it are ignored.

    Raises `BadField` for any other payload, for a stream that ends, and when none comes in time.
    """
    count, accepted = 0, "config, as the first request"
    try:
        async with asyncio.timeout(CONFIG_SECONDS):
            while (request := await read()) is not grpc.aio.EOF:
                count += 1
                arm = request.WhichOneof("payload")
                if arm == "config":
                    return request, count
                if arm is not None:
                    raise BadField(arm, "as the first request", accepted)
    except TimeoutError:
        raise BadField("config", f"nothing within {CONFIG_SECONDS:g} s", accepted) from None
    raise BadField("config", "the end of the stream", accepted)


async def opened(context: Context) -> Write:
    """How to write, once the headers are out. Both raise `ClientGone`.

    The headers leave by themselves: with the first message they would be sent again by the abort of a
    call whose first write was cancelled on its way, and grpc.aio then never ends that call.
    """

    async def write(response: Message) -> None:
        """grpc.aio cancels the handler of a dead call, but a write may fail before it gets to that."""
        try:
            await context.write(response)
        except grpc.aio.BaseError:
            raise ClientGone("the client is gone") from None

    try:
        await context.send_initial_metadata(())
    except grpc.aio.BaseError:
        raise ClientGone("the client is gone") from None
    return write


def promptly(write: Write) -> Write:
    """`write` for a method without an outbox, waiting no longer than one does. Raises `SlowClient`."""

    async def write_in_time(response: Message) -> None:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await write(response)
        except TimeoutError:
            text = f"the client took no message for {SEND_SECONDS:g} s; read as fast as they come"
            raise SlowClient(text) from None

    return write_in_time


class StreamLifetime:
    """How long a call that is no session may last. All times are the event loop's."""

    def __init__(self, limits: SessionLimits) -> None:
        now = _now()
        self._limits = limits
        self._heard_from = now
        self._closes_at: float | None = None
        """When nothing more is taken from the caller."""
        self._ends_at: float | None = None
        """When the call ends, whatever it is about."""
        if limits.max_age is not None:
            self._closes_at = now + limits.max_age
            self._ends_at = self._closes_at + limits.go_away
        self._why = Draining(f"the stream reached its maximum age of {limits.max_age} s; open another")
        self._was_closed = False
        self._reading: asyncio.Timeout | None = None
        self._call: asyncio.Timeout | None = None
        self.closed = asyncio.Event()
        """The call is over."""

    @property
    def idle(self) -> float | None:
        """Seconds after which a call on which nothing happens ends; None: never."""
        return self._limits.idle

    def touch(self) -> None:
        """Something came in."""
        self._heard_from = _now()

    def end_with(self, why: Draining, grace: float) -> None:
        """From outside, on the same loop: within `grace` seconds."""
        self._why = why
        self._closes_at = _first(self._closes_at, _now() + grace)
        self._ends_at = _first(self._ends_at, _now() + grace + LAST_WORDS_SECONDS)
        for timeout, at in ((self._reading, self._closes_at), (self._call, self._ends_at)):
            if timeout is not None and not timeout.expired():
                timeout.reschedule(_first(timeout.when(), at))

    async def read(self, read: Read) -> Any:
        """The next request, or EOF, also where nothing came for too long or nothing more is taken."""
        idle_at = None if self.idle is None else self._heard_from + self.idle
        try:
            async with asyncio.timeout_at(_first(idle_at, self._closes_at)) as self._reading:
                return await read()
        except TimeoutError:
            self._was_closed = self._closes_at is not None and _now() >= self._closes_at
            return grpc.aio.EOF
        finally:
            self._reading = None

    @asynccontextmanager
    async def lasting(self) -> AsyncIterator[None]:
        """The call itself. Raises `Draining` where its time was up and it was not the caller who ended it."""
        call = self._call = asyncio.timeout_at(self._ends_at)
        try:
            async with call:
                yield
        except TimeoutError:
            if call.expired():
                raise self._why from None
            raise
        finally:
            self._call = None
            self.closed.set()
        if self._was_closed:
            raise self._why


def _now() -> float:
    return asyncio.get_running_loop().time()


def _first(*times: float | None) -> float | None:
    """None is never."""
    return min((time for time in times if time is not None), default=None)
