"""What one connection to an HTTP server may cost, in bytes and in seconds, before anybody is asked who it is.

    head    HEAD_BYTES and `head_seconds` from its first byte (of a connection: from its beginning), else 431
            or 408; a connection that said nothing is closed without a word
    body    while somebody reads it, `body.py` bounds it; what is left of it when the answer is complete is
            thrown away for `linger_seconds`, so that the answer arrives, and then the connection is closed
    answer  what the caller does not take ends the connection after `write_seconds`
    idle    `idle_seconds` between two requests
    TLS     a handshake that is not done after `head_seconds` ends the connection
    all     `ConnectionBounds`, in all and of one address, also before their handshake (`places.py`);
            one that cannot stay is told 503, over TLS closed without a word

The parser is h11, whichever others are installed: one set of bounds, and the tests see what users have.
WebSockets begin here as requests and have bounds of their own: of a message, of its fragments, of pongs that
are not read (`websocket.py`).
"""

import asyncio
import logging
import ssl
from asyncio.sslproto import SSLProtocol
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from ..open_files import connections_that_fit
from .places import ConnectionBounds, ConnectionPlace, Places
from .transport import EndingTransport

HEAD_BYTES = 16_384
"""Of a request line and its headers. Cookies have 4,096 (RFC 6265 §6.1); Apache takes 8,190 a line."""


@dataclass(slots=True)
class HttpEdge:
    """The bounds of one server, and its connections."""

    bounds: ConnectionBounds = field(default_factory=lambda: ConnectionBounds(connections_that_fit()))
    idle_seconds: float = 30.0
    """A browser loads a page within them and comes back by another connection."""
    head_seconds: float = 10.0
    write_seconds: float = 30.0
    linger_seconds: float = 5.0
    places: Places = field(init=False)

    def __post_init__(self) -> None:
        self.places = Places(self.bounds)


