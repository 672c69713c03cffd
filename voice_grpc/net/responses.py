"""What comes back on a stream that is also written to, to its last message, and how it ended:
`StreamedResponses`."""

import asyncio
from collections.abc import Coroutine
from types import AsyncGeneratorType
from typing import Any, Generic, TypeVar

import grpc
import grpc.aio

T = TypeVar("T")

STATUS_WITHIN = 1.0
"""Seconds from the last message to the status, which has come by then, and is only not taken yet."""

_TAKEN_AFTER = 0.001
"""Seconds from one look at it to the next: grpc.aio tells nobody."""

_FORGOTTEN = (grpc.StatusCode.INTERNAL, "Internal error from Core")
"""What grpc.aio says of a call that could not be written to, until it has the status of its end."""


class StreamedResponses(Generic[T]):
    """Made with the call, before anything is written to it; one task reads. `close` ends the call.

    A message that is written after the end, and before the end is known here, is the end of a call to
    grpc.aio (1.85): `read` then gives nothing more of what has come, and the status is INTERNAL. So it is
    iterated, which goes on to the last message, with which the true status comes; unless that came first,
    and is overwritten then.
    """

    def __init__(self, call: Any) -> None:
        self._call = call
        self._messages: AsyncGeneratorType[T, None] = aiter(call)
        self._noted: grpc.aio.AioRpcError | None = None
        """How it ended, from the moment when it did; None: it goes on, or grpc.aio forgot it."""
        call.add_done_callback(self._note)

    async def next(self) -> T | None:
        """The next message; None when all was well at the end, else `grpc.aio.AioRpcError` is raised; also
        when asked again."""
        try:
            return await anext(self._messages)
        except StopAsyncIteration:
            status = await self._status()
        except grpc.aio.AioRpcError:
            status = await self._status()
        if status.code() is grpc.StatusCode.OK:
            return None
        raise status

    async def close(self) -> None:
        """grpc.aio never ends a call that is abandoned."""
        self._call.cancel()
        if not self._messages.ag_running:  # else whoever reads ends it
            await self._messages.aclose()

    def _note(self, call: Any) -> None:
        status = _status_of(call)
        if not _is_forgotten(status):
            self._noted = status

    async def _status(self) -> grpc.aio.AioRpcError:
        """Of a call whose messages are all read."""
        loop = asyncio.get_running_loop()
        end = loop.time() + STATUS_WITHIN
        status = self._noted or _status_of(self._call)
        while _is_forgotten(status) and loop.time() < end:
            await asyncio.sleep(_TAKEN_AFTER)
            status = _status_of(self._call)
        return status


def _status_of(call: Any) -> grpc.aio.AioRpcError:
    """Of one that is over."""
    code, trailing = _known(call.code()), _known(call.trailing_metadata())
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, _known(call.details()))


def _is_forgotten(status: grpc.aio.AioRpcError) -> bool:
    return (status.code(), status.details()) == _FORGOTTEN


def _known(told: Coroutine[Any, Any, T]) -> T:
    """What a coroutine that has nothing to wait for returns."""
    try:
        told.send(None)
    except StopIteration as end:
        value: T = end.value
        return value
    told.close()
    raise RuntimeError("a call that is over does not tell how")
