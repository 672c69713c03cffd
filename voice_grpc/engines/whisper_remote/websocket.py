"""WebSockets to a Whisper server: one is opened, and what goes wrong with it is said in our words, once.

What lives here: the transport. What is said on it is each protocol's own (`whisper_live.py`,
`realtime.py`).
"""

import asyncio
import json
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)

from ...core.errors import EngineDenied, EngineError, EngineQuota, EngineUnreachable
from ...net.proxy import proxy_for, through
from ..http import errors
from .address import WhisperAddress

_CLOSE_S = 0.3
"""Seconds for the closing handshake: nothing is waited for behind it."""

_SHOWN = 200
"""Characters of what a server says that are passed on."""

_POLICY_VIOLATION, _TRY_AGAIN_LATER, _UNAUTHORIZED, _FORBIDDEN = 1008, 1013, 3000, 3003
"""Close codes (RFC 6455 §7.4.1 and the IANA registry) with which a server turns a caller away."""

_UNTRUSTED = "let SSL_CERT_FILE name the authority that signed it"

_wire_log = logging.getLogger("voice_grpc.engines.whisper_remote.websocket.wire")
_wire_log.setLevel(logging.WARNING)  # at DEBUG the library writes the Authorization header


class Wire(Protocol):
    """A connection that carries whole messages, of whatever kind its protocol has."""

    async def send(self, message: Any) -> None: ...

    async def receive(self) -> Any:
        """The next message. Raises `EngineUnreachable` when the connection ends."""
        ...

    async def settle(self) -> None:
        """Until the far end has received what was sent, where that can be known."""
        ...

    def abort(self) -> None:
        """End it at once, whatever is still to be sent."""
        ...

    async def close(self) -> None:
        """With a goodbye, where the protocol has one."""
        ...


class WebSocketWire:
    """Implements `Wire`: texts are JSON objects, bytes are sound."""

    def __init__(self, connection: ClientConnection, address: WhisperAddress) -> None:
        self._connection, self._address = connection, address

    async def send(self, message: "dict[str, object] | bytes") -> None:
        with mapped(self._address):
            await self._connection.send(message if isinstance(message, bytes) else json.dumps(message))

    async def receive(self) -> "dict[str, Any]":
        with mapped(self._address):
            message = await self._connection.recv()
        try:
            read = json.loads(message)
        except (ValueError, RecursionError):
            read = None
        if not isinstance(read, dict):
            raise EngineError("stt", f"{self._address.location} sent what is no JSON object")
        return read

    async def settle(self) -> None:
        with mapped(self._address):
            await (await self._connection.ping())

    def abort(self) -> None:
        self._connection.transport.abort()

    async def close(self) -> None:
        try:
            await self._connection.close()
        finally:
            self.abort()


class WebSockets:
    """Opens connections to one address."""

    def __init__(self, address: WhisperAddress) -> None:
        self._address = address
        self._tls: ssl.SSLContext | None = None

    async def open(self, path: str, query: str, seconds: float) -> WebSocketWire:
        """Raises `EngineError`."""
        address = self._address
        proxy = proxy_for(address.origin)
        with mapped(address):
            connection = await connect(
                replace(address, path=path, query=query).url,
                additional_headers=address.headers,
                user_agent_header="voice-grpc",
                open_timeout=seconds,
                ping_interval=None,  # each answer has its deadline, and no connection outlives its utterance
                close_timeout=_CLOSE_S,
                compression=None,  # sound does not shrink
                logger=_wire_log,
                ssl=await self._context() if address.scheme == "wss" else None,
                proxy=proxy.url if proxy is not None else None,
            )
        return WebSocketWire(connection, address)

    async def _context(self) -> ssl.SSLContext:
        """The trusted certificates, read from the disk once."""
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return self._tls


def shown(text: object, address: WhisperAddress) -> str:
    """What a server says, for people: in one line, short, and without what was secret in our request."""
    return errors.shown(text, address.secrets, limit=_SHOWN)


def denied(address: WhisperAddress, reason: str) -> EngineDenied:
    advice = "set WHISPER_API_KEY, or user:password@ in WHISPER_SERVER_URL, to what that server accepts"
    return EngineDenied("stt", f"{address.location} refused the credentials ({reason})", advice=advice)


@contextmanager
def mapped(address: WhisperAddress) -> Iterator[None]:
    """What the transport raises, as `EngineError`. TimeoutError passes: whoever waits knows for what."""
    where = address.location
    try:
        yield
    except TimeoutError:
        raise
    except (ProxyError, InvalidProxy, ImportError) as error:
        raise _refused_by_proxy(address, error) from error
    except InvalidStatus as error:
        raise _refused(address, error.response.status_code) from error
    except ConnectionClosed as error:
        raise _closed(address, error) from error
    except ssl.SSLCertVerificationError as error:  # a ValueError too
        text, advice = f"the certificate of {where} is not trusted ({error.verify_message})", _UNTRUSTED
        raise EngineUnreachable("stt", text, retryable=False, advice=advice) from error
    except (InvalidHandshake, WebSocketException, ValueError) as error:
        if isinstance(error.__cause__, EOFError | OSError):
            raise EngineUnreachable("stt", f"{where} hung up before it answered") from error
        raise EngineError(
            "stt",
            f"{where} does not speak WebSocket ({type(error).__name__})",
            retryable=False,
            advice="check WHISPER_SERVER_URL: http(s):// for a server with an HTTP interface",
        ) from error
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        way = through(address.origin)
        raise EngineUnreachable(
            "stt", f"no connection to {where}{way} ({reason})", advice=errors.PROXY_ADVICE if way else ""
        ) from error


def _refused_by_proxy(address: WhisperAddress, error: Exception) -> EngineError:
    """The proxy refused, is none, or is one of SOCKS, for which a package is missing."""
    where, way = address.location, through(address.origin)
    if isinstance(error, ProxyError):
        said = shown(error, address)
        return EngineUnreachable("stt", f"no connection to {where}{way} ({said})", advice=errors.PROXY_ADVICE)
    return errors.unopened("stt", where, address.origin, error)


def _refused(address: WhisperAddress, status: int) -> EngineError:
    if status in (401, 403):
        return denied(address, f"HTTP {status}")
    if status == 429:
        return EngineQuota("stt", f"{address.location} has too many requests (HTTP 429)")
    if status >= 500:
        return EngineError("stt", f"{address.location} is not able to answer (HTTP {status})")
    advice = "check the path of WHISPER_SERVER_URL and WHISPER_PROTOCOL"
    return EngineError(
        "stt", f"{address.location} has no WebSocket there (HTTP {status})", retryable=False, advice=advice
    )


def _closed(address: WhisperAddress, error: ConnectionClosed) -> EngineError:
    code = error.rcvd.code if error.rcvd else 1006
    reason = shown(error.rcvd.reason, address) if error.rcvd else ""
    if code in (_POLICY_VIOLATION, _UNAUTHORIZED, _FORBIDDEN):
        return denied(address, f"close code {code} {reason}".rstrip())
    if code == _TRY_AGAIN_LATER:
        return EngineQuota("stt", f"{address.location} is full (close code {code} {reason})")
    ended = f"{code} {reason}".rstrip()
    return EngineUnreachable("stt", f"the connection to {address.location} broke (close code {ended})")
