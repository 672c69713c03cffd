"""A real gateway before a real server with scripted engines, and a browser's socket to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.server import serving as gateway_serving
from gateway.settings import GatewaySettings
from tests.serving import WITHIN, Served, serving
from voice_grpc.engines.scripted import Script


def settings(**given: Any) -> GatewaySettings:
    """Without the environment's `.env`."""
    return GatewaySettings(_env_file=None, **{"port": 0, **given})  # type: ignore[call-arg]


@dataclass
class Browser:
    """Keeps every frame that comes."""

    socket: ClientConnection
    frames: list[str | bytes] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _is_over: bool = False

    async def read_all(self) -> None:
        try:
            async for frame in self.socket:
                self.frames.append(frame)
                self._changed.set()
        except ConnectionClosed:
            return  # `closed` tells
        finally:
            self._is_over = True
            self._changed.set()

    async def send(self, frame: str | bytes | dict[str, Any]) -> None:
        await self.socket.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    async def until(self, found: Callable[[], bool], what: str = "") -> None:
        try:
            async with asyncio.timeout(WITHIN):
                while not found():
                    assert not self._is_over, f"closed {self.socket.close_code} before {what}: {self.texts}"
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"nothing of {what} in: {self.texts}") from None

    async def said(self, **wanted: Any) -> dict[str, Any]:
        """The first text that holds these values."""

        def find() -> list[dict[str, Any]]:
            return [text for text in self.texts if wanted.items() <= text.items()]

        await self.until(lambda: bool(find()), str(wanted))
        return find()[0]

    async def closed(self) -> tuple[int | None, str | None]:
        async with asyncio.timeout(WITHIN):
            while not self._is_over:
                self._changed.clear()
                await self._changed.wait()
            await self.socket.wait_closed()
        return self.socket.close_code, self.socket.close_reason

    @property
    def texts(self) -> list[dict[str, Any]]:
        return [json.loads(frame) for frame in self.frames if isinstance(frame, str)]

    @property
    def sound(self) -> list[bytes]:
        return [frame for frame in self.frames if isinstance(frame, bytes)]


@dataclass
class Deployment:
    served: Served
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @asynccontextmanager
    async def browser(
        self,
        *subprotocols: str,
        origin: str | None = None,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> AsyncIterator[Browser]:
        url = f"ws://127.0.0.1:{self.port}/v1/ws"
        offered: Sequence[Any] | None = subprotocols or None
        async with connect(
            url,
            subprotocols=offered,
            origin=origin,  # type: ignore[arg-type]
            additional_headers=headers,
            compression=None,
            proxy=None,
            **more,
        ) as socket:
            browser = Browser(socket)
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(browser.read_all(), name="read")
                try:
                    yield browser
                finally:
                    await socket.close()
                    reading.cancel()


@asynccontextmanager
async def deployed(
    script: Script | None = None, gateway: dict[str, Any] | None = None, **server: Any
) -> AsyncIterator[Deployment]:
    async with (
        serving(script, **server) as served,
        gateway_serving(settings(**{"target": served.target, **(gateway or {})})) as port,
    ):
        yield Deployment(served, port)
