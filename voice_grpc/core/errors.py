"""Everything that can go wrong, by whose fault it is.

    VoiceError
    ├── CallerError         the caller sent something wrong; names field, value and what is accepted
    │   ├── BadField        refuses the call (INVALID_ARGUMENT)
    │   ├── BadState        right in itself, wrong now (FAILED_PRECONDITION)
    │   └── Skipped         the message is skipped and the stream lives (a Notice)
    ├── SsmlError           a document breaks a rule of SSML; whoever knows its field makes it a BadField
    ├── AccessError         who the caller is
    │   ├── Unauthenticated no or bad credentials
    │   ├── Forbidden       known, but this is somebody else's
    │   └── NotFound        no such session
    ├── EngineError         a model or a vendor failed; costs one turn
    │   ├── EngineTimeout   it did not answer in time
    │   ├── EngineEmpty     it answered with nothing
    │   ├── EngineMissing   it is not installed or not configured; says what to do
    │   ├── EngineDenied    the vendor refused the credentials, the project or the region
    │   ├── EngineQuota     the vendor's quota or rate limit is used up
    │   ├── AllowanceUsed   what this caller may have engines do is used up
    │   ├── EngineBlocked   the vendor's safety rules stopped the request or the answer
    │   └── EngineUnreachable  no connection, or it broke
    ├── OperatorError       what the operator set is wrong; the command ends before anybody can call it
    │   ├── PersonaError    a personas file is wrong
    │   └── UsageError      the command line or `.env` cannot be read
    └── ServerError         ours to say
        ├── ServerFull      no room for another session
        ├── CallerLimit     this caller has as much as one may have
        ├── SlowClient      the client reads too slowly
        ├── ClientGone      the client hung up, or its connection broke
        ├── Superseded      the session was opened elsewhere
        ├── Draining        the server goes away
        ├── NotReady        its models are still loading
        └── StoreError      conversations cannot be kept

Each class says its `reason`, which subclasses share unless they have one of their own; a status and a Notice
tell it alike. `rpc/status.py` maps each that a caller can meet to one gRPC status.
"""

import math
from enum import StrEnum
from typing import ClassVar, TypeVar


class Reason(StrEnum):
    """What happened, for programs: `Notice.reason`, and `ErrorInfo.reason` of a status.

    The proto lists them, at its head and at `Notice.reason`. More may come; none is ever renamed.
    """

    BAD_FIELD = "BAD_FIELD"
    BAD_STATE = "BAD_STATE"
    BAD_MESSAGE = "BAD_MESSAGE"
    NOT_AVAILABLE = "NOT_AVAILABLE"
    TOO_MANY = "TOO_MANY"
    VOICE_LANGUAGE = "VOICE_LANGUAGE"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    ENGINE_ERROR = "ENGINE_ERROR"
    ENGINE_TIMEOUT = "ENGINE_TIMEOUT"
    ENGINE_EMPTY = "ENGINE_EMPTY"
    ENGINE_MISSING = "ENGINE_MISSING"
    ENGINE_DENIED = "ENGINE_DENIED"
    ENGINE_QUOTA = "ENGINE_QUOTA"
    ENGINE_BLOCKED = "ENGINE_BLOCKED"
    ENGINE_UNREACHABLE = "ENGINE_UNREACHABLE"
    ENGINE_FALLBACK = "ENGINE_FALLBACK"
    TURN_DEADLINE = "TURN_DEADLINE"
    TURN_LIMIT = "TURN_LIMIT"
    SPECULATION_OFF = "SPECULATION_OFF"
    INPUT_DROPPED = "INPUT_DROPPED"
    RECORDING_STOPPED = "RECORDING_STOPPED"
    SERVER_FULL = "SERVER_FULL"
    CALLER_LIMIT = "CALLER_LIMIT"
    SLOW_CLIENT = "SLOW_CLIENT"
    SUPERSEDED = "SUPERSEDED"
    DRAINING = "DRAINING"
    NOT_READY = "NOT_READY"
    STORE_ERROR = "STORE_ERROR"
    INTERNAL = "INTERNAL"
    BUG = "BUG"


SHOWN = 80
"""Characters of a value in an error: enough to know it again. A status is told in the trailers of a call, of
which clients read 8 KiB and refuse more; then nothing of it is told."""


def shown(value: object) -> str:
    """`value` as an error tells it: written as in Python, at most `SHOWN` characters."""
    written = repr(value[:SHOWN] if isinstance(value, str | bytes) else value)
    return written if len(written) <= SHOWN else f"{written[: SHOWN - 3]}..."


class VoiceError(Exception):
    """The root: whoever catches it catches all of ours."""

    reason: ClassVar[Reason] = Reason.INTERNAL


class CallerError(VoiceError):
    """`field` is the path in the request, as the proto spells it."""

    def __init__(self, field: str, value: object, accepted: str) -> None:
        super().__init__(f"{field}: got {shown(value)}, accepted: {accepted}")
        self.field = field
        self.value = value
        self.accepted = accepted


