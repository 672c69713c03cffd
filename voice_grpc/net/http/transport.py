"""A transport whose `close` is an end: asyncio's waits for ever for a peer that reads nothing.

A file of its own: HTTP and WebSocket connections are handed the same one.
"""

import asyncio
from typing import Any


class EndingTransport(asyncio.Transport):
    """`inner`, but that what is not taken within `seconds` of `close` is thrown away."""

    def __init__(self, inner: asyncio.Transport, seconds: float) -> None:
        super().__init__()
        self._inner, self._seconds = inner, seconds

    def close(self) -> None:
        self._inner.close()
        if self._inner.get_write_buffer_size():
            asyncio.get_running_loop().call_later(self._seconds, self._inner.abort)

    def abort(self) -> None:
        self._inner.abort()

    def is_closing(self) -> bool:
        return self._inner.is_closing()

    def write(self, data: Any) -> None:
        self._inner.write(data)

    def write_eof(self) -> None:
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
