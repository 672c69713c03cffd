"""An ASGI application on a real socket inside the test's own loop.

An HTTP application is cancelled as soon as its caller goes away, wherever it waits, so that the
`Script.call` around its work ends as `gone`; its request is read whole before it starts. A WebSocket
application learns of it as always, from `receive`.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_SECONDS = 240
"""An idle connection outlives the pauses between two turns, as it does at Google's front end."""
CLOSING_SECONDS = 2.0


@asynccontextmanager
async def serving_app(app: ASGIApp, port: int = 0) -> AsyncIterator[int]:
    """The port, on 127.0.0.1; it is listened to already. What is open when the block ends is cut off.

    Raises `OSError` when the port is taken.
    """
    closing = asyncio.Event()

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await (
                _while_called(app, scope, receive, send)
                if scope["type"] == "http"
                else app(scope, receive, send)
            )
        except asyncio.CancelledError:
            if not closing.is_set():
                raise

    # Named as TCP: only then does asyncio turn Nagle's delay of 40 ms off.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        server = _server(served)
        await server.startup(sockets=[listener])
        try:
            yield listener.getsockname()[1]
        finally:
            closing.set()
            await _close(server)
    finally:
        listener.close()


def cut(scope: Scope) -> None:
    """Break the connection of this request hard, whatever of the answer is still to come."""
    scope["state"]["transport"].abort()


def came_at(scope: Scope) -> float:
    """When the last bytes of this request came, monotonic seconds. Not for a WebSocket."""
    at: float = scope["state"]["came_at"][0]
    return at


class _Protocol(H11Protocol):
    """Leaves its transport where `cut` finds it; a WebSocket that it becomes inherits it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._came_at = [0.0]
        self.app_state = {**self.app_state, "transport": transport, "came_at": self._came_at}
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._came_at[0] = time.monotonic()
        super().data_received(data)


def _server(app: ASGIApp) -> uvicorn.Server:
    """Not run but started and closed by hand: `Server.serve` takes the signals and polls."""
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="websockets-sansio",
        interface="asgi3",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server


async def _close(server: uvicorn.Server) -> None:
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    await asyncio.sleep(0)
    tasks = list(server.server_state.tasks)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=CLOSING_SECONDS)
    for listening in server.servers:
        await listening.wait_closed()


async def _while_called(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """The application, for as long as somebody waits for its answer."""
    body = await _whole_body(receive)
    if body is None:
        return
    requests = [{"type": "http.request", "body": body, "more_body": False}]
    is_answered = False

    async def replay() -> Message:
        return requests.pop() if requests else await asyncio.get_running_loop().create_future()

    async def note(message: Message) -> None:
        nonlocal is_answered
        is_answered = message["type"] == "http.response.body" and not message.get("more_body", False)
        await send(message)

    async def watch(work: "asyncio.Task[Any]") -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        if not is_answered:
            work.cancel()

    async with asyncio.TaskGroup() as tasks:
        work: asyncio.Task[Any] = tasks.create_task(_run(app, scope, replay, note))
        watching = tasks.create_task(watch(work))
        work.add_done_callback(lambda _: watching.cancel())


async def _run(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


async def _whole_body(receive: Receive) -> bytes | None:
    """None: the caller went away before all of it had come."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
