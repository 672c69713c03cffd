"""What one WebSocket may cost below its messages: fragments, pongs that are not read, texts and handshakes
that are none. How large a message may be is an option of uvicorn's; what a conversation may cost is the
application's.

A file of its own: the HTTP edge hands a connection over and is done with it.
"""

from collections.abc import Iterable
from typing import Any

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from .transport import EndingTransport

MAX_FRAGMENTS = 1_024
"""Of one message: an empty one costs memory too, and `ws_max_size` counts bytes."""

MAX_UNREAD_BYTES = 1_048_576
"""Written and not taken when a ping comes: nobody reads the pongs."""

_NO_HANDSHAKE = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    b"no WebSocket handshake.\n"
)


LINGER_SECONDS = 5.0
"""For the client to read why it was ended, and to go."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket of uvicorn's with these bounds."""

    _is_failed = False
    """It was ended for what came: nothing more of it is read."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Its place among the connections is free; the protocol of HTTP before it is not asked any more."""
        assert isinstance(self.transport, EndingTransport)
        self.transport.lost()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_failed:
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse()

    def handle_cont(self, event: Frame) -> None:
        if len(self.frames) < MAX_FRAGMENTS:
            super().handle_cont(event)
        elif not self.close_sent:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"a message has at most {MAX_FRAGMENTS} fragments")
            self.handle_parser_exception()

    def send_receive_event_to_app(self) -> None:
        """A text that is none ends the socket (RFC 6455 §8.1); uvicorn logs it as a bug."""
        if self.curr_msg_data_type == "text" and not self.close_sent and not _is_utf8(self.frames):
            self.frames = []
            self.conn.fail(CloseCode.INVALID_DATA, "a text is UTF-8")
            self.handle_parser_exception()
        else:
            super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Called by uvicorn, and here, once the socket has failed (RFC 6455 §7.1.7). What is on its way is
        thrown away until the client has gone: a connection that is closed with bytes unread is reset, and
        takes the close frame with it, so that a browser sees 1006."""
        closing = self.conn.close_sent
        assert closing is not None
        gone = {"type": "websocket.disconnect", "code": closing.code, "reason": closing.reason}
        self.queue.put_nowait(gone)  # type: ignore[arg-type]
        self.close_sent = self._is_failed = True
        self.stop_keepalive()
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.resume_reading()
        self.transport.write_eof()
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > MAX_UNREAD_BYTES:
            self.transport.abort()

    async def send(self, message: Any) -> None:
        """A socket that was ended from here, for a frame too large or a pong that did not come, is gone for
        the application too: uvicorn calls it a bug to send on it. A handshake that was refused is complete:
        uvicorn logs it as an error of the application."""
        await self.writable.wait()
        if self.handshake_complete and self.close_sent:
            raise ClientDisconnected
        await super().send(message)
        self.handshake_complete = self.handshake_complete or self.close_sent

    def _refuse(self) -> None:
        """What `websockets` cannot read, such as a handshake with a body, uvicorn leaves without an answer
        and open."""
        answer = b"".join(self.conn.data_to_send())
        self.handshake_initiated = self.handshake_complete = self.close_sent = True
        self.transport.write(answer or _NO_HANDSHAKE)
        self.transport.close()


def _is_utf8(fragments: Iterable[bytes]) -> bool:
    """Together: a character may be cut."""
    try:
        b"".join(fragments).decode()
    except UnicodeDecodeError:
        return False
    return True


WEBSOCKETS: dict[str, Any] = {"ws": BoundedWebSocket, "ws_per_message_deflate": False}
"""For `edge.http_server`."""
