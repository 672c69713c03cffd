"""The gRPC methods: who calls, read, write. What they do is elsewhere; `status.py` says what went wrong."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc.aio
from google.protobuf.message import Message

from ..core import requests as i
from ..core.config import SessionConfig
from ..core.errors import NotReady
from ..core.quota import Account
from ..core.responses import ConverseResponse
from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import VoiceServiceServicer
from ..session.session import Session
from ..wire import requests as wire_in
from ..wire import responses as wire_out
from ..wire.catalog import Catalog
from ..wire.config import session_config, session_notices
from .admin import AdminMethods
from .callers import Caller, Callers
from .sessions import SessionRegistry
from .sound_pace import HeardStreams, SoundPace
from .status import Context, errors_as_status
from .streams import Write, first_config, opened
from .synthesize import SynthesizeMethod
from .transcribe import TranscribeMethod

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What the methods work with, once the engines are warm."""

    registry: SessionRegistry
    heard: HeardStreams
    catalog: Catalog
    admin: AdminMethods
    transcribe: TranscribeMethod
    synthesize: SynthesizeMethod


class VoiceService(VoiceServiceServicer):
    """The streams are coroutines that call `context.write`, which the stubs have no type for: a
    generator would yield inside the session's TaskGroup (PEP 789)."""

    def __init__(self, callers: Callers) -> None:
        self._callers = callers
        self.ready: ServiceContext | None = None
        """None: the models are still loading, and every call is told so."""

    def _enter(self, context: Context) -> tuple[ServiceContext, Caller]:
        """What to work with, and who calls. Raises `Unauthenticated` before anything else, and `NotReady`."""
        caller = self._callers.caller(context)
        if self.ready is None:
            raise NotReady("the models are still loading; try again in some seconds")
        return self.ready, caller

    @asynccontextmanager
    async def _called(self, context: Context, method: str) -> AsyncIterator[tuple[ServiceContext, Caller]]:
        """A call of a stream, from its first moment on: counted before it says what it wants."""
        async with errors_as_status(context, method):
            ready, caller = self._enter(context)
            with caller.account.call(asyncio.get_running_loop().time()):
                yield ready, caller

    # ------------------------------------------------------------ streams

    async def Converse(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with self._called(context, "Converse") as (ready, caller):
            first, count = await first_config(context.read)
            config = session_config(first.config, ready.catalog)
            name = f"session {config.session_id}"
            async with errors_as_status(context, name), ready.registry.open(config, caller) as session:
                session.announce(session_notices(first.config, config, first.seq or count, ready.catalog))
                log.info("%s: begins %s", name, [label for label, _ in config.metadata])
                with ready.heard.joined(caller.account, is_conversation=True) as pace:
                    requests = _requests(context, session, count, ready.catalog, pace)
                    await session.run(requests, _sender(await opened(context), config))
                log.info("%s: ends", name)

    async def Transcribe(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with (
            self._called(context, "Transcribe") as (ready, caller),
            ready.registry.admit(caller.account) as lifetime,
        ):
            with ready.heard.joined(caller.account, is_conversation=False) as pace:
                write, name = await opened(context), caller.account.name
                await ready.transcribe(context.read, write, lifetime, pace, name)

    async def Synthesize(  # type: ignore[override]
        self, request: pb.SynthesizeRequest, context: Context
    ) -> None:
        async with (
            self._called(context, "Synthesize") as (ready, caller),
            ready.registry.admit(caller.account) as lifetime,
        ):
            write = _counted(await opened(context), caller.account)
            await ready.synthesize(request, write, lifetime.idle, caller.account.name)

    # ------------------------------------------------------------ administration

    async def GetServerInfo(
        self, request: pb.GetServerInfoRequest, context: Context
    ) -> pb.GetServerInfoResponse:
        return await self._answer(context, AdminMethods.server_info)

    async def ListVoices(self, request: pb.ListVoicesRequest, context: Context) -> pb.ListVoicesResponse:
        return await self._answer(context, AdminMethods.voices, request)

    async def ListPersonas(
        self, request: pb.ListPersonasRequest, context: Context
    ) -> pb.ListPersonasResponse:
        return await self._answer(context, AdminMethods.personas)

    async def GetSession(self, request: pb.GetSessionRequest, context: Context) -> pb.GetSessionResponse:
        return await self._answer(context, AdminMethods.session, request)

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        return await self._answer(context, AdminMethods.sessions, request)

    async def DeleteSession(
        self, request: pb.DeleteSessionRequest, context: Context
    ) -> pb.DeleteSessionResponse:
        return await self._answer(context, AdminMethods.delete, request)

    async def _answer(self, context: Context, method: Callable[..., Awaitable[T]], *request: object) -> T:
        async with errors_as_status(context, method.__name__):
            ready, caller = self._enter(context)
            return await method(ready.admin, caller, *request)


async def _requests(
    context: Context, session: Session, count: int, catalog: Catalog, pace: SoundPace
) -> AsyncIterator[i.ConverseRequest]:
    while (request := await context.read()) is not grpc.aio.EOF:
        count += 1
        item = wire_in.inbound(request, request.seq or count, session.config, catalog)
        if item is not None:
            yield item
            await pace.wait(session.heard_seconds)


def _counted(write: Write, account: Account) -> Write:
    """What is spoken counts against its caller, clause by clause. Raises `AllowanceUsed` before the first."""
    now = asyncio.get_running_loop().time
    account.check_spending(now(), tokens=False, characters=True)

    async def write_counted(response: Message) -> None:
        if isinstance(response, pb.SynthesizeResponse):
            account.spend(now(), characters=len(response.segment_text))
        await write(response)

    return write_counted


def _sender(write: Write, config: SessionConfig) -> Callable[[ConverseResponse], Awaitable[None]]:
    count = 0

    async def send(message: ConverseResponse) -> None:
        nonlocal count
        count += 1
        response = wire_out.outbound(message, config.input.rate_hz)
        response.seq = count
        response.server_time_us = time.monotonic_ns() // 1000
        await write(response)

    return send
