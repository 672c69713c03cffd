"""The HTTP client of every engine that speaks HTTP: kept, bounded and proxied in one way.

What lives here: opening `httpx2.AsyncClient`, once, and closing it. What must not: requests, and what their
failures mean (`errors.py`). The client bounds how long a connection is opened, and nothing else: a whole
answer is bounded by who waits for it, which no timeout of httpx2 does.
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

import httpx2

from ...core.errors import EngineError
from ...net.proxy import proxy_for

T = TypeVar("T")

KEPT_SECONDS = 120.0
"""Idle connections live through the pauses between turns; what a server closes before is noticed, or tried
once more. httpx2's own 5 s would open a new one, with its TLS handshake, for nearly every turn."""

KEPT = 64
"""Idle connections: as many conversations as one process is expected to hold."""

_log = logging.getLogger("httpx2")


def open_client(
    url: str,
    connect_seconds: float,
    *,
    headers: Mapping[str, str] | None = None,
    limits: httpx2.Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx2.AsyncClient:
    """A client for the server at `url`. Blocks: it reads certificates, unless they come as `tls`.

    It goes through the proxy that `net/proxy.py` says, or through none. Nothing is compressed: a proxy that
    compresses holds words back. httpx2 logs every request with its whole URL as news, where a query may hold
    a key: that is switched off, unless the operator set a level. Raises one of `OPENING_ERRORS` when the
    proxy, or the certificates that SSL_CERT_FILE names, cannot be used.
    """
    if _log.level == logging.NOTSET:
        _log.setLevel(logging.WARNING)
    proxy = proxy_for(url)
    return httpx2.AsyncClient(
        headers={"Accept-Encoding": "identity", "User-Agent": "voice-grpc", **(headers or {})},
        timeout=httpx2.Timeout(None, connect=connect_seconds),
        limits=limits or limited(),
        verify=tls or httpx2.create_ssl_context(),
        proxy=proxy.url if proxy is not None else None,
        trust_env=False,
        event_hooks={"response": [_refused_by_proxy]},
    )


def limited(
    kept_seconds: float = KEPT_SECONDS, *, kept: int = KEPT, at_once: int | None = None
) -> httpx2.Limits:
    """`kept`: connections that stay open unused, for `kept_seconds`. `at_once`: of all; None: no limit."""
    return httpx2.Limits(
        max_connections=at_once, max_keepalive_connections=kept, keepalive_expiry=kept_seconds
    )


async def _refused_by_proxy(response: httpx2.Response) -> None:
    """407 is the proxy's own (RFC 9110, 15.5.8), and says nothing of the server."""
    if response.status_code == 407:
        raise httpx2.ProxyError("407 Proxy Authentication Required", request=response.request)


class OpenedOnce(Generic[T]):
    """Opened by the first who needs it, in a thread, while others wait; closed for good.

    What comes out of its opening after it was closed is closed too, and given to nobody.
    """

    def __init__(
        self,
        open_: Callable[[], T],
        release: Callable[[T], Awaitable[None]],
        closed: Callable[[], EngineError],
    ) -> None:
        """`open_` may block. `closed` makes what `get` raises after `close`."""
        self._open, self._release, self._closed = open_, release, closed
        self._opened: T | None = None
        self._opening = asyncio.Lock()
        self.is_closed = False

    async def get(self) -> T:
        """Raises what `open_` raises, each time anew, and the error of `closed`."""
        async with self._opening:
            if self._opened is None and not self.is_closed:
                opened = await asyncio.to_thread(self._open)
                if self.is_closed:
                    await self._release(opened)
                else:
                    self._opened = opened
            if self._opened is None:
                raise self._closed()
            return self._opened

    async def close(self) -> None:
        self.is_closed = True
        opened, self._opened = self._opened, None
        if opened is not None:
            await self._release(opened)
