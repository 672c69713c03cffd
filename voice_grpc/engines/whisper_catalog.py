"""Which models a server has whose sockets want one named."""

import asyncio
import re

import httpx2

from .whisper_address import Address

_TRANSCRIBES = re.compile("whisper|voxtral|transcribe|parakeet|canary|asr", re.IGNORECASE)


async def first_model(address: Address, seconds: float) -> str:
    """The first of `GET /v1/models` that by its name transcribes, else the first; empty where none is told.

    Nothing is raised: whether the server can be used at all shows when it is.
    """
    scheme = {"ws": "http", "wss": "https"}[address.scheme]
    host = f"[{address.host}]" if ":" in address.host else address.host
    path = re.sub("/realtime$", "", address.path) or "/v1"
    try:
        async with await asyncio.to_thread(_client, address, seconds) as client:
            answer = await client.get(f"{scheme}://{host}:{address.port}{path}/models")
            names = [str(model["id"]) for model in answer.raise_for_status().json()["data"]]
    except (httpx2.HTTPError, httpx2.InvalidURL, LookupError, TypeError, ValueError):
        return ""
    return next((name for name in names if _TRANSCRIBES.search(name)), names[0] if names else "")


def _client(address: Address, seconds: float) -> httpx2.AsyncClient:
    """Reads certificates, and on first use its own modules."""
    return httpx2.AsyncClient(timeout=seconds, headers=address.headers)
