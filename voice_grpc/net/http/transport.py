"""A transport whose `close` is an end: asyncio's waits for ever for a peer that reads nothing.

A file of its own: HTTP and WebSocket connections are handed the same one.
"""

import asyncio
from collections.abc import Callable
from typing import Any


class EndingTransport(asyncio.Transport):
    """`inner`, but that what is not taken within `seconds` of `close` is thrown away."""

    def __init__(self, inner: asyncio.Transport, seconds: float, lost: Callable[[], None]) -> None:
        """`lost` is to be called by whichever protocol has the connection when it is lost."""
        super().__init__()
        self._inner, self._seconds, self.lost = inner, seconds, lost
        self._is_closed = False

    def close(self) -> None:
        """A second one is nothing, nor is one of what ended by itself: by it asyncio's transport of TLS loses
        its protocol, and fails from then on (Python 3.11)."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._inner.is_closing():
            return
        self._inner.close()
        if self._inner.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._seconds, self._inner.abort)

    def abort(self) -> None:
        self._inner.abort()

    def is_closing(self) -> bool:
        return self._is_closed or self._inner.is_closing()

    def write(self, data: Any) -> None:
        self._inner.write(data)

    def write_eof(self) -> None:
        """Nothing over TLS, which neither loop can close one way: the other side finds the end by itself."""
        if self._inner.can_write_eof():
            self._inner.write_eof()

    def get_write_buffer_size(self) -> int:
        return self._inner.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._inner.pause_reading()

    def resume_reading(self) -> None:
        self._inner.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._inner.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._inner.set_protocol(protocol)
