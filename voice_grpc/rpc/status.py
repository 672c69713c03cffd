"""What went wrong, as the gRPC status of the call: one code, ErrorInfo always, BadRequest, QuotaFailure or
RetryInfo where they help. The one place where an error ends a call; which error it is, is decided where it
happens, and its reason is the class's own (`core/errors.py`).
"""

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import grpc
import grpc.aio
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from ..core import errors as e

log = logging.getLogger(__name__)

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]

DOMAIN = "voice.v1"

RETRY_SECONDS = 5.0, 10.0
"""When a caller that was turned away may try again, where nobody can say when there is room: a count is over
until something that is open ends, and a person may end it now or in an hour. A time between these two, drawn
for each, so that those who were turned away together do not come back together. It is the least that a client
waits; one that is turned away again waits longer each time (google.rpc RetryInfo)."""

MAX_STATUS = 1_000
"""Bytes of the text of a status in UTF-8, and so its characters at most. It is in the trailers of a call
twice or thrice, escaped: gRPC's clients read 8 KiB of them for sure, and are told nothing where there is
more."""

CODES: dict[type[e.VoiceError], grpc.StatusCode] = {
    e.BadField: grpc.StatusCode.INVALID_ARGUMENT,
    e.BadState: grpc.StatusCode.FAILED_PRECONDITION,
    e.Skipped: grpc.StatusCode.INVALID_ARGUMENT,
    e.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    e.Forbidden: grpc.StatusCode.PERMISSION_DENIED,
    e.NotFound: grpc.StatusCode.NOT_FOUND,
    e.EngineError: grpc.StatusCode.UNAVAILABLE,
    e.EngineMissing: grpc.StatusCode.FAILED_PRECONDITION,
    e.EngineDenied: grpc.StatusCode.FAILED_PRECONDITION,
    e.EngineQuota: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.EngineBlocked: grpc.StatusCode.INVALID_ARGUMENT,
    e.AllowanceUsed: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.ServerFull: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.CallerLimit: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.SlowClient: grpc.StatusCode.RESOURCE_EXHAUSTED,
    e.Superseded: grpc.StatusCode.ABORTED,
    e.Draining: grpc.StatusCode.UNAVAILABLE,
    e.StoreError: grpc.StatusCode.UNAVAILABLE,
    e.NotReady: grpc.StatusCode.UNAVAILABLE,
}
"""By google.rpc.Code: what is UNAVAILABLE is tried again as it is, what is FAILED_PRECONDITION not before the
server has been changed, and INVALID_ARGUMENT not with the same words. A subclass goes by its nearest kin."""
WORTH_A_RETRY = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


@asynccontextmanager
async def errors_as_status(
    context: Context, what: str, failed: Callable[[e.Reason], None] = lambda reason: None
) -> AsyncIterator[None]:
    """Ours by the table, anything else as a bug of ours: logged, and the end of this call alone. `failed` is
    told why, unless it was the client who left."""
    try:
        yield
    except (asyncio.CancelledError, grpc.aio.AbortError):
        raise
    except Exception as error:  # noqa: BLE001 - the border: a bug costs one call, not the server
        cause = _cause(error)
        if isinstance(cause, e.ClientGone):
            log.info("%s: %s", what, cause)
            raise asyncio.CancelledError(str(cause)) from None
        if isinstance(cause, e.VoiceError):
            log.info("%s: %s: %s", what, type(cause).__name__, _for_the_log(cause))
        else:
            log.exception("%s: a bug", what)
        failed(cause.reason if isinstance(cause, e.VoiceError) else e.Reason.BUG)
        await _abort(context, status_of(cause))


async def _abort(context: Context, status: grpc.Status) -> None:
    """The status goes behind what was sent before: a client that does not read gets it when it does.

    One that leaves instead needs none.
    """
    try:
        await context.abort_with_status(status)
    except grpc.aio.InternalError:
        raise asyncio.CancelledError("the client is gone") from None


def _for_the_log(error: e.VoiceError) -> str:
    """Without the value that a caller sent: it may be somebody's words."""
    if isinstance(error, e.CallerError):
        return f"{error.field}: accepted: {error.accepted}"
    return str(error)


def _cause(error: BaseException) -> BaseException:
    """The first error of a group that holds nothing but ours; a bug among them is not hidden. What protobuf
    cannot read is the caller's."""
    if isinstance(error, DecodeError):
        return e.BadField("request", str(error), "a message as the method takes it")
    if not isinstance(error, BaseExceptionGroup):
        return error
    ours, rest = error.split((e.VoiceError, DecodeError))
    return error if ours is None or rest is not None else _cause(e.first(ours))


def status_of(error: BaseException) -> grpc.Status:
    """Any error; one that is not ours is a bug, and says no more than that."""
    if not isinstance(error, e.VoiceError):
        text = "a bug in the server; its log says more"
        return _status(grpc.StatusCode.INTERNAL, text, e.Reason.BUG, [])
    code = _code(error)
    details: list[Message] = []
    if isinstance(error, e.CallerError):
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_short(error.field), description=_short(str(error))
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    limit = error.limit if isinstance(error, e.AllowanceUsed) else error
    if isinstance(limit, e.CallerLimit):
        used_up = f"{limit.limit}: {limit.value}"
        violated = error_details_pb2.QuotaFailure.Violation(
            subject=_short(limit.caller), description=_short(used_up)
        )
        details.append(error_details_pb2.QuotaFailure(violations=[violated]))
    if code in WORTH_A_RETRY and not _is_in_vain(error):
        delay = Duration()
        delay.FromMilliseconds(math.ceil(1_000 * _retry_after(error)))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return _status(code, str(error), error.reason, details)


def _retry_after(error: e.VoiceError) -> float:
    """Seconds: what is known of when it passes, else one of `RETRY_SECONDS`."""
    known: float | None = None
    if isinstance(error, e.CallerLimit | e.Draining | e.EngineQuota | e.AllowanceUsed):
        known = error.retry_after
    return random.uniform(*RETRY_SECONDS) if known is None else known


def _code(error: e.VoiceError) -> grpc.StatusCode:
    codes = (CODES[kind] for kind in type(error).__mro__ if kind in CODES)
    code = next(codes, grpc.StatusCode.INTERNAL)
    if code is grpc.StatusCode.UNAVAILABLE and _is_in_vain(error):
        return grpc.StatusCode.FAILED_PRECONDITION
    return code


def _is_in_vain(error: e.VoiceError) -> bool:
    """Whether the same call would fail again."""
    return isinstance(error, e.EngineError) and not error.retryable


def _status(code: grpc.StatusCode, text: str, reason: e.Reason, details: list[Message]) -> grpc.Status:
    status = status_pb2.Status(code=code.value[0], message=_short(text))
    for detail in [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN), *details]:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    result: grpc.Status = rpc_status.to_status(status)
    return result


def _short(text: str) -> str:
    """At most `MAX_STATUS` bytes, and no half of a character."""
    written = text.encode("utf-8", "replace")
    if len(written) <= MAX_STATUS:
        return written.decode()
    return f"{written[: MAX_STATUS - 3].decode(errors='ignore')}..."
