"""Whether the store can be used: one that servers share is asked, and a file is looked at, but not made.

A file of its own: a store is no engine, and is asked in another way.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

from ...core.errors import StoreError
from ...net.addresses import is_url
from ...net.valkey_address import read_valkey_address
from ...settings import Settings
from ...store import default_path, fault_of_file
from ..resume_secret import NOT_SHARED, fault_of_kept_secret, lacks_shared_secret
from ..startup import open_store
from .result import CheckResult


async def check_store(settings: Settings) -> list[CheckResult]:
    """None for memory."""
    where = settings.store.get_secret_value()
    if where == "memory":
        return []
    asked = _asked(settings, where) if is_url(where) else asyncio.to_thread(_looked_at, settings, where)
    return [await asked]


def _looked_at(settings: Settings, where: str) -> CheckResult:
    result = CheckResult("store", "sqlite", where=where)
    try:
        path = Path(where) if where else default_path()
    except StoreError as error:
        return _broken(result, error)
    result = replace(result, where=str(path))
    fault = fault_of_file(path)
    if fault is None and not settings.secret.get_secret_value():
        fault = fault_of_kept_secret(path)
    return replace(result, works=True) if fault is None else _broken(result, fault)


async def _asked(settings: Settings, url: str) -> CheckResult:
    now = asyncio.get_running_loop().time
    note = NOT_SHARED if lacks_shared_secret(settings) else ""
    result = CheckResult("store", "valkey", where=read_valkey_address(url).location, result=note)
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
        return replace(_broken(result, error), is_reachable=False)
    warm_ms, latency_ms = (round(seconds * 1000, 1) for seconds in (connected - began, answered - connected))
    return replace(result, is_reachable=True, works=True, warm_ms=warm_ms, latency_ms=latency_ms)


def _broken(result: CheckResult, error: StoreError) -> CheckResult:
    said, _, fix = str(error).rpartition(": ")
    return replace(result, error=said, fix=fix)
