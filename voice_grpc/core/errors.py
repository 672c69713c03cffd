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
    │   ├── EngineBlocked   the vendor's safety rules stopped the request or the answer
    │   └── EngineUnreachable  no connection, or it broke
    ├── OperatorError       what the operator set is wrong; the command ends before anybody can call it
    │   ├── PersonaError    a personas file is wrong
    │   └── UsageError      the command line or `.env` cannot be read
    └── ServerError         ours to say
        ├── ServerFull      no room for another session
        ├── SlowClient      the client reads too slowly
        ├── ClientGone      the client hung up, or its connection broke
        ├── Superseded      the session was opened elsewhere
        ├── Draining        the server goes away
        ├── NotReady        its models are still loading
        └── StoreError      conversations cannot be kept

`rpc/status.py` maps each that a caller can meet to one gRPC status.
"""

from typing import TypeVar


class VoiceError(Exception):
    """The root: whoever catches it catches all of ours."""


class CallerError(VoiceError):
    """`field` is the path in the request, as the proto spells it."""

    def __init__(self, field: str, value: object, accepted: str) -> None:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        super().__init__(f"{field}: got {shown}, accepted: {accepted}")
        self.field = field
        self.value = value
        self.accepted = accepted


class BadField(CallerError):
    pass


class BadState(CallerError):
    pass


class Skipped(CallerError):
    pass


class SsmlError(VoiceError):
    """`place` is where in the document, with what leads up to `got`; empty: nowhere in particular."""

    def __init__(self, place: str, got: str, accepted: str) -> None:
        super().__init__(f"{place}got {got}, accepted: {accepted}")
        self.place, self.got, self.accepted = place, got, accepted


class AccessError(VoiceError):
    pass


class Unauthenticated(AccessError):
    pass


class Forbidden(AccessError):
    pass


class NotFound(AccessError):
    pass


class EngineError(VoiceError):
    """`stage` is "vad", "stt", "llm" or "tts"; `retryable` says whether the next turn may go well.

    The message is for everybody and holds no secret; `advice` is what the operator should do.
    """

    advice = ""

    def __init__(self, stage: str, message: str, *, retryable: bool = True, advice: str = "") -> None:
        super().__init__(message)
        self.stage = stage
        self.retryable = retryable
        self.advice = advice or type(self).advice


class EngineTimeout(EngineError):
    advice = "see whether the service is slow for others too; a fallback engine takes over meanwhile"


class EngineEmpty(EngineError):
    pass


class EngineMissing(EngineError):
    def __init__(self, stage: str, message: str, *, advice: str = "") -> None:
        super().__init__(stage, message, retryable=False, advice=advice)


class EngineDenied(EngineError):
    advice = "check the credentials, and what they are allowed to use"

    def __init__(self, stage: str, message: str, *, advice: str = "") -> None:
        super().__init__(stage, message, retryable=False, advice=advice)


class EngineQuota(EngineError):
    advice = "raise the vendor's quota, or spread the load"


class EngineBlocked(EngineError):
    pass


class EngineUnreachable(EngineError):
    advice = "check the address, the network and whether the server runs"


class ServerError(VoiceError):
    pass


class ServerFull(ServerError):
    pass


class SlowClient(ServerError):
    pass


class ClientGone(ServerError):
    pass


class Superseded(ServerError):
    pass


class Draining(ServerError):
    pass


class NotReady(ServerError):
    pass


class StoreError(ServerError):
    """The sessions' file cannot be used; the message names it and says what to do."""


class OperatorError(VoiceError):
    pass


class UsageError(OperatorError):
    """The command line or `.env` cannot be read."""


class PersonaError(OperatorError):
    """The file, table and key that are wrong, the value, and what is accepted."""

    def __init__(self, path: object, place: str, value: object, accepted: str) -> None:
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        super().__init__(f"{path}: {place}: got {shown}, accepted: {accepted}")


E = TypeVar("E", bound=Exception)


def first(group: BaseExceptionGroup[E]) -> E:
    """One that made the group fail; the others came of it, or came too late."""
    error: BaseExceptionGroup[E] | E = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
