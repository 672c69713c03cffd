"""Google's refusals as ours, said once, with what the operator should do.

The codes are gRPC's; which one says what: cloud.google.com/apis/design/errors and the service's own
messages (an idle stream is `ABORTED`, an unknown voice or bad SSML `INVALID_ARGUMENT`).
"""

import re
from collections.abc import Iterable
from enum import Enum, auto

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError, TransportError
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from ...core.errors import EngineDenied, EngineError, EngineQuota, EngineTimeout, EngineUnreachable
from ..http.errors import passes_after, shown

SERVICE = "Google Cloud TTS"
KEY_ADVICE = (
    "check GOOGLE_TTS_CREDENTIALS: a key that is not revoked, of a project with the Cloud Text-to-Speech "
    "API enabled and billing on; the account needs roles/serviceusage.serviceUsageConsumer"
)

_BREAK = re.compile(r"stream removed|socket closed|connection (?:reset|aborted)|broken pipe|goaway", re.I)
"""What gRPC's core says when it is the connection that ended a call. Nothing else tells it from the
service's own `UNAVAILABLE`; should the words change, a broken call is just not made again."""
BREAKS = 2
"""In a row, and then the call is given up. One connection can break two calls: the core goes on offering it
until it has read of its end."""
_FORGOTTEN = "Internal error from Core"
"""What grpc.aio says of a call that could not be written to, in place of why it had ended."""
_LONGEST = 240
"""Characters of a vendor's message that are passed on."""


class StreamFate(Enum):
    """How a call ended, where that decides what to do next."""

    REJECTED = auto()
    """`INVALID_ARGUMENT`: what was asked for cannot be done; asking for something else may go well."""
    IDLE = auto()
    """`ABORTED`: a stream got no text for too long."""
    LOST = auto()
    """The call was over when more was sent on it; grpc.aio then forgets why."""
    BROKEN = auto()
    """The connection broke, and the service itself said nothing: a call that had given nothing yet may be
    made again, as after a connection that had been idle for too long."""
    OTHER = auto()


def fate_of(error: EngineError) -> StreamFate:
    """How the call ended that `error` comes from."""
    cause = error.__cause__
    code, text = _code_and_text(cause) if isinstance(cause, Exception) else (None, "")
    if code is grpc.StatusCode.UNAVAILABLE and _BREAK.search(text):
        return StreamFate.BROKEN
    if code is grpc.StatusCode.INTERNAL and text == _FORGOTTEN:
        return StreamFate.LOST
    known = {grpc.StatusCode.INVALID_ARGUMENT: StreamFate.REJECTED, grpc.StatusCode.ABORTED: StreamFate.IDLE}
    return known.get(code, StreamFate.OTHER) if code is not None else StreamFate.OTHER


def translated(
    error: Exception, through: str = "", *, advice: str = "", secrets: Iterable[str] = ()
) -> EngineError:
    """What a call raised, as ours. `through`: the proxy on the way, told where the way is what failed.
    `advice`: what the operator should know of a quota. `secrets`: what the call was made with, should the
    service repeat it."""
    if isinstance(error, GoogleAuthError):
        return auth_failure(error, secrets)
    code, text = _code_and_text(error)
    told = shown(text, secrets, limit=_LONGEST) or (code.name if code else type(error).__name__)
    message = f"{SERVICE}: {told}"
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return EngineDenied("tts", message, advice=KEY_ADVICE)
    passes = _retry_after(error, code)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        return EngineQuota("tts", message, advice=advice, retry_after=passes)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
        message += through
    kinds: dict[grpc.StatusCode | None, type[EngineError]] = {
        grpc.StatusCode.DEADLINE_EXCEEDED: EngineTimeout,
        grpc.StatusCode.UNAVAILABLE: EngineUnreachable,
    }
    return kinds.get(code, EngineError)("tts", message, retry_after=passes)


def _retry_after(error: Exception, code: grpc.StatusCode | None) -> float | None:
    """As `EngineError` has it: google.rpc.RetryInfo of the status, else what its code lets hope. What the
    connection did is for `fate_of` to say."""
    if code not in _LIKE_HTTP or _BREAK.search(_code_and_text(error)[1]):
        return None
    told = ""
    for key, value in (error.trailing_metadata() or ()) if isinstance(error, grpc.aio.AioRpcError) else ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            told = _delay_in(value)
    return passes_after(_LIKE_HTTP[code], {"retry-after": told})


_LIKE_HTTP = {
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.INTERNAL: 500,
}
"""google.rpc.Code; those that pass."""


def _delay_in(details: bytes) -> str:
    """Seconds of RetryInfo in a google.rpc.Status; empty: there are none."""
    status, retry = status_pb2.Status(), error_details_pb2.RetryInfo()
    try:
        status.ParseFromString(details)
        found = any(detail.Unpack(retry) for detail in status.details)
    except DecodeError:
        return ""
    return f"{retry.retry_delay.ToTimedelta().total_seconds():f}" if found else ""


def auth_failure(error: Exception, secrets: Iterable[str] = ()) -> EngineError:
    """No token could be had: the key is refused, or whoever gives tokens cannot be reached."""
    if isinstance(error, TransportError):
        told = shown(error, secrets, limit=_LONGEST)
        return EngineUnreachable("tts", f"{SERVICE}: no access token: {told}")
    told = shown(_first(error), secrets, limit=_LONGEST)
    text = f"{SERVICE}: no access token for these credentials: {told}"
    return EngineDenied("tts", text, advice=KEY_ADVICE)


def _first(error: Exception) -> str:
    """In `RefreshError('invalid_grant: …', {…})` the words; the rest is all that the token server said."""
    return str(error.args[0]) if error.args else type(error).__name__


def _code_and_text(error: Exception) -> tuple[grpc.StatusCode | None, str]:
    if isinstance(error, GoogleAPICallError):
        return error.grpc_status_code, error.message
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code(), error.details() or ""
    return None, str(error)
