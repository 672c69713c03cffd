"""The gRPC methods: who calls, read, write. What they do is elsewhere; `status.py` says what went wrong."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import grpc.aio

from ..core import requests as i
from ..core.config import SessionConfig
from ..core.errors import NotReady
from ..core.responses import ConverseResponse
from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import VoiceServiceServicer
from ..session.session import Session
from ..wire import requests as wire_in
from ..wire import responses as wire_out
from ..wire.catalog import Catalog
from ..wire.config import session_config, session_notices
from .admin import AdminMethods
from .auth import Authenticator
from .sessions import SessionRegistry
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
    catalog: Catalog
    admin: AdminMethods
    transcribe: TranscribeMethod
    synthesize: SynthesizeMethod


class VoiceService(VoiceServiceServicer):
    """The streams are coroutines that call `context.write`, which the stubs have no type for: a
    generator would yield inside the session's TaskGroup (PEP 789)."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self.ready: ServiceContext | None = None
        """None: the models are still loading, and every call is told so."""

    def _enter(self, context: Context) -> tuple[ServiceContext, str]:
        """What to work with, and who calls. Raises `Unauthenticated` before anything else, and `NotReady`."""
        owner = self._authenticator.owner(context.invocation_metadata())
        if self.ready is None:
            raise NotReady("the models are still loading; try again in some seconds")
        return self.ready, owner

    # ------------------------------------------------------------ streams

    async def Converse(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with errors_as_status(context, "Converse"):
            ready, owner = self._enter(context)
            first, count = await first_config(context.read)
            config = session_config(first.config, ready.catalog)
            name = f"session {config.session_id}"
            async with errors_as_status(context, name), ready.registry.open(config, owner) as session:
                session.announce(session_notices(first.config, config, first.seq or count, ready.catalog))
                log.info("%s: begins %s", name, [label for label, _ in config.metadata])
                requests = _requests(context, session, count, ready.catalog)
                await session.run(requests, _sender(await opened(context), config))
                log.info("%s: ends", name)

    async def Transcribe(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with errors_as_status(context, "Transcribe"):
            ready, _ = self._enter(context)
            async with ready.registry.admit() as lifetime:
                await ready.transcribe(context.read, await opened(context), lifetime)

    async def Synthesize(  # type: ignore[override]
        self, request: pb.SynthesizeRequest, context: Context
    ) -> None:
        async with errors_as_status(context, "Synthesize"):
            ready, _ = self._enter(context)
            async with ready.registry.admit() as lifetime:
                await ready.synthesize(request, await opened(context), lifetime.idle)

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
            ready, owner = self._enter(context)
            return await method(ready.admin, owner, *request)


async def _requests(
    context: Context, session: Session, count: int, catalog: Catalog
) -> AsyncIterator[i.ConverseRequest]:
    while (request := await context.read()) is not grpc.aio.EOF:
        count += 1
        item = wire_in.inbound(request, request.seq or count, session.config, catalog)
        if item is not None:
            yield item


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
