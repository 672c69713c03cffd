"""The routes: the page and its files, what it asks before it talks, and the sockets."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import grpc.aio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from .admission import Admission, Rejected, token_of
from .close_codes import Refused
from .dialects.proto_json import error_json
from .info import STATUS, ServerFacts
from .settings import GatewaySettings
from .websocket import BrowserSocket, bridge, dialect_for

WEB = Path(__file__).with_name("web")
SDP = "application/sdp"
MAX_OFFER = 65_536
"""Bytes of an SDP offer."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; connect-src 'self' ws: wss:; media-src 'self' blob:; "
    "worker-src 'self' blob:; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "microphone=(self)",
    "Cache-Control": "no-cache",
}


class Calls(Protocol):
    """WebRTC calls: what `webrtc.signaling.RtcCalls` is, where that is installed."""

    async def answer(self, offer: str, token: str, visit: AbstractContextManager[None]) -> tuple[str, str]:
        """The call's id and the SDP answer. `visit` is entered for the life of the call.

        Raises `Rejected`, and `Refused` for what is no offer.
        """
        ...

    async def hang_up(self, id: str) -> bool:
        """False: there is no such call."""
        ...


class Gateway:
    """The handlers. `calls` is None where WebRTC is not installed."""

    def __init__(self, settings: GatewaySettings, channel: grpc.aio.Channel, calls: Calls | None) -> None:
        self._settings, self._channel, self._calls = settings, channel, calls
        self.admission = Admission(settings.origins, settings.max_sockets, settings.max_per_address)
        page = {"webrtc": calls is not None, "ice_servers": settings.ice_servers}
        self._facts = ServerFacts(channel, self.admission, page)

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self.page),
            Route("/health", self._facts.health),
            Route("/v1/info", self._facts.info),
            Route("/v1/sessions/{id}", self._facts.session),
            Route("/v1/webrtc", self.offer, methods=["POST"]),
            Route("/v1/webrtc/{id}", self.hang_up, methods=["DELETE"]),
            WebSocketRoute("/v1/ws", self.converse),
            Mount("/web", StaticFiles(directory=WEB, check_dir=False)),
        ]
        return _with_headers(Starlette(routes=routes))

    async def page(self, request: Request) -> Response:
        return FileResponse(WEB / "index.html")

    async def converse(self, socket: WebSocket) -> None:
        offered = socket.scope.get("subprotocols", [])
        dialect, subprotocol = dialect_for(offered)
        try:
            with self.admission.visit(socket.headers, _address(socket.scope)):
                await socket.accept(subprotocol)
                close_reason = await bridge(
                    BrowserSocket(socket), dialect, self._channel, token_of(socket.headers, offered)
                )
                if close_reason is not None:
                    await socket.close(close_reason.code, close_reason.frame_text)
        except Rejected as rejected:
            await socket.send_denial_response(PlainTextResponse(rejected.message, rejected.status))

    async def offer(self, request: Request) -> Response:
        if self._calls is None:
            return PlainTextResponse("WebRTC is not installed here: it wants the extra `webrtc`", 501)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != SDP:
            return PlainTextResponse(f"Content-Type: got {kind!r}, accepted: {SDP}", 415)
        offer = await _limited(request, MAX_OFFER)
        if offer is None:
            return PlainTextResponse(f"an offer has at most {MAX_OFFER} bytes", 413)
        visit = self.admission.visit(request.headers, _address(request.scope))
        try:
            id, answer = await self._calls.answer(offer, token_of(request.headers), visit)
        except Rejected as rejected:
            return PlainTextResponse(rejected.message, rejected.status)
        except Refused as refused:
            close_reason = refused.close_reason
            return JSONResponse({"error": error_json(close_reason)}, STATUS.get(close_reason.code, 502))
        return Response(answer, 201, {"Location": f"/v1/webrtc/{id}"}, SDP)

    async def hang_up(self, request: Request) -> Response:
        found = self._calls is not None and await self._calls.hang_up(request.path_params["id"])
        return Response(status_code=200 if found else 404)


async def _limited(request: Request, size: int) -> str | None:
    """The body as text; None when it is longer than `size` bytes."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > size:
            return None
    return body.decode(errors="replace")


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return client[0] if client else ""


def _with_headers(app: ASGIApp) -> ASGIApp:
    """`HEADERS` on every HTTP answer."""
    added = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await app(scope, receive, with_headers if scope["type"] == "http" else send)

    return served
