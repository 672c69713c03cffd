"""A browser's WebSocket as `bridge.py` wants it, and the dialect that it asked for."""

from collections.abc import Sequence

from starlette.websockets import WebSocket

from .dialect import Dialect, Frame
from .door import TOKEN_PREFIX
from .json_dialect import NAME as JSON
from .json_dialect import JsonDialect
from .proto_dialect import NAME as PROTO
from .proto_dialect import ProtoDialect
from .simple_dialect import SimpleDialect


class BrowserSocket:
    """Implements `bridge.Socket`."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Frame | None:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        frame: Frame = message["bytes"] if text is None else text
        return frame

    async def send(self, frame: Frame) -> None:
        if isinstance(frame, str):
            await self._socket.send_text(frame)
        else:
            await self._socket.send_bytes(frame)


def dialect_for(offered: Sequence[str]) -> tuple[Dialect, str | None]:
    """The first one that is offered and known, else the simple one; and the subprotocol to choose.

    A browser that offers any fails unless one is chosen: its token will do.
    """
    for name in offered:
        if name == PROTO:
            return ProtoDialect(), name
        if name == JSON:
            return JsonDialect(), name
    return SimpleDialect(), next((name for name in offered if name.startswith(TOKEN_PREFIX)), None)
