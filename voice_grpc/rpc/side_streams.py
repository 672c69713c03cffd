"""The streams beside the voice: Watch of health, reflection, and channelz. Counted, and none for ever.

Health is asked without a token, so that whatever starts and stops servers can; reflection and channelz want
one where the server does. A unary Check of health costs nothing and is counted nowhere.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from ..core.errors import Draining
from ..session.lines.lifetime import SessionLimits
from .callers import Callers
from .status import Context, errors_as_status
from .streams import StreamLifetime, opened, promptly

HEALTH = "/grpc.health.v1."

SIDE_LIMITS = SessionLimits(idle=30.0, max_age=3_600.0, go_away=0.0)
"""A tool asks its next question at once. A Watch is begun anew once an hour: nothing is lost by that."""


class SideStreams(grpc.aio.ServerInterceptor):
    """Of all methods but those whose names begin with `voice`, such as `/voice.v1.VoiceService/`."""

    def __init__(self, callers: Callers, voice: str) -> None:
        self._callers, self._voice = callers, voice
        self._open: set[StreamLifetime] = set()

    def end(self) -> None:
        """The server goes away. A Watch ends by itself, once it told so (`health.py`)."""
        for stream in self._open:
            stream.end_with(Draining("the server goes away"), 0.0)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler, method = await continuation(handler_call_details), str(handler_call_details.method)
        if handler is None or method.startswith(self._voice):
            return handler
        codec = (handler.request_deserializer, handler.response_serializer)
        if handler.stream_stream is not None:
            return grpc.stream_stream_rpc_method_handler(
                self._exchange(method, handler.stream_stream), *codec
            )
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._watch(method, handler.unary_stream), *codec)
        if handler.unary_unary is not None and not method.startswith(HEALTH):
            return grpc.unary_unary_rpc_method_handler(self._ask(method, handler.unary_unary), *codec)
        return handler

    def _ask(self, method: str, ask: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def asked(request: Any, context: Context) -> Any:
            async with errors_as_status(context, method):
                await self._callers.caller(context)
                return await ask(request, context)

        return asked

    def _watch(self, method: str, watch: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[None]]:
        """`watch` writes by itself."""

        async def watched(request: Any, context: Context) -> None:
            async with errors_as_status(context, method), self._admitted(method, context):
                await watch(request, context)

        return watched

    def _exchange(
        self, method: str, answer: Callable[..., AsyncIterator[Any]]
    ) -> Callable[..., Awaitable[None]]:
        """`answer` makes responses of requests, and writes none."""

        async def exchanged(_: object, context: Context) -> None:
            async with errors_as_status(context, method), self._admitted(method, context) as lifetime:
                write = promptly(await opened(context))
                async with aclosing(_requests(context, lifetime)) as requests:
                    async for response in answer(requests, context):
                        await write(response)

        return exchanged

    @asynccontextmanager
    async def _admitted(self, method: str, context: Context) -> AsyncIterator[StreamLifetime]:
        """Raises `Unauthenticated`, `CallerLimit`, and `Draining` where its time was up."""
        is_health = method.startswith(HEALTH)
        if is_health:
            account = self._callers.by_address(context)
        else:
            account = (await self._callers.caller(context)).account
        with account.side_stream():
            lifetime = StreamLifetime(SIDE_LIMITS)
            if not is_health:
                self._open.add(lifetime)
            try:
                async with lifetime.lasting():
                    yield lifetime
            finally:
                self._open.discard(lifetime)


async def _requests(context: Context, lifetime: StreamLifetime) -> AsyncGenerator[Any, None]:
    """Up to the end of the stream or of its time."""
    while (request := await lifetime.read(context.read)) is not grpc.aio.EOF:
        lifetime.touch()
        yield request
