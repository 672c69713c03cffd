"""The other side of the call: one Converse stream (`call`), the channel it runs on (`connection`), and what
comes back on a stream (`responses`)."""

from .call import Call
from .connection import (
    CONNECT_WITHIN,
    DEFAULT_PORT,
    NO_ACCESS,
    NO_DETAILS,
    Access,
    CallFailed,
    FailureDetails,
    connect,
    failures,
    reach,
    silent_when_ended,
)
from .responses import Responses

__all__ = [
    "CONNECT_WITHIN",
    "DEFAULT_PORT",
    "NO_ACCESS",
    "NO_DETAILS",
    "Access",
    "Call",
    "CallFailed",
    "FailureDetails",
    "Responses",
    "connect",
    "failures",
    "reach",
    "silent_when_ended",
]
