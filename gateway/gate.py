"""Before every route: which host is asked for, whose page asks, and from where.

    Host     one that the gateway listens at, or that is named: the page of another name that leads here
             (DNS rebinding) is nobody's. 421
    Origin   none, the host's own, or one that is named. 403; those that are named get CORS (Fetch §3.2)
    address  of the browser, also behind proxies that are named: `scope["client"]` from here on

An ASGI layer. Tokens are the server's to judge, places `admission.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voice_grpc.net.forwarded import Network, caller_address, read_address

from .admission import Rejected
from .origin import ANY, Host, Origin, read_host, read_origin

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""Names that nobody else's page can have."""

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Resume-Token, Traceparent, Tracestate",
    "Access-Control-Max-Age": "600",
}


@dataclass(frozen=True, slots=True)
class Gate:
    """`app` behind it. `hosts` besides those of loopback and the address that a connection came to."""

    app: ASGIApp
    hosts: frozenset[str]
    origins: frozenset[Origin | str]
    proxies: Sequence[Network]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        try:
            origin = self._origin(headers.get("origin"), self._host(scope, headers))
        except Rejected as rejected:
            await PlainTextResponse(rejected.message, rejected.status)(scope, receive, send)
            return
        peer = (scope.get("client") or ("", 0))[0]
        address = caller_address(peer, headers.getlist("x-forwarded-for"), self.proxies)
        scope = {**scope, "client": (address, 0)}
        if scope["type"] == "http" and origin is not None:
            if scope["method"] == "OPTIONS" and "access-control-request-method" in headers:
                answer = Response(status_code=204, headers=_PREFLIGHT)
                await answer(scope, receive, _with_cors(origin, send))
                return
            send = _with_cors(origin, send)
        await self.app(scope, receive, send)

    def _host(self, scope: Scope, headers: Headers) -> Host:
        """Raises `Rejected`."""
        text = headers.get("host", "")
        try:
            host = read_host(text)
        except ValueError as error:
            raise Rejected(400, f"Host: got {text[:80]!r}, accepted: {error}") from None
        here = str(read_address((scope.get("server") or ("", 0))[0]))
        if ANY in self.hosts or host.name in self.hosts or host.name in (*LOOPBACK, here):
            return host
        raise Rejected(421, f"Host: got {text[:80]!r}, which is not served here: name it with --hosts")

    def _origin(self, text: str | None, host: Host) -> str | None:
        """The one that CORS is for, as it was sent; None where it needs none. Raises `Rejected`."""
        if text is None:
            return None
        try:
            origin: Origin | None = read_origin(text)
        except ValueError:
            origin = None
        if origin is not None and origin.is_of(host):
            return None
        if ANY in self.origins or origin in self.origins:
            return text
        raise Rejected(403, f"the origin {text[:80]!r} is not let in: name it with --origins")


def _with_cors(origin: str, send: Send) -> Send:
    """The page may read every answer, and where a call that it made is."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Expose-Headers"] = "Location"
            headers.add_vary_header("Origin")
        await send(message)

    return sent
