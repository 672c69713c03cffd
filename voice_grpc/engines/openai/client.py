"""Where a server is, and the requests to it over httpx2.

What lives here: the address, and HTTP. What must not: how long an answer may take (`llm.py`), and how a
client is opened (`http/client.py`). Leaving `events` closes its connection at once: httpx2 closes the
iterators inside each other, so that no task has to stand inside the iteration.
"""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ...core.errors import EngineDenied, EngineError
from ...net import addresses
from ...net.proxy import through
from ..http.client import OpenedOnce, open_client
from ..http.errors import OPENING_ERRORS, unopened
from ..http.json_values import mapping
from ..http.models import for_chat, listed
from ..http.sse import EventReader, ServerSentEvent
from .errors import (
    BASE_ADVICE,
    KEY_ADVICE,
    MODEL_ADVICE,
    SERVER,
    Refusal,
    StaleConnection,
    missing,
    refusal,
)

# ---------------------------------------------------------------- where a server is

_VERSION = re.compile(r"/v\d\w*(/|$)")
_METHOD = re.compile(r"/(chat/completions|completions|models)$")


@dataclass(frozen=True, slots=True)
class OpenAiAddress:
    """Where a server is and how it lets us in, out of OPENAI_BASE_URL and OPENAI_API_KEY."""

    location: str
    """Scheme, host, port and path, without a name, a password or a query."""
    bases: tuple[str, ...]
    """What `/chat/completions` follows, the likeliest first. Most want `/v1`; some have no version."""
    query: str = field(default="", repr=False)
    """The query of the URL, which is kept: Azure wants its `api-version` there."""
    authorization: str = field(default="", repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What of the URL and the key is never to be shown."""
    fault: str = ""

    def check(self) -> None:
        """Raises `EngineError` for what cannot be an address, or a key."""
        if error := self._error():
            raise error

    def url(self, base: int, method: str) -> str:
        return f"{self.bases[base]}{method}" + (f"?{self.query}" if self.query else "")

    def _error(self) -> EngineError | None:
        if self.fault:
            return missing(f"OPENAI_BASE_URL {self.fault}", BASE_ADVICE)
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


# ---------------------------------------------------------------- requests

_TAIL_SECONDS = 0.1
"""For the end of a body behind `[DONE]`, without which a connection cannot be used again."""
_MOST_BYTES = 8 << 20
"""Read of a list of models, and of an error: the longest lists have some hundreds of models."""


class OpenAiClient:
    """Belongs to the event loop in which it was opened."""

    def __init__(self, address: OpenAiAddress, connect_seconds: float) -> None:
        """`connect_seconds` bounds opening a connection; reading is bounded by who waits."""
        self._address, self._connect_seconds = address, connect_seconds
        self._http = OpenedOnce(self._open, httpx2.AsyncClient.aclose, _closed)

    async def close(self) -> None:
        await self._http.close()

    async def models(self, base: int) -> list[str]:
        """Never empty, those that seem to chat first. Raises `EngineMissing` where there is no such list."""
        async with AsyncExitStack() as stack:
            response = await self._send(stack, "GET", self._address.url(base, "/models"))
            body = await _some(response)
            if response.status_code in (404, 405, 501) and base + 1 == len(self._address.bases):
                raise missing(f"{self._address.location} lists no models", MODEL_ADVICE)
            if response.status_code != 200:
                raise self._refusal(response.status_code, body, response.headers)
        found = for_chat(listed(body))
        if not found:
            raise missing(f"{self._address.location} lists no models", MODEL_ADVICE)
        return found

    async def events(self, base: int, body: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """One answer: its chunks as they come, and `{}` where the server says that it is done.

        Raises `Refusal`, `StaleConnection`, and what httpx2 raises.
        """
        url = self._address.url(base, "/chat/completions")
        async with AsyncExitStack() as stack:
            response = await self._send(stack, "POST", url, json.dumps(body))
            if response.status_code != 200:
                raise self._refusal(response.status_code, await _some(response), response.headers)
            kind = response.headers.get("content-type", "").lower()
            if "html" in kind:
                raise ValueError("a page for people")
            if "json" in kind:
                yield _chunk(ServerSentEvent("", (await response.aread()).decode("utf-8", "replace")))
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

    async def _send(
        self, stack: AsyncExitStack, method: str, url: str, content: str | None = None
    ) -> httpx2.Response:
        """`stack` closes what it opens."""
        http = await self._http.get()
        try:
            response = await http.send(http.build_request(method, url, content=content), stream=True)
        except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError) as error:
            raise StaleConnection(type(error).__name__) from None
        stack.push_async_callback(response.aclose)
        return response

    def _refusal(self, status: int, body: bytes, headers: Mapping[str, str]) -> Refusal:
        said = refusal(status, body, headers)
        said.way = through(self._address.location)
        return said

    def _open(self) -> httpx2.AsyncClient:
        headers = {"Content-Type": "application/json"}
        if self._address.authorization:
            headers["Authorization"] = self._address.authorization
        try:
            return open_client(self._address.location, self._connect_seconds, headers=headers)
        except OPENING_ERRORS as error:
            raise unopened("llm", SERVER, self._address.location, error) from None


def _closed() -> EngineError:
    return EngineError("llm", "the language model is closed", retryable=False)


def _chunk(event: ServerSentEvent) -> Mapping[str, Any]:
    """Raises `ValueError` when it is no JSON. An event that is named so is an error, whatever it holds."""
    try:
        value = json.loads(event.data)
    except RecursionError:
        raise ValueError("a chunk that is nested too deep") from None
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