class _BoundedConnection(h11.Connection):
    """h11 bounds a head that is not complete. One that comes whole in one read of the socket (256 KiB with
    asyncio) it takes; this does not."""

    def __init__(self) -> None:
        super().__init__(h11.SERVER, HEAD_BYTES)
        self.status = HTTPStatus.BAD_REQUEST
        """Of the answer to what was wrong."""

    def next_event(self) -> Any:
        try:
            event = super().next_event()
            if isinstance(event, h11.Request) and _size(event) > HEAD_BYTES:
                raise h11.RemoteProtocolError("", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        except h11.RemoteProtocolError as error:
            self.status = HTTPStatus(error.error_status_hint)
            raise
        return event


def _size(request: h11.Request) -> int:
    """Bytes on the wire, about: each line has four more than its name and its value."""
    fields = sum(len(name) + len(value) + 4 for name, value in request.headers)
    return len(request.method) + len(request.target) + fields


class BoundedHttp(H11Protocol):
    """A connection of uvicorn's with the bounds of an edge."""

    def __init__(self, edge: HttpEdge, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.conn = self._bounded = _BoundedConnection()
        self._edge = edge
        self.handshake: BoundedTls | None = None
        """Before this connection, whose place it has; None: it is plain text."""
        self._place: ConnectionPlace
        self._timer: asyncio.TimerHandle | None = None
        """Until the head has come, or until the answer is taken, or until an end is one."""
        self._is_over = False
        """Nothing more is read."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        inner = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        if self.handshake is None:
            self._place, said = self._edge.places.enter(inner)
        else:
            self._place, said = self.handshake.place, ""
        super().connection_made(EndingTransport(inner, self._edge.write_seconds, self._place.leave))
        self._after(self._edge.head_seconds, self._end_head)
        if said:
            self.transport.write(_answer(HTTPStatus.SERVICE_UNAVAILABLE, said))
            self._is_over = True
            self.transport.close()  # at once: it cannot stay
        else:
            self._place.waits()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        self._place.leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        super().data_received(data)
        if self._is_over:
            return
        if self.conn.their_state is not h11.IDLE:
            if not self.flow.write_paused:
                self._disarm()
            if self.conn.their_state is not h11.SEND_BODY:
                self._place.works()
        elif self._timer is None:
            self._after(self._edge.head_seconds, self._end_head)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """The last of this protocol on the connection; h11 waits for a body that never comes."""
        self._place.works()
        self._disarm()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        is_whole = self.conn.their_state not in (h11.SEND_BODY, h11.ERROR)
        super().on_response_complete()
        if self._is_over or self.transport.is_closing():
            return
        if not is_whole:
            self._linger()
        elif self.conn.their_state is h11.IDLE:
            self._place.waits()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for whatever h11 refuses."""
        status = self._bounded.status
        if status == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
            msg = f"request line and headers: got more than {HEAD_BYTES} bytes, accepted: up to that"
        self._refuse(status, msg)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._after(self._edge.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self._is_over:
            self._disarm()

    def shutdown(self) -> None:
        if self._is_over:
            self.transport.close()
        else:
            super().shutdown()

    def _end_head(self) -> None:
        if self.conn.trailing_data[0]:
            said = f"no whole request came within {self._edge.head_seconds:g} s"
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, said)
        else:
            self._is_over = True
            self.transport.close()

    def _refuse(self, status: HTTPStatus, text: str) -> None:
        """Answer in the application's place, and end. It is told that the caller is gone."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self._is_over = True
                self.transport.abort()
                return
        self.transport.write(_answer(status, text))
        self._linger()

    def _linger(self) -> None:
        """A connection that is closed with bytes unread is reset, and takes its last answer with it
        (RFC 9112 §9.6)."""
        self._is_over = True
        self._place.waits()
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self.transport.write_eof()
        self._after(self._edge.linger_seconds, self.transport.abort)

    def _after(self, seconds: float, end: Callable[[], None]) -> None:
        self._disarm()
        self._timer = self.loop.call_later(seconds, end)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedTls(SSLProtocol):
    """A connection over TLS, from the first moment on: what `create_server(ssl=…)` makes as well, of which
    nobody is told before its handshake is done. `http` is connected then."""

    def __init__(self, http: BoundedHttp, edge: HttpEdge, tls: ssl.SSLContext) -> None:
        bounds: Any = {"waiter": None, "ssl_handshake_timeout": edge.head_seconds}  # better than their types
        super().__init__(http.loop, http, tls, server_side=True, **bounds)
        self._edge = edge
        self.place: ConnectionPlace
        http.handshake = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.place, said = self._edge.places.enter(self.transport)
        if said:
            self.transport.abort()
        else:
            self.place.waits()
            super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self.place.leave()
        super().connection_lost(exc)


def _answer(status: HTTPStatus, text: str) -> bytes:
    body = f"{text}\n".encode()
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: text/plain; charset=utf-8\r\n"
    return f"{head}content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


def http_server(
    app: Any, edge: HttpEdge, tls: ssl.SSLContext | None = None, **websocket: Any
) -> uvicorn.Server:
    """An ASGI application behind `edge`, to be started and closed by hand: `Server.serve` takes the signals
    for itself. `tls`: of the connections; None: plain text. `websocket`: uvicorn's options for WebSockets;
    without `ws` there are none.

    Nothing that a caller says of itself is believed: forwarded addresses are the application's affair.
    """
    plain = partial(BoundedHttp, edge)

    def encrypted(**named: Any) -> BoundedTls:
        assert tls is not None
        return BoundedTls(plain(**named), edge, tls)

    config = uvicorn.Config(
        app,
        http=plain if tls is None else encrypted,  # type: ignore[arg-type] # it is called, and no more
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=edge.idle_seconds,  # type: ignore[arg-type] # a float will do
        **{"ws": "none", **websocket},
    )
    config.load()
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of each bad request of a stranger
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server
