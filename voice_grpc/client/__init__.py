"""The other side of the call: one Converse stream (`call`), the channel it runs on (`connection`), and how
its answers are played (`jitter_buffer`)."""

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
    next_message,
    reach,
    silent_when_ended,
)
from .jitter_buffer import JitterBuffer, JitterBufferSettings
from .volume import Volume

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
    "JitterBuffer",
    "JitterBufferSettings",
    "Volume",
    "connect",
    "failures",
    "next_message",
    "reach",
    "silent_when_ended",
]
