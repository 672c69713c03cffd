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

MAX_FRAGMENTS = 1_024
"""Of one message: an empty one costs memory too, and `ws_max_size` counts bytes."""

MAX_UNREAD_BYTES = 1_048_576
"""Written and not taken when a ping comes: nobody reads the pongs."""

_NO_HANDSHAKE = (
    b"HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    b"no WebSocket handshake.\n"
)


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket of uvicorn's with these bounds."""

    def data_received(self, data: bytes) -> None:
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
