"""The other side of the call: one conversation (`call`), the streams it runs on one after the other
(`resumable_stream`) and what it takes to go on with it (`resumption`), the channel (`connection`), what comes
back on a stream (`responses`), and how its answers are played (`jitter_buffer`)."""

from ..core.playout.volume import Volume
from .call import RECONNECT_WITHIN, Call
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
from .departure import LEAVING
from .jitter_buffer import BufferEar, JitterBuffer, JitterBufferSettings
from .responses import Responses
from .resumable_stream import LineEvent, ListeningEar, Reconnecting, Restarted, ResumableStream, Resumed
from .resumption import Resumption
from .retries import ReconnectSettings, is_lost_line

__all__ = [
    "CONNECT_WITHIN",
    "DEFAULT_PORT",
    "LEAVING",
    "NO_ACCESS",
    "NO_DETAILS",
    "RECONNECT_WITHIN",
    "Access",
    "BufferEar",
    "Call",
    "CallFailed",
    "ListeningEar",
    "FailureDetails",
    "JitterBuffer",
    "JitterBufferSettings",
    "LineEvent",
    "ReconnectSettings",
    "Reconnecting",
    "Responses",
    "Restarted",
    "ResumableStream",
    "Resumed",
    "Resumption",
    "Volume",
    "connect",
    "failures",
    "is_lost_line",
    "reach",
    "silent_when_ended",
]
