"""The requests to a server over httpx2, on connections that are kept for the next turn.

What lives here: HTTP. What must not: how long an answer may take (`llm.py`). Leaving `events`
closes its connection at once: httpx2 closes the iterators inside each other, so that no task has to stand
inside the iteration.
"""

import asyncio
import json
import logging
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ...core.errors import EngineDenied, EngineError
from ...net import addresses
from ..http.json_values import mapping
from ..http.models import for_chat, listed
from ..http.sse import Event, EventReader
from .errors import BASE_ADVICE, KEY_ADVICE, MODEL_ADVICE, StaleConnection, missing, refusal

# ----------------------------------------------------------------
# where a server is and how it lets us in, out of what the operator wrote as OPENAI_BASE_URL and key


_VERSION = re.compile(r"/v\d\w*(/|$)")
_METHOD = re.compile(r"/(chat/completions|completions|models)$")


@dataclass(frozen=True, slots=True)
class OpenAiAddress:
    location: str
    """Scheme, host, port and path, without a name, a password or a query."""
    bases: tuple[str, ...]
    """What `/chat/completions` follows, the likeliest first. Most want `/v1`; some have no version."""
    query: str = field(default="", repr=False)
    """To be kept: Azure wants its `api-version` there."""
    authorization: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """Never to be shown."""
    fault: str = ""

    def check(self) -> None:
        """Raises `EngineError` for what cannot be an address, or a key."""
        if error := self._error():
            raise error

    def url(self, base: int, method: str) -> str:
        return f"{self.bases[base]}{method}" + (f"?{self.query}" if self.query else "")

    def _error(self) -> EngineError | None:
        if self.fault:
            return missing(f"OPENAI_BASE_URL {self.fault}: {BASE_ADVICE}", BASE_ADVICE)
        if not (self.authorization.isascii() and self.authorization.isprintable()):
            text = "OPENAI_API_KEY holds characters that no key has"
            return EngineDenied("llm", text, advice=KEY_ADVICE)
        return None


def address(base_url: str, key: str) -> OpenAiAddress:
    """A key goes before a name and a password in the URL: both are said in the same header."""
    written, key = base_url.strip(), key.strip()
    if not written:
        return OpenAiAddress("", (), fault="is not set")
    try:
        found = addresses.parse(written if "://" in written else f"http://{written}", key)
    except ValueError:
        return OpenAiAddress("", (), fault="is no address")
    if found.scheme not in ("http", "https") or not found.host:
        return OpenAiAddress("", (), fault="is no http(s) address")
    path = _METHOD.sub("", found.path).rstrip("/")
    paths = (path,) if _VERSION.search(path) else (f"{path}/v1", path)
    bases = tuple(found.origin + each for each in paths)
    return OpenAiAddress(found.origin + path, bases, found.query, found.authorization, found.secrets)


_httpx_log = logging.getLogger("httpx2")

_KEEP_ALIVE_SECONDS = 120.0
"""Idle connections live through the pauses between turns; what a server closes before is noticed, or
tried once more. httpx2's own 5 s would open a new one for nearly every turn."""
_TAIL_SECONDS = 0.1
"""For the end of a body behind `[DONE]`, without which a connection cannot be used again."""
_MOST_BYTES = 8 << 20
"""Of a list of models, and of an error: the longest lists have some hundreds of them."""


class OpenAiClient:
    """Belongs to the event loop in which it was opened."""

    def __init__(self, address: OpenAiAddress, connect_seconds: float) -> None:
        """`connect_seconds` bounds opening a connection; reading is bounded by who waits."""
        self._address, self._connect_seconds = address, connect_seconds
        self._http: httpx2.AsyncClient | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False

    async def close(self) -> None:
        self._is_closed = True
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    async def models(self, base: int) -> list[str]:
        """Never empty, those that seem to chat first. Raises `EngineMissing` where there is no such list."""
        http = await self._opened()
        async with AsyncExitStack() as stack:
            response = await self._send(stack, http.build_request("GET", self._address.url(base, "/models")))
            body = await _some(response)
            if response.status_code in (404, 405, 501) and base + 1 == len(self._address.bases):
                raise missing(f"{self._address.location} lists no models: {MODEL_ADVICE}", MODEL_ADVICE)
            if response.status_code != 200:
                raise refusal(response.status_code, body)
        found = for_chat(listed(body))
        if not found:
            raise missing(f"{self._address.location} lists no models: {MODEL_ADVICE}", MODEL_ADVICE)
        return found

    async def events(self, base: int, body: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """One answer: its chunks as they come, and `{}` where the server says that it is done.

        Raises `Refusal`, `StaleConnection`, and what httpx2 raises.
        """
        http = await self._opened()
        url = self._address.url(base, "/chat/completions")
        async with AsyncExitStack() as stack:
            response = await self._send(stack, http.build_request("POST", url, content=json.dumps(body)))
            if response.status_code != 200:
                raise refusal(response.status_code, await _some(response))
            kind = response.headers.get("content-type", "").lower()
            if "html" in kind:
                raise ValueError("a page for people")
            if "json" in kind:
                yield _chunk(Event("", (await response.aread()).decode("utf-8", "replace")))
                yield {}
                return
            reader = EventReader()
            chunks = await stack.enter_async_context(aclosing(response.aiter_bytes()))
            async for chunk in chunks:
                for event in reader.feed(chunk):
                    if event.is_done:
                        await _read_out(chunks)
                        yield {}
                        return
                    yield _chunk(event)
            for event in reader.flush():
                yield {} if event.is_done else _chunk(event)

    async def _send(self, stack: AsyncExitStack, request: httpx2.Request) -> httpx2.Response:
        """`stack` closes what it opens."""
        http = await self._opened()
        try:
            response = await http.send(request, stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError) as error:
            raise StaleConnection(type(error).__name__) from None
        stack.push_async_callback(response.aclose)
        return response

    async def _opened(self) -> httpx2.AsyncClient:
        async with self._opening:
            if self._is_closed:
                raise EngineError("llm", "the language model is closed", retryable=False)
            if self._http is None:
                self._http = await asyncio.to_thread(self._open)
            return self._http

    def _open(self) -> httpx2.AsyncClient:
        """Blocks: it reads certificates. Nothing is compressed: a proxy that compresses holds words back.

        httpx2 logs every request with its whole URL as news, where a query may hold a key.
        """
        if _httpx_log.level == logging.NOTSET:
            _httpx_log.setLevel(logging.WARNING)
        headers = {
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "voice-grpc",
        }
        if self._address.authorization:
            headers["Authorization"] = self._address.authorization
        timeout = httpx2.Timeout(self._connect_seconds, read=None)
        limits = httpx2.Limits(
            max_connections=None, max_keepalive_connections=64, keepalive_expiry=_KEEP_ALIVE_SECONDS
        )
        return httpx2.AsyncClient(headers=headers, timeout=timeout, limits=limits)


def _chunk(event: Event) -> Mapping[str, Any]:
    """Raises `ValueError` when it is no JSON. An event that is named so is an error, whatever it holds."""
    value = json.loads(event.data)
    if event.name == "error" and "error" not in mapping(value):
        return {"error": value or "unknown"}
    if not isinstance(value, dict):
        raise ValueError("a chunk that is no object")
    return value


async def _some(response: httpx2.Response) -> bytes:
    body = bytearray()
    async with aclosing(response.aiter_bytes()) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _MOST_BYTES:
                break
    return bytes(body)


async def _read_out(chunks: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_TAIL_SECONDS):
            async for _ in chunks:
                pass
