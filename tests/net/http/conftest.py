"""Both loops that servers run on: asyncio's, and uvloop's, whose transports are none of asyncio's classes."""

import asyncio
from collections.abc import Callable

import pytest

try:
    from uvloop import new_event_loop
except ImportError:
    new_event_loop = asyncio.new_event_loop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": new_event_loop}
