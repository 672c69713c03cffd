"""The first request of a stream: its config, or a clear no."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc.aio

from ..core.errors import BadField

CONFIG_SECONDS = 10.0
"""From the opening of a stream to its config."""


async def first_config(read: Callable[[], Awaitable[Any]]) -> tuple[Any, int]:
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
