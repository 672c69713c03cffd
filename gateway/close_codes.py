"""How a socket's end is told: WebSocket close codes (RFC 6455, 7.4) and a reason that says what to do.

1000 done                              4400 a bad request; the reason names the field
1001 the server is going away          4401 the token is missing or wrong
1008 not a message of this dialect     4403 forbidden
1009 too big                           4408 the client reads too slowly, or said nothing for too long
1011 a bug of ours                     4409 the session was opened elsewhere
1013 full: try again later             4429 too much at once
                                       4503 the server behind is away: come back, with
                                            the token for the same conversation
"""

from dataclasses import dataclass

import grpc

from voice_grpc.client import CallFailed, is_lost_line

MAX_REASON = 123
"""Bytes of UTF-8 (RFC 6455, 5.5.1)."""

_CODES = {
    grpc.StatusCode.INVALID_ARGUMENT: 4400,
    grpc.StatusCode.FAILED_PRECONDITION: 4400,
    grpc.StatusCode.NOT_FOUND: 4400,
    grpc.StatusCode.UNAUTHENTICATED: 4401,
    grpc.StatusCode.PERMISSION_DENIED: 4403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 1013,
    grpc.StatusCode.ABORTED: 4409,
    grpc.StatusCode.UNAVAILABLE: 4503,
}
_REASONS = {"DRAINING": 1001, "SLOW_CLIENT": 4408, "SERVER_FULL": 1013}
"""Where the server says more than its status does."""


@dataclass(frozen=True, slots=True)
class CloseReason:
    """The last word on a socket."""

    code: int
    message: str
    reason: str = ""
    """For programs, such as BAD_FIELD; empty: none."""
    field: str = ""
    """Path of the field that was wrong; empty: none."""

    @property
    def frame_text(self) -> str:
        """As much of the message as a close frame holds."""
        return self.message.encode()[:MAX_REASON].decode(errors="ignore")


class Refused(Exception):
    """What the browser sent is the end of its socket; `close_reason` says why."""

    def __init__(self, close_reason: CloseReason) -> None:
        super().__init__(close_reason.message)
        self.close_reason = close_reason


class ConversationEnded(Exception):
    """One side of a conversation ended; `close_reason` is for the browser, None where that is gone."""

    def __init__(self, close_reason: CloseReason | None) -> None:
        super().__init__()
        self.close_reason = close_reason


DONE = CloseReason(1000, "")


def bad_message(message: str, field: str = "") -> Refused:
    return Refused(CloseReason(4400, message, "BAD_MESSAGE", field))


def no_message(message: str) -> Refused:
    """The frame is of the wrong kind for the dialect."""
    return Refused(CloseReason(1008, message, "BAD_MESSAGE"))


def close_reason_of(failure: CallFailed) -> CloseReason:
    """The end of the call behind, as the browser is told it. A server that was killed is away, whatever gRPC
    calls it."""
    reason = failure.details.reason
    otherwise = 4503 if is_lost_line(failure) else 1011
    code = _REASONS.get(reason, _CODES.get(failure.code, otherwise))
    field = next(iter(failure.details.fields), "")
    return CloseReason(code, str(failure), reason or failure.code.name, field)
