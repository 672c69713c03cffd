"""The trace that a request or a call belongs to, by the headers of the W3C's Trace Context: found, and passed
on. gRPC metadata has the same names (`core/trace_context.py` says how they are read).

A file of its own: the gateway and the server behind it both go by this.
"""

from collections.abc import Iterable

from ..core.trace_context import TraceContext, read_traceparent

PARENT, STATE = "traceparent", "tracestate"


def trace_of(headers: Iterable[tuple[str, str | bytes]] | None) -> TraceContext | None:
    """`headers`: all of them, their names in lower case. None: they name no trace that can be read."""
    found = list(headers or ())
    parents = [str(value) for key, value in found if key == PARENT]
    states = [str(value) for key, value in found if key == STATE]
    return read_traceparent(parents[0], ",".join(states)) if len(parents) == 1 else None


def trace_headers(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those of `headers` that say the trace, for the next server: as they came, since who passes a call on
    is no part of the trace (§4.3). None where they cannot be read."""
    found = list(headers)
    if (trace := trace_of(found)) is None:
        return ()
    parent = next(value.strip() for key, value in found if key == PARENT)
    return ((PARENT, parent), *(((STATE, trace.state),) if trace.state else ()))
