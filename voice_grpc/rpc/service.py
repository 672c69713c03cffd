"""The gRPC methods: who calls, read, write. What they do is elsewhere; `status.py` says what went wrong."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc.aio
from google.protobuf.message import Message

from ..core import requests as i
from ..core.config import SessionConfig
from ..core.errors import NotReady, Reason
from ..core.quota import Account
from ..core.responses import ConverseResponse
from ..core.resume_token import UnusableToken
from ..net.trace_headers import trace_of
from ..pb import voice_pb2 as pb
from ..pb.voice_pb2_grpc import VoiceServiceServicer
from ..ports import NOBODY_LOOKS, Observer
from ..ports.observer import StatusTold
from ..process.log_lines import lines_of
from ..session.lines.line import SendNumbered
from ..session.session import Session
from ..wire import requests as wire_in
from ..wire import responses as wire_out
from ..wire.catalog import Catalog
from ..wire.config import come_back, session_config, session_notices
from .admin import AdminMethods
from .auth import Scope
from .callers import Caller, Callers
from .returning import Asked, Returning
from .sessions import SessionRegistry
from .sound_pace import HeardStreams, SoundPace
from .status import Context, errors_as_status
from .streams import Write, first_config, opened
from .synthesize import SynthesizeMethod
from .transcribe import TranscribeMethod
from .watched import SessionWatch, told_metadata, watched_call

T = TypeVar("T")

RESET_SECONDS = 0.1
"""From what looks like the end of the requests to what it is. Of a stream that is reset grpc.aio (1.85) tells
"no more" first and cancels its handler in the same round of the loop or the next: a line that was lost would
pass for a caller who has nothing more to say."""


@dataclass(frozen=True, slots=True)
class ServiceContext:
    """What the methods work with, once the engines are warm."""

    registry: SessionRegistry
    heard: HeardStreams
    catalog: Catalog
    admin: AdminMethods
    transcribe: TranscribeMethod
    synthesize: SynthesizeMethod
    returning: Returning


class VoiceService(VoiceServiceServicer):
    """The streams are coroutines that call `context.write`, which the stubs have no type for: a
    generator would yield inside the session's TaskGroup (PEP 789)."""

    def __init__(
        self, callers: Callers, observer: Observer = NOBODY_LOOKS, metadata: Collection[str] = ()
    ) -> None:
        """`observer` is told of conversations, and of calls that fail. `metadata`: keys of what callers say
        of themselves that it may be told."""
        self._callers, self._observer, self._metadata = callers, observer, metadata
        self.ready: ServiceContext | None = None
        """None: the models are still loading, and every call is told so."""

    async def _enter(self, context: Context, *scopes: Scope) -> tuple[ServiceContext, Caller]:
        """What to work with, and who calls. Raises `Unauthenticated` before anything else, `Forbidden` for
        who has none of the scopes, and `NotReady`."""
        caller = await self._callers.caller(context)
        if scopes:
            caller.principal.check(*scopes)
        if self.ready is None:
            raise NotReady("the models are still loading; try again in some seconds")
        return self.ready, caller

    @asynccontextmanager
    async def _called(
        self, context: Context, method: str, scope: Scope
    ) -> AsyncIterator[tuple[ServiceContext, Caller]]:
        """A call of a stream, from its first moment on: counted before it says what it wants."""
        failed = self._failed(method)
        with _lines_of_call(context):
            async with errors_as_status(context, method, failed):
                ready, caller = await self._enter(context, scope)
                with lines_of("", caller.trace.trace_id):
                    async with (
                        errors_as_status(context, method, failed),
                        self._callers.called(caller.account),
                    ):
                        yield ready, caller

    # ------------------------------------------------------------ streams

    async def Converse(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with self._called(context, "Converse", Scope.CONVERSE) as (ready, caller):
            first, count = await first_config(context.read)
            asked = Asked(
                session_config(first.config, ready.catalog),
                first.seq or count,
                come_back(first.config, is_numbered=first.seq > 0),
            )
            asked = ready.returning.recognised(asked, first.config.session_id, caller.owner)
            failed = self._failed("Converse")
            async with _conversation(context, asked, ready.registry, caller, failed) as found:
                asked, session, watch = found
                config, catalog = asked.config, ready.catalog
                told = told_metadata(self._metadata, context.invocation_metadata(), config.metadata)
                if not session.carriage.was_carried:
                    session.announce([*asked.notices, *session_notices(config, asked.seq, catalog)])
                with (
                    ready.heard.joined(
                        caller.account, is_conversation=True, before=session.heard_seconds
                    ) as pace,
                    watch.line(told),
                ):
                    count = max(count, session.last_seq)
                    requests = _requests(context, session, count, catalog, pace)
                    await session.carry(requests, _sender(await opened(context), config), asked.come_back)

    async def Transcribe(self, request_iterator: object, context: Context) -> None:  # type: ignore[override]
        async with (
            self._called(context, "Transcribe", Scope.TRANSCRIBE) as (ready, caller),
            ready.registry.admit(caller.account) as lifetime,
        ):
            with (
                ready.heard.joined(caller.account, is_conversation=False) as pace,
                watched_call(self._observer, "Transcribe", caller.trace) as call,
            ):
                async with lifetime.lasting():
                    write, name = await opened(context), caller.account.name
                    await ready.transcribe(context.read, write, lifetime, pace, name, call)

    async def Synthesize(  # type: ignore[override]
        self, request: pb.SynthesizeRequest, context: Context
    ) -> None:
        async with (
            self._called(context, "Synthesize", Scope.SYNTHESIZE) as (ready, caller),
            ready.registry.admit(caller.account) as lifetime,
        ):
            with watched_call(self._observer, "Synthesize", caller.trace) as call:
                async with lifetime.lasting():
                    write = _counted(await opened(context), caller.account)
                    await ready.synthesize(request, write, lifetime.idle, caller.account.name, call)

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
        return await self._kept(context, AdminMethods.session, request)

    async def ListSessions(
        self, request: pb.ListSessionsRequest, context: Context
    ) -> pb.ListSessionsResponse:
        return await self._kept(context, AdminMethods.sessions, request)

    async def DeleteSession(
        self, request: pb.DeleteSessionRequest, context: Context
    ) -> pb.DeleteSessionResponse:
        return await self._kept(context, AdminMethods.delete, request)

    async def _kept(self, context: Context, method: Callable[..., Awaitable[T]], request: object) -> T:
        """What is about kept conversations."""
        return await self._answer(context, method, request, scopes=(Scope.CONVERSE, Scope.ADMIN))

    async def _answer(
        self,
        context: Context,
        method: Callable[..., Awaitable[T]],
        *request: object,
        scopes: tuple[Scope, ...] = (),
    ) -> T:
        with _lines_of_call(context):
            async with errors_as_status(context, method.__name__, self._failed(method.__name__)):
                ready, caller = await self._enter(context, *scopes)
                return await method(ready.admin, caller, *request)

    def _failed(self, method: str) -> Callable[[Reason], None]:
        return lambda reason: self._observer.observe(StatusTold(method, reason.value))


def _lines_of_call(context: Context) -> AbstractContextManager[None]:
    """What is logged of a call says its caller's trace, also where the caller is not let in."""
    trace = trace_of(context.invocation_metadata())
    return lines_of("", trace.trace_id if trace is not None else "")


@asynccontextmanager
async def _conversation(
    context: Context,
    asked: Asked,
    registry: SessionRegistry,
    caller: Caller,
    failed: Callable[[Reason], None],
) -> AsyncIterator[tuple[Asked, Session, SessionWatch]]:
    """The one that is asked for; or a new one, where nothing is kept of it. `failed` as of
    `errors_as_status`."""
    async with AsyncExitStack() as stack:
        while True:
            session_id = asked.config.session_id
            stack.enter_context(lines_of(session_id, caller.trace.trace_id))
            await stack.enter_async_context(errors_as_status(context, f"session {session_id}", failed))
            opening = registry.open(asked.config, caller, asked.come_back)
            try:
                session, watch = await stack.enter_async_context(opening)
                break
            except UnusableToken as error:
                asked = asked.anew(error)
        yield asked, session, watch


async def _requests(
    context: Context, session: Session, count: int, catalog: Catalog, pace: SoundPace
) -> AsyncIterator[i.ConverseRequest]:
    while (request := await context.read()) is not grpc.aio.EOF:
        count += 1
        item = wire_in.inbound(request, request.seq or count, session.config, catalog)
        if item is not None:
            yield item
            await pace.wait(session.heard_seconds)
    await asyncio.sleep(RESET_SECONDS)


def _counted(write: Write, account: Account) -> Write:
    """What is spoken counts against its caller, clause by clause. Raises `AllowanceUsed` before the first."""
    now = asyncio.get_running_loop().time
    account.check_spending(now(), tokens=False, characters=True)

    async def write_counted(response: Message) -> None:
        if isinstance(response, pb.SynthesizeResponse):
            account.spend(now(), characters=len(response.segment_text))
        await write(response)

    return write_counted


def _sender(write: Write, config: SessionConfig) -> SendNumbered:
    async def send(message: ConverseResponse, seq: int) -> None:
        response = wire_out.outbound(message, config.input.rate_hz)
        response.seq = seq
        response.server_time_us = time.monotonic_ns() // 1000
        await write(response)

    return send
