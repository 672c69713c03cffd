"""The headers of a trace, found among others and passed on as they came."""

import pytest

from voice_grpc.core.trace_context import MAX_STATE
from voice_grpc.net.trace_headers import trace_headers, trace_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"


def test_they_are_passed_on_as_they_came() -> None:
    later = f"cc-{TRACE}-{SPAN}-03-more"
    assert trace_headers([("host", "a"), ("traceparent", f" {later} ")]) == (("traceparent", later),)
    given = [("tracestate", "a=1, b=2"), ("traceparent", PARENT), ("tracestate", "c@d=3")]
    assert trace_headers(given) == (("traceparent", PARENT), ("tracestate", "a=1,b=2,c@d=3"))


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("tracestate", "a=1")],
        [("traceparent", "none")],
        [("traceparent", PARENT), ("traceparent", PARENT)],
        [("traceparent", f"cc-{TRACE}-{SPAN}-01-{'a' * 1_000}")],
        [("traceparent", f"cc-{TRACE}-{SPAN}-01-\u00e4\n")],
    ],
)
def test_a_trace_that_cannot_be_read_is_none(headers: list[tuple[str, str | bytes]]) -> None:
    assert trace_of(headers) is None
    assert trace_headers([(key, str(value)) for key, value in headers]) == ()


@pytest.mark.parametrize(
    "state",
    [
        "",
        "my secret garden",
        "a=1,a=2",
        "a=\u00e4",
        "a=",
        "a=" * MAX_STATE,
        ",".join(f"a{n}=1" for n in range(33)),
    ],
)
def test_a_state_that_cannot_be_read_costs_no_trace(state: str) -> None:
    assert trace_headers([("traceparent", PARENT), ("tracestate", state)]) == (("traceparent", PARENT),)
