"""The bounds of a request's body: bytes, and seconds for all of it. Counted while the application reads it;
`edge.py` throws away what it does not read.

An ASGI layer below the application, so that each says in its own words what was too much.
A file of its own: the edge's protocol knows no applications.
"""

import asyncio
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class BodyTooLarge(Exception):
    """`size` is what was declared, or what has come so far."""

    def __init__(self, most: int, size: int) -> None:
        super().__init__(f"body: got {size} bytes, accepted: up to {most}")
        self.most, self.size = most, size


class BodyTooSlow(Exception):
    def __init__(self, seconds: float) -> None:
        super().__init__(f"body: it did not come within {seconds:g} s")


@dataclass(frozen=True, slots=True)
class BoundedBody:
    """`app`, whose `receive` raises `BodyTooLarge` and `BodyTooSlow`."""

    app: ASGIApp
    most_bytes: int
    seconds: float
    """From the first time that the application asks."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            receive = _Reading(receive, _declared(scope), self.most_bytes, self.seconds).receive
        await self.app(scope, receive, send)


class _Reading:
    """One body."""

    def __init__(self, receive: Receive, declared: int, most: int, seconds: float) -> None:
        self._receive, self._most, self._seconds = receive, most, seconds
        self._size, self._declared = 0, declared
        self._until: float | None = None
        self._is_whole = False

    async def receive(self) -> Message:
        if self._is_whole:
            return await self._receive()
        self._check(self._declared)
        if self._until is None:
            self._until = asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            raise BodyTooSlow(self._seconds) from None
        self._size += len(message.get("body", b""))
        self._check(self._size)
        self._is_whole = not message.get("more_body", False)
        return message

    def _check(self, size: int) -> None:
        if size > self._most:
            raise BodyTooLarge(self._most, size)


def _declared(scope: Scope) -> int:
    """Bytes by Content-Length, which the parser has checked; 0 where it is not said."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)
