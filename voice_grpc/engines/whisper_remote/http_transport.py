"""Requests to one Whisper server over HTTP: a bounded pool of connections that are kept for the next
utterance, deadlines, and one more try on a fresh connection.

What lives here: HTTP. What must not: what is asked, and what an answer means (`http_client.py`).
Closing the connection is how a request is taken back: httpx2 does it when whoever waits is cancelled.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import httpx2

from ...core.errors import EngineError, EngineUnreachable
from ..http.sse import EventReader
from ..timeouts import Timeouts
from .address import WhisperAddress
from .errors import BUSY, late, unreachable
from .http_responses import EVENTS, ends_transcript

# ----------------------------------------------------------------
# how long one answer is waited for, when it may come in parts


@dataclass(slots=True)
class AnswerDeadline:
    """The deadline of one answer, which moves while events come."""

    seconds: float
    longest: float
    between: float
    limit: asyncio.Timeout = field(init=False)
    has_begun: bool = False
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = asyncio.get_running_loop().time() + self.longest

    def go_on(self) -> None:
        self.has_begun = True
        now, due = asyncio.get_running_loop().time(), self.limit.when() or 0.0
        self.limit.reschedule(max(due, min(self._end, now + self.between)))

    def told(self) -> str:
        return "it stopped in the middle" if self.has_begun else f"nothing within {self.seconds:.1f} s"


CONNECTIONS = 64
"""At once: what no server with one model has a use for. One more request waits, within its deadline."""
KEPT_SECONDS = 120.0
"""Idle connections live through the pauses between turns. What a server closed before is noticed, or tried
again; httpx2's own 5 s would open a new one for nearly every turn."""

_BROKEN = (httpx2.NetworkError, httpx2.RemoteProtocolError)
_MOST_BYTES = 4 << 20
"""Of an answer: some hundred times what ten minutes of speech are as verbose JSON."""
_TAIL_SECONDS = 0.1
"""For the end of a body behind its last event, without which a connection cannot be used again."""
_CLOSE_SECONDS = 1.0

_httpx_log = logging.getLogger("httpx2")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    wav: bytes = b""
    """Empty: the fields go alone."""
    is_get: bool = False


@dataclass(frozen=True, slots=True)
class HttpReply:
    status: int
    kind: str
    """Content type, without its parameters."""
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class _Clients:
    kept: httpx2.AsyncClient
    fresh: httpx2.AsyncClient
    """Never uses a connection twice: when one that was kept is dead, so may be all of them."""


class WhisperHttp:
    """Belongs to the event loop in which it is first used. Made without touching the network."""

    def __init__(self, address: WhisperAddress, patience: Timeouts) -> None:
        self.address, self._patience = address, patience
        self._clients: _Clients | None = None
        self._opening = asyncio.Lock()
        self._is_closed = False

    async def send(self, request: HttpRequest, seconds: float, longest: float | None = None) -> HttpReply:
        """`seconds` until the answer is there; of events each has its own time after the one before, and
        all together `longest`. Raises `EngineError` when there is no whole answer, whatever it says.

        What breaks before anything of an answer can be used, and what a server has no time for, is tried
        once more: to be transcribed twice does nobody any harm.
        """
        clients = await self._opened()
        pace = AnswerDeadline(seconds, longest or seconds, self._patience.between)
        try:
            async with asyncio.timeout(seconds) as pace.limit:
                try:
                    reply = await self._tried(clients.kept, request, pace)
                    if reply.status not in BUSY:
                        return reply
                except _BROKEN:
                    if pace.has_begun:
                        raise
                return await self._tried(clients.fresh, request, pace)
        except TimeoutError:
            raise late(self.address, pace.told()) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._closed() if self._is_closed else unreachable(self.address, error) from None

    async def close(self) -> None:
        """What is on its way is broken off."""
        self._is_closed = True
        clients, self._clients = self._clients, None
        if clients is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await clients.kept.aclose()
                    await clients.fresh.aclose()

    # ------------------------------------------------------------ one try

    async def _tried(
        self, client: httpx2.AsyncClient, request: HttpRequest, pace: AnswerDeadline
    ) -> HttpReply:
        if self._is_closed:
            raise self._closed()
        query = f"?{self.address.query}" if self.address.query else ""
        async with client.stream(
            "GET" if request.is_get else "POST",
            f"{self.address.origin}{request.path or '/'}{query}",
            data=request.fields or None,
            files={"file": ("speech.wav", request.wav, "audio/wav")} if request.wav else None,
        ) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            async with aclosing(response.aiter_bytes()) as chunks:
                body = await (self._events if kind == EVENTS else self._whole)(chunks, pace)
            return HttpReply(response.status_code, kind, body, response.headers.get("retry-after", ""))

    async def _whole(self, chunks: AsyncGenerator[bytes, None], pace: AnswerDeadline) -> bytes:
        body = bytearray()
        async for chunk in chunks:
            self._add(body, chunk)
        return bytes(body)

    async def _events(self, chunks: AsyncGenerator[bytes, None], pace: AnswerDeadline) -> bytes:
        body, reader = bytearray(), EventReader()
        async for chunk in chunks:
            self._add(body, chunk)
            try:
                events = [*reader.feed(chunk)]
            except ValueError:
                raise self._too_much() from None
            if events:
                pace.go_on()
            if any(map(ends_transcript, events)):
                with suppress(TimeoutError, httpx2.HTTPError):
                    async with asyncio.timeout(_TAIL_SECONDS):
                        async for tail in chunks:
                            self._add(body, tail)
                break
        return bytes(body)

    def _add(self, body: bytearray, chunk: bytes) -> None:
        body += chunk
        if len(body) > _MOST_BYTES:
            raise self._too_much()

    def _too_much(self) -> EngineError:
        return EngineError("stt", f"{self.address.location} answered with more than any transcript is")

    # ------------------------------------------------------------ connections

    async def _opened(self) -> "_Clients":
        async with self._opening:
            if self._is_closed:
                raise self._closed()
            if self._clients is None:
                try:
                    self._clients = await asyncio.to_thread(self._open)
                except (ImportError, OSError, ValueError, httpx2.InvalidURL) as error:
                    text = f"no HTTP client for {self.address.location} ({type(error).__name__})"
                    advice = "check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE"
                    raise EngineUnreachable("stt", text, retryable=False, advice=advice) from None
            return self._clients

    def _open(self) -> "_Clients":
        """Blocks: it reads certificates. httpx2 logs each request as news, where its query may hold a key."""
        if _httpx_log.level == logging.NOTSET:
            _httpx_log.setLevel(logging.WARNING)
        tls = httpx2.create_ssl_context()
        return _Clients(self._client(tls, CONNECTIONS), self._client(tls, 0))

    def _client(self, tls: ssl.SSLContext, kept: int) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers={"Accept-Encoding": "identity", "User-Agent": "voice-grpc", **self.address.headers},
            timeout=httpx2.Timeout(None, connect=self._patience.connect),
            limits=httpx2.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=kept, keepalive_expiry=KEPT_SECONDS
            ),
            verify=tls,
        )

    def _closed(self) -> EngineError:
        return EngineError("stt", f"the connections to {self.address.location} are closed", retryable=False)
