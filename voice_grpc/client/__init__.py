"""The other side of the call: one Converse stream (`call`), and the channel it runs on (`connection`)."""

from .call import Call
from .connection import (
    CONNECT_WITHIN,
    DEFAULT_PORT,
    NO_ACCESS,
    NO_DETAILS,
    Access,
    CallFailed,
    Ending,
    FailureDetails,
    connect,
    failures,
    reach,
    silent_when_ended,
)

__all__ = [
    "CONNECT_WITHIN",
    "DEFAULT_PORT",
    "NO_ACCESS",
    "NO_DETAILS",
    "Access",
    "Call",
    "CallFailed",
    "Ending",
    "FailureDetails",
    "connect",
    "failures",
    "reach",
    "silent_when_ended",
]
