"""What a page asks before it talks: is the server there, what can be chosen, what was said before."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import grpc
import grpc.aio
from google.protobuf.json_format import MessageToDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from voice_grpc.client import CallFailed, failures
from voice_grpc.net.trace_headers import trace_headers
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.pb.voice_pb2_grpc import VoiceServiceStub

from .admission import Admission, token_of
from .close_codes import CloseReason, Refused, close_reason_of
from .dialects.proto_json import error_json
from .upstream import Caller

Metadata: TypeAlias = tuple[tuple[str, str], ...]

SERVICE = "voice.v1.VoiceService"

ASK_SECONDS = 3.0
"""For the server behind to answer."""

STATUS = {4400: 400, 4401: 401, 4403: 403, 1013: 503, 4503: 503, 1001: 503}
"""Close code → status of an HTTP answer."""


class ServerFacts:
    """The routes that only ask the server behind."""

    def __init__(self, channel: grpc.aio.Channel, admission: Admission, page: dict[str, object]) -> None:
        """`page`: what the page is told of the gateway itself."""
        self._channel, self._admission, self._page = channel, admission, page

    async def health(self, request: Request) -> Response:
        """Whether the gateway and the server behind are well, for who routes traffic here."""
        stub = health_pb2_grpc.HealthStub(self._channel)
        status, reason = "ok", ""
        try:
            with failures():
                answer = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=ASK_SECONDS)
            if answer.status != health_pb2.HealthCheckResponse.SERVING:
                status, reason = "not ready", "the server behind is not ready"
        except CallFailed as failure:
            status, reason = "away", str(failure)
        said = {"status": status, "reason": reason, "conversations": self._admission.count}
        return JSONResponse(said, 200 if status == "ok" else 503)

    async def info(self, request: Request) -> Response:
        """What a page lets its user choose from."""
        stub = VoiceServiceStub(self._channel)

        async def chosen_from(metadata: Metadata) -> dict[str, object]:
            server = await stub.GetServerInfo(
                pb.GetServerInfoRequest(), metadata=metadata, timeout=ASK_SECONDS
            )
            voices = await stub.ListVoices(pb.ListVoicesRequest(), metadata=metadata, timeout=ASK_SECONDS)
            personas = await stub.ListPersonas(
                pb.ListPersonasRequest(), metadata=metadata, timeout=ASK_SECONDS
            )
            return {
                "server": MessageToDict(server),
                "voices": [MessageToDict(voice) for voice in voices.voices],
                "personas": [MessageToDict(persona) for persona in personas.personas],
                **self._page,
            }

        return await answer(request, chosen_from)

    async def session(self, request: Request) -> Response:
        """What was said before, for a page that was loaded again."""
        stub = VoiceServiceStub(self._channel)
        wanted = pb.GetSessionRequest(session_id=request.path_params["id"])

        async def said_before(metadata: Metadata) -> dict[str, object]:
            found = await stub.GetSession(wanted, metadata=metadata, timeout=ASK_SECONDS)
            return MessageToDict(found.session)

        return await answer(request, said_before)


async def answer(request: Request, ask: Callable[[Metadata], Awaitable[dict[str, object]]]) -> Response:
    """What `ask` is told by the server behind in the name of who asks, or why it is told nothing."""
    try:
        metadata = caller_of(request).metadata
        with failures():
            return JSONResponse(await ask(metadata))
    except Refused as refused:
        return refusal(refused.close_reason)
    except CallFailed as failure:
        return refusal(close_reason_of(failure), is_missing=failure.code is grpc.StatusCode.NOT_FOUND)


def caller_of(connection: HTTPConnection) -> Caller:
    """Who asks, by its request or its handshake."""
    address, _ = connection.scope.get("client") or ("", 0)
    token = token_of(connection.headers, connection.scope.get("subprotocols", ()))
    return Caller(address, token, trace_headers(connection.headers.items()))


def refusal(close_reason: CloseReason, *, is_missing: bool = False) -> Response:
    """An end, told in HTTP."""
    status = 404 if is_missing else STATUS.get(close_reason.code, 502)
    return JSONResponse({"error": error_json(close_reason)}, status)
