"""A caller that goes away stops its work: the request is cancelled wherever it waits.

A plain ASGI layer around the application. The caller is watched from the moment its request has been
read to the end; an answer that begins before is short.
"""

import asyncio
from http import HTTPStatus

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..core.errors import first
from .errors import ApiError


class DisconnectMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.is_closing = False
        """Requests that are cancelled from now on are told that the server goes away."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = _WatchedCall(receive, send)
        try:
            async with asyncio.TaskGroup() as tasks:
                work = tasks.create_task(self._run(scope, call), name="request")
                watching = tasks.create_task(call.watch(work), name="watch")
                work.add_done_callback(lambda _: watching.cancel())
        except asyncio.CancelledError:
            if not self.is_closing:
                raise
            if not call.is_started:
                gone = ApiError(HTTPStatus.SERVICE_UNAVAILABLE, "The server goes away", retry_after=1)
                await JSONResponse(gone.body, gone.status, gone.headers)(scope, receive, send)
        except BaseExceptionGroup as group:
            raise first(group) from None  # the only one: the watch never fails

    async def _run(self, scope: Scope, call: "_WatchedCall") -> None:
        await self._app(scope, call.receive, call.send)


class _WatchedCall:
    """One request, between the server and the application."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive, self._send = receive, send
        self._read = asyncio.Event()
        self.is_started = self.is_complete = False

    async def receive(self) -> Message:
        if self._read.is_set():
            await asyncio.get_running_loop().create_future()  # for ever: the watch hears of the end
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body", False):
            self._read.set()
        return message

    async def send(self, message: Message) -> None:
        self.is_started = True
        self.is_complete = message["type"] == "http.response.body" and not message.get("more_body", False)
        await self._send(message)

    async def watch(self, work: "asyncio.Task[None]") -> None:
        await self._read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if not self.is_complete:
            work.cancel()
