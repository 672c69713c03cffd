"""The other side of the call: one Converse stream (`call`), the channel it runs on (`connection`), what
comes back on a stream (`responses`), and how its answers are played (`jitter_buffer`)."""

from ..core.playout.volume import Volume
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
from .jitter_buffer import JitterBuffer, JitterBufferSettings
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
    "JitterBuffer",
    "JitterBufferSettings",
    "Responses",
    "Volume",
    "connect",
    "failures",
    "reach",
    "silent_when_ended",
]
