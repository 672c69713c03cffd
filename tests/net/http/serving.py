"""A small application behind the HTTP edge on a real port, and sockets that say what a test hands them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.server import ServerState

from tests.serving import WITHIN
from voice_grpc.net.http.body import BodyTooLarge, BodyTooSlow, BoundedBody
from voice_grpc.net.http.edge import HttpEdge, http_server
from voice_grpc.net.http.places import ConnectionBounds
from voice_grpc.net.http.tls import ServerContext
from voice_grpc.net.http.websocket import WEBSOCKETS
from voice_grpc.net.listener import listen

HEAD = b"Host: x\r\n"
GET = b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n"
UPGRADE = (
    HEAD + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
HANDSHAKE = b"GET /socket HTTP/1.1\r\n" + UPGRADE + b"\r\n"

MOST_BYTES = 1_000
"""Of a body."""
LONG = b"a" * 16_000_000
"""An answer that does not fit between two sockets."""


async def root(request: Request) -> Response:
    return PlainTextResponse("hello")


async def long(request: Request) -> Response:
    """Sent in pieces, each when there is room for it."""
    return StreamingResponse(
        (LONG[at : at + 65_536] for at in range(0, len(LONG), 65_536)),
        headers={"content-length": str(len(LONG))},
    )


async def upload(request: Request) -> Response:
    return PlainTextResponse(f"{len(await request.body()):05}")


async def unread(request: Request) -> Response:
    return PlainTextResponse("not asked for", 415)


async def silent(request: Request) -> Response:
    await asyncio.Event().wait()
    return PlainTextResponse("")


async def socket(socket: WebSocket) -> None:
    """Sends back what comes; `flood` sends without an end."""
    await socket.accept()
    try:
        while True:
            text = await socket.receive_text()
            await socket.send_text(text)
            while text == "flood":
                await socket.send_bytes(bytes(65_536))
    except WebSocketDisconnect:
        return


async def denied(socket: WebSocket) -> None:
    await socket.send_denial_response(PlainTextResponse("not you", 403))


async def refused(request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 413 if isinstance(error, BodyTooLarge) else 408)


async def gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


@dataclass
class EdgeServed:
    port: int
    state: ServerState = field(repr=False)

    @property
    def connections(self) -> set[Any]:
        return self.state.connections

    async def until_alone(self) -> None:
        """Until no connection is left, and nobody works for one."""
        await self.until_left(0)
        async with asyncio.timeout(WITHIN):
            while self.state.tasks:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)

    async def until_left(self, most: int) -> None:
        """Until there are no more connections than so many."""
        async with asyncio.timeout(WITHIN):
            while len(self.connections) > most:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def caller(
        self, address: str = "127.0.0.1"
    ) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def flood(self, writer: asyncio.StreamWriter, said: bytes) -> None:
        """The same again and again. Raises `ConnectionError` once the server has ended it."""
        async with asyncio.timeout(WITHIN):
            while True:
                writer.write(said)
                await writer.drain()

    async def told(self, said: bytes) -> bytes:
        """All that comes until the server ends."""
        async with self.caller() as (reader, writer):
            writer.write(said)
            return await ending(reader)


async def ending(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(WITHIN):
        return await reader.read()


async def answer(reader: asyncio.StreamReader) -> bytes:
    """One answer of five letters, or the head of a refusal."""
    async with asyncio.timeout(WITHIN):
        head = await reader.readuntil(b"\r\n\r\n")
        return head + (await reader.readexactly(5) if b" 200 " in head else b"")


@asynccontextmanager
async def edge_serving(
    body_seconds: float = 30.0,
    tls: ServerContext | None = None,
    connections: ConnectionBounds = ConnectionBounds(1_000, 1_000),  # noqa: B008 - it is frozen
    **seconds: float,
) -> AsyncIterator[EdgeServed]:
    """Seconds that are not given are longer than the test; of one address there may be as many as in all."""
    long_enough = {"head_seconds": 60.0, "idle_seconds": 60.0, "write_seconds": 60.0, "linger_seconds": 60.0}
    app = Starlette(
        routes=[
            Route("/", root),
            Route("/long", long),
            Route("/silent", silent),
            Route("/upload", upload, methods=["POST"]),
            Route("/unread", unread, methods=["POST"]),
            WebSocketRoute("/socket", socket),
            WebSocketRoute("/denied", denied),
        ],
        exception_handlers={BodyTooLarge: refused, BodyTooSlow: refused, ClientDisconnect: gone},
    )
    listener = listen("127.0.0.1", 0)
    bounded = BoundedBody(app, MOST_BYTES, body_seconds)
    server = http_server(bounded, HttpEdge(connections, **{**long_enough, **seconds}), tls, **WEBSOCKETS)
    await server.startup(sockets=[listener])
    state = server.server_state
    try:
        yield EdgeServed(listener.getsockname()[1], state)
    finally:
        for listening in server.servers:
            listening.close()
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        if state.tasks:
            await asyncio.wait(state.tasks)
