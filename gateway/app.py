"""The routes: the page and its files, what it asks before it talks, and the sockets."""

import asyncio
import mimetypes
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

import grpc.aio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from voice_grpc.net.addresses import bracketed
from voice_grpc.net.forwarded import read_network
from voice_grpc.net.http.body import BodyTooLarge, BodyTooSlow, BoundedBody
from voice_grpc.process.log_lines import lines_of

from .admission import Admission, Rejected
from .close_codes import Refused
from .gate import Gate
from .info import ServerFacts, caller_of, refusal
from .origin import read_hosts, read_origins
from .settings import GatewaySettings
from .upstream import Caller
from .websocket import SEND_SECONDS, BrowserSocket, bridge, dialect_for

mimetypes.init()  # reads files, which the first request would wait for

WEB = Path(__file__).with_name("web")
SDP = "application/sdp"
RESUME_TOKEN = "resume-token"
"""Header of an offer; a query would be in logs."""
MAX_OFFER, OFFER_SECONDS = 65_536, 10.0
"""Bytes of an SDP offer, and seconds for it to come. No other request has a body that is read."""

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

    async def answer(
        self, offer: str, caller: Caller, visit: AbstractContextManager[None], resume_token: str = ""
    ) -> tuple[str, str]:
        """The call's id and the SDP answer. `visit` is entered for the life of the call, which goes on with
        the conversation of `resume_token`.

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
        self.admission = Admission(settings.max_sockets, settings.max_per_address)
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
        inner = Starlette(
            routes=routes,
            exception_handlers={
                BodyTooLarge: _too_large,
                BodyTooSlow: _too_slow,
                ClientDisconnect: _gone,
                WebSocketDisconnect: _gone,
            },
        )
        return _with_headers(gate_of(self._settings, BoundedBody(inner, MAX_OFFER, OFFER_SECONDS)))

    async def page(self, request: Request) -> Response:
        return FileResponse(WEB / "index.html")

    async def converse(self, socket: WebSocket) -> None:
        dialect, subprotocol = dialect_for(socket.scope.get("subprotocols", []))
        caller = caller_of(socket)
        try:
            with self.admission.visit(caller.address), lines_of("", caller.trace_id):
                await socket.accept(subprotocol)
                within = self._settings.reconnect_within
                close_reason = await bridge(BrowserSocket(socket), dialect, self._channel, caller, within)
                if close_reason is not None:
                    with suppress(TimeoutError):  # of who reads nothing; the transport ends it
                        async with asyncio.timeout(SEND_SECONDS):
                            await socket.close(close_reason.code, close_reason.frame_text)
        except Rejected as rejected:
            await socket.send_denial_response(PlainTextResponse(rejected.message, rejected.status))

    async def offer(self, request: Request) -> Response:
        if self._calls is None:
            return PlainTextResponse("WebRTC is not installed here: it wants the extra `webrtc`", 501)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != SDP:
            return PlainTextResponse(f"Content-Type: got {kind!r}, accepted: {SDP}", 415)
        offer = (await request.body()).decode(errors="replace")
        caller = caller_of(request)
        try:
            visit, token = self.admission.visit(caller.address), request.headers.get(RESUME_TOKEN, "")
            with lines_of("", caller.trace_id):
                id, answer = await self._calls.answer(offer, caller, visit, token)
        except Rejected as rejected:
            return PlainTextResponse(rejected.message, rejected.status)
        except Refused as refused:
            return refusal(refused.close_reason)
        return Response(answer, 201, {"Location": f"/v1/webrtc/{id}"}, SDP)

    async def hang_up(self, request: Request) -> Response:
        found = self._calls is not None and await self._calls.hang_up(request.path_params["id"])
        return Response(status_code=200 if found else 404)


def gate_of(settings: GatewaySettings, app: ASGIApp) -> Gate:
    """Before `app`, with what the settings name."""
    hosts = frozenset(read_hosts([bracketed(settings.host), *settings.hosts]))
    proxies = [read_network(text) for text in settings.proxies]
    return Gate(app, hosts, frozenset(read_origins(settings.origins)), proxies)


async def _too_large(request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 413)


async def _too_slow(request: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), 408)


async def _gone(connection: HTTPConnection, error: Exception) -> None:
    """Nobody is there to be told, and nothing went wrong here."""


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
