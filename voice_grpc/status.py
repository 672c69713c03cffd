"""What went wrong, as a gRPC status: one code, ErrorInfo always, BadRequest or RetryInfo where they help."""

import logging

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from .core import errors as e
from .session_file import StoreError

log = logging.getLogger(__name__)

DOMAIN = "voice.v1"

RETRY_SECONDS = 5
"""When a caller that was turned away may try again."""

CODES: dict[type[e.VoiceError], tuple[grpc.StatusCode, str]] = {
    e.BadField: (grpc.StatusCode.INVALID_ARGUMENT, "BAD_FIELD"),
    e.BadState: (grpc.StatusCode.FAILED_PRECONDITION, "BAD_STATE"),
    e.Skipped: (grpc.StatusCode.INVALID_ARGUMENT, "BAD_MESSAGE"),
    e.Unauthenticated: (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED"),
    e.Forbidden: (grpc.StatusCode.PERMISSION_DENIED, "FORBIDDEN"),
    e.NotFound: (grpc.StatusCode.NOT_FOUND, "NOT_FOUND"),
    e.EngineError: (grpc.StatusCode.UNAVAILABLE, "ENGINE_ERROR"),
    e.EngineTimeout: (grpc.StatusCode.UNAVAILABLE, "ENGINE_TIMEOUT"),
    e.EngineMissing: (grpc.StatusCode.UNAVAILABLE, "ENGINE_MISSING"),
    e.ServerFull: (grpc.StatusCode.RESOURCE_EXHAUSTED, "SERVER_FULL"),
    e.SlowClient: (grpc.StatusCode.RESOURCE_EXHAUSTED, "SLOW_CLIENT"),
    e.Superseded: (grpc.StatusCode.ABORTED, "SUPERSEDED"),
    e.Draining: (grpc.StatusCode.UNAVAILABLE, "DRAINING"),
    StoreError: (grpc.StatusCode.UNAVAILABLE, "STORE_ERROR"),
    e.NotReady: (grpc.StatusCode.UNAVAILABLE, "NOT_READY"),
}
RETRYABLE = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


def status_of(error: BaseException) -> grpc.Status:
    """Any error; one that is not ours is a bug, and says no more than that."""
    if not isinstance(error, e.VoiceError):
        return _status(grpc.StatusCode.INTERNAL, "a bug in the server; its log says more", "BUG", [])
    kinds = (kind for kind in type(error).__mro__ if kind in CODES)
    code, reason = CODES.get(next(kinds, e.VoiceError), (grpc.StatusCode.INTERNAL, "INTERNAL"))
    details: list[Message] = []
    if isinstance(error, e.CallerError):
        violation = error_details_pb2.BadRequest.FieldViolation(field=error.field, description=str(error))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if code in RETRYABLE:
        details.append(error_details_pb2.RetryInfo(retry_delay=Duration(seconds=RETRY_SECONDS)))
    return _status(code, str(error), reason, details)


def _status(code: grpc.StatusCode, text: str, reason: str, details: list[Message]) -> grpc.Status:
    status = status_pb2.Status(code=code.value[0], message=text)
    for detail in [error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN), *details]:
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    result: grpc.Status = rpc_status.to_status(status)
    return result
