"""Whether the store that servers share is there, and how soon it answers.

A file of its own: a store is no engine, and is asked in another way.
"""

import asyncio
from dataclasses import replace

from ..core.errors import StoreError
from ..net.valkey_address import is_url, read_valkey_address
from ..server.startup import open_store
from ..settings import Settings
from .check import CheckResult


async def check_store(settings: Settings) -> list[CheckResult]:
    """None for a file and for memory, of which a server says at its start what is wrong."""
    url = settings.store.get_secret_value()
    if not is_url(url):
        return []
    now = asyncio.get_running_loop().time
    result = CheckResult("store", "valkey", where=read_valkey_address(url).location)
    began = now()
    try:
        store = await open_store(settings)
        try:
            connected = now()
            await store.epoch("doctor")
            answered = now()
        finally:
            await store.close()
    except StoreError as error:
        said, _, fix = str(error).rpartition(": ")
        return [replace(result, is_reachable=False, error=said, fix=fix)]
    warm_ms, latency_ms = (round(seconds * 1000, 1) for seconds in (connected - began, answered - connected))
    return [replace(result, is_reachable=True, works=True, warm_ms=warm_ms, latency_ms=latency_ms)]
