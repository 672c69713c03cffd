"""Bytes that are no message: one status, INVALID_ARGUMENT, for every method, and no traceback, with which
anybody could fill the log: health is asked without a token.

gRPC reads the one request of a unary call before it asks a handler, and takes its failure for a bug of the
server's. Here what cannot be read is handed on as such, and refused where the handler would have been asked.
The requests of a stream are read by their handler: `status.py` knows what they raise.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from .status import Context, errors_as_status


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In the place of a request."""

    error: DecodeError


class RequestReader(grpc.aio.ServerInterceptor):
    """Of methods whose handlers are coroutines."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        name = str(handler_call_details.method).rpartition("/")[2]
        read, write = _reading(handler.request_deserializer), handler.response_serializer
        if handler.response_streaming:
            asked = _asked(name, handler.unary_stream)
            return grpc.unary_stream_rpc_method_handler(asked, read, write)
        return grpc.unary_unary_rpc_method_handler(_asked(name, handler.unary_unary), read, write)


def _reading(deserialize: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    def read(content: bytes) -> Any:
        try:
            return deserialize(content)
        except DecodeError as error:
            return Unreadable(error)

    return read


def _asked(name: str, handle: Callable[[Any, Context], Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def ask(request: Any, context: Context) -> Any:
        if isinstance(request, Unreadable):
            async with errors_as_status(context, name):
                raise request.error
        return await handle(request, context)

    return ask
