"""Both loops that servers run on: asyncio's, and uvloop's, whose transports are none of asyncio's classes."""

import asyncio
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

import pytest


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    loops = {"asyncio": asyncio.new_event_loop}
    if find_spec("uvloop") is not None:
        loops["uvloop"] = import_module("uvloop").new_event_loop
    return loops
