"""What comes back on a conversation, to its last message, and how it ended.

A file of its own: the errors of a client are this package's, and how a stream is read `net`'s.
"""

from typing import TypeVar

import grpc.aio

from ..net.responses import StreamedResponses
from .connection import call_failed

T = TypeVar("T")


class Responses(StreamedResponses[T]):
    """As its base, whose errors are `CallFailed` here."""

    async def next(self) -> T | None:
        """The next message; None when all was well at the end, else `CallFailed` is raised; also when asked
        again."""
        try:
            return await super().next()
        except grpc.aio.AioRpcError as status:
            raise call_failed(status) from status
