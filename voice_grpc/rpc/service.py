"""The gRPC methods: read, write. What they do is elsewhere, and what went wrong is `status.py`'s to say."""

import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import grpc.aio
from google.protobuf.message import Message

from ..core import requests as i
from ..core.config import SessionConfig
from ..core.errors import ClientGone, NotReady
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
from .first_request import first_config
from .sessions import SessionRegistry
from .status import Context, errors_as_status
from .synthesize import Parts

log = logging.getLogger(__name__)

T = TypeVar("T")
Write: TypeAlias = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What the methods work with, once the engines are warm."""

    registry: SessionRegistry
    desk: AdminMethods
    parts: Parts
    catalog: Catalog


class VoiceService(VoiceServiceServicer):
    """The streams are coroutines that call `context.write`, which the stubs have no type for: a
    generator would yield inside the session's TaskGroup (PEP 789)."""

    def __init__(self, guard: Authenticator) -> None:
        self._guard = guard
        self.house: ServiceContext | None = None
        """None: not ready, and every call is told so."""

    def _enter(self, context: Context) -> tuple[ServiceContext, str]:
        """Who calls, before anything else; then whether anybody is at home."""
        owner = self._guard.owner(context.invocation_metadata())
        if self.house is None:
            raise NotReady("the models are still loading; try again in some seconds")
        return self.house, owner

    # ------------------------------------------------------------ streams

    async def Converse(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with errors_as_status(context, "Converse"):
            house, owner = self._enter(context)
            first, count = await first_config(context.read)
            config = session_config(first.config, house.catalog)
            name = f"session {config.session_id}"
            async with errors_as_status(context, name), house.registry.open(config, owner) as session:
                session.announce(session_notices(first.config, config, first.seq or count, house.catalog))
                log.info("%s: begins %s", name, [label for label, _ in config.metadata])
                requests = _requests(context, session, count, house.catalog)
                await session.run(requests, _sender(await _writer(context), config))
                log.info("%s: ends", name)

    async def Transcribe(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with errors_as_status(context, "Transcribe"):
            house, _ = self._enter(context)
            async with house.registry.visit():
                await house.parts.transcribe(context.read, await _writer(context))

    async def Synthesize(  # type: ignore[override]
        self, request: pb.SynthesizeRequest, context: Context
    ) -> None:
        async with errors_as_status(context, "Synthesize"):
            house, _ = self._enter(context)
            async with house.registry.visit():
                await house.parts.synthesize(request, await _writer(context))

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
            house, owner = self._enter(context)
            return await method(house.desk, owner, *request)


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


async def _writer(context: Context) -> Write:
    """The headers leave by themselves: with the first message they would be sent again by the abort of a
    call whose first write was cancelled on its way, and grpc.aio then never ends that call."""

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
