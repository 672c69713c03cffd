"""Requests to one Whisper server over HTTP: a bounded pool of connections that are kept for the next
utterance, deadlines, and one more try on a fresh connection.

What lives here: HTTP. What must not: what is asked, and what an answer means (`client.py`).
Closing the connection is how a request is taken back: httpx2 does it when whoever waits is cancelled.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

import httpx2

from ....core.errors import EngineError
from ...http.client import KEPT, OpenedOnce, limited, open_client
from ...http.errors import OPENING_ERRORS, unopened
from ...http.sse import EventReader
from ...timeouts import Timeouts
from ..address import WhisperAddress
from ..errors import BUSY, late, unreachable
from .responses import EVENTS, ends_transcript


@dataclass(slots=True)
class AnswerDeadline:
    """The deadline of one answer, which moves while events come."""

    seconds: float
    """To the first event, or to the whole answer where it comes at once."""
    longest: float
    """Seconds for the whole answer, however often it goes on."""
    between: float
    """Seconds from one event to the next."""
    limit: asyncio.Timeout = field(init=False)
    """The timeout that is moved."""
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
"""Requests at once: more than a server with one model has a use for. One more waits, within its deadline."""

_BROKEN = (httpx2.NetworkError, httpx2.RemoteProtocolError)
_MOST_BYTES = 4 << 20
"""Read of an answer: some hundred times what ten minutes of speech are as verbose JSON."""
_TAIL_SECONDS = 0.1
"""For the end of a body behind its last event, without which a connection cannot be used again."""
_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    path: str
    fields: Mapping[str, str] = field(default_factory=dict)
    wav: bytes = b""
    """The file to be transcribed; empty: the fields go alone."""
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


async def _release(clients: _Clients) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            await clients.kept.aclose()
            await clients.fresh.aclose()


class WhisperHttp:
    """Belongs to the event loop in which it is first used. Made without touching the network."""

    def __init__(self, address: WhisperAddress, timeouts: Timeouts) -> None:
        self.address, self._timeouts = address, timeouts
        self._clients = OpenedOnce(self._open, _release, self._closed)

    async def send(self, request: HttpRequest, seconds: float, longest: float | None = None) -> HttpReply:
        """`seconds` until the answer is there; of events each has its own time after the one before, and
        all together `longest`. Raises `EngineError` when there is no whole answer, whatever it says.

        What breaks before anything of an answer can be used, and what a server has no time for, is tried
        once more: to be transcribed twice does nobody any harm.
        """
        clients = await self._clients.get()
        deadline = AnswerDeadline(seconds, longest or seconds, self._timeouts.between)
        try:
            async with asyncio.timeout(seconds) as deadline.limit:
                try:
                    reply = await self._tried(clients.kept, request, deadline)
                    if reply.status not in BUSY:
                        return reply
                except _BROKEN:
                    if deadline.has_begun:
                        raise
                return await self._tried(clients.fresh, request, deadline)
        except TimeoutError:
            raise late(self.address, deadline.told()) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise self._closed() if self._clients.is_closed else unreachable(self.address, error) from None

    async def close(self) -> None:
        """What is on its way is broken off."""
        await self._clients.close()

    # ------------------------------------------------------------ one try

    async def _tried(
        self, client: httpx2.AsyncClient, request: HttpRequest, deadline: AnswerDeadline
    ) -> HttpReply:
        if self._clients.is_closed:
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
                body = await (self._events if kind == EVENTS else self._whole)(chunks, deadline)
            return HttpReply(response.status_code, kind, body, response.headers.get("retry-after", ""))

    async def _whole(self, chunks: AsyncGenerator[bytes, None], deadline: AnswerDeadline) -> bytes:
        body = bytearray()
        async for chunk in chunks:
            self._add(body, chunk)
        return bytes(body)

    async def _events(self, chunks: AsyncGenerator[bytes, None], deadline: AnswerDeadline) -> bytes:
        body, reader = bytearray(), EventReader()
        async for chunk in chunks:
            self._add(body, chunk)
            try:
                events = [*reader.feed(chunk)]
            except ValueError:
                raise self._too_much() from None
            if events:
                deadline.go_on()
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

    def _open(self) -> _Clients:
        """Blocks: it reads certificates, once for both."""
        try:
            tls = httpx2.create_ssl_context()
            return _Clients(self._client(tls, KEPT), self._client(tls, 0))
        except OPENING_ERRORS as error:
            raise unopened("stt", self.address.location, self.address.origin, error) from None

    def _client(self, tls: ssl.SSLContext, kept: int) -> httpx2.AsyncClient:
        return open_client(
            self.address.origin,
            self._timeouts.connect,
            headers=self.address.headers,
            limits=limited(kept=kept, at_once=CONNECTIONS),
            tls=tls,
        )

    def _closed(self) -> EngineError:
        return EngineError("stt", f"the connections to {self.address.location} are closed", retryable=False)