class BadField(CallerError):
    reason = Reason.BAD_FIELD


class BadState(CallerError):
    reason = Reason.BAD_STATE


class Skipped(CallerError):
    reason = Reason.BAD_MESSAGE


class SsmlError(VoiceError):
    """`place` is where in the document, with what leads up to `got`; empty: nowhere in particular."""

    def __init__(self, place: str, got: str, accepted: str) -> None:
        super().__init__(f"{place}got {got}, accepted: {accepted}")
        self.place, self.got, self.accepted = place, got, accepted


class AccessError(VoiceError):
    pass


class Unauthenticated(AccessError):
    reason = Reason.UNAUTHENTICATED


class Forbidden(AccessError):
    reason = Reason.FORBIDDEN


class NotFound(AccessError):
    reason = Reason.NOT_FOUND


class EngineError(VoiceError):
    """`stage` is "vad", "stt", "llm" or "tts"; `retryable` says whether the next turn may go well.

    `retry_after`: seconds after which the same request may go well, where the failure says of itself that it
    passes; None: it does not say so. The message is for everybody and holds no secret; `advice` is what the
    operator should do.
    """

    reason = Reason.ENGINE_ERROR
    advice = ""
    retry_after: float | None = None

    def __init__(
        self,
        stage: str,
        message: str,
        *,
        retryable: bool = True,
        advice: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.stage = stage
        self.retryable = retryable
        self.advice = advice or type(self).advice
        self.retry_after = type(self).retry_after if retry_after is None else retry_after


class EngineTimeout(EngineError):
    reason = Reason.ENGINE_TIMEOUT
    advice = "see whether the service is slow for others too; a fallback engine takes over meanwhile"


class EngineEmpty(EngineError):
    """A model that gave nothing may well give something when it is asked again at once."""

    reason = Reason.ENGINE_EMPTY
    retry_after = 0.0


class EngineMissing(EngineError):
    reason = Reason.ENGINE_MISSING

    def __init__(self, stage: str, message: str, *, advice: str = "") -> None:
        super().__init__(stage, message, retryable=False, advice=advice)


class EngineDenied(EngineError):
    reason = Reason.ENGINE_DENIED
    advice = "check the credentials, and what they are allowed to use"

    def __init__(self, stage: str, message: str, *, advice: str = "") -> None:
        super().__init__(stage, message, retryable=False, advice=advice)


class EngineQuota(EngineError):
    reason = Reason.ENGINE_QUOTA
    advice = "raise the vendor's quota, or spread the load"


class AllowanceUsed(EngineError):
    """No engine failed: it is not asked, since this caller has used what it may."""

    reason = Reason.CALLER_LIMIT

    def __init__(self, stage: str, limit: "CallerLimit") -> None:
        super().__init__(stage, str(limit), retry_after=limit.retry_after)
        self.limit = limit


class EngineBlocked(EngineError):
    reason = Reason.ENGINE_BLOCKED


class EngineUnreachable(EngineError):
    reason = Reason.ENGINE_UNREACHABLE
    advice = "check the address, the network and whether the server runs"


class ServerError(VoiceError):
    pass


class ServerFull(ServerError):
    reason = Reason.SERVER_FULL


class CallerLimit(ServerError):
    """`limit` is what there is a limit of, such as "streams at once", and `value` how much of it.

    `retry_after`: seconds until the same may go well; None: when something of the caller's own ends.
    """

    reason = Reason.CALLER_LIMIT

    def __init__(self, caller: str, limit: str, value: int, retry_after: float | None = None) -> None:
        when = f"; again in {math.ceil(retry_after)} s" if retry_after is not None else ""
        super().__init__(f"{limit}: {value} for one caller, and all are used{when}")
        self.caller, self.limit, self.value = caller, limit, value
        self.retry_after = retry_after


class SlowClient(ServerError):
    reason = Reason.SLOW_CLIENT


class ClientGone(ServerError):
    pass


class Superseded(ServerError):
    reason = Reason.SUPERSEDED


class Draining(ServerError):
    """`retry_after`: seconds until the same may go well; None: nobody knows. A conversation that has to leave
    goes on at once: elsewhere, or on the next line."""

    reason = Reason.DRAINING

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotReady(ServerError):
    reason = Reason.NOT_READY


class StoreError(ServerError):
    """The sessions' file cannot be used; the message names it and says what to do."""

    reason = Reason.STORE_ERROR


class OperatorError(VoiceError):
    pass


class UsageError(OperatorError):
    """The command line or `.env` cannot be read."""


class PersonaError(OperatorError):
    """The file, table and key that are wrong, the value, and what is accepted."""

    def __init__(self, path: object, place: str, value: object, accepted: str) -> None:
        super().__init__(f"{path}: {place}: got {shown(value)}, accepted: {accepted}")


E = TypeVar("E", bound=Exception)


def first(group: BaseExceptionGroup[E]) -> E:
    """One that made the group fail; the others came of it, or came too late."""
    error: BaseExceptionGroup[E] | E = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
