"""`traceparent` as the W3C has it, and the traces of turns."""

import pytest

from voice_grpc.core.trace_context import MAX_STATE, TraceContext, read_traceparent

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f" 00-{TRACE}-{SPAN}-00 ", False),
        (f"cc-{TRACE}-{SPAN}-03-more", True),
    ],
)
def test_one_that_is_right_is_read(text: str, is_sampled: bool) -> None:
    assert read_traceparent(text, "a=1") == TraceContext(TRACE, SPAN, is_sampled, "a=1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-zz",
    ],
)
def test_one_that_is_wrong_is_none(text: str) -> None:
    assert read_traceparent(text) is None


def test_a_state_that_is_too_long_is_left_out() -> None:
    read = read_traceparent(f"00-{TRACE}-{SPAN}-01", "a" * (MAX_STATE + 1))
    assert read is not None
    assert read.state == ""


def test_turns_are_in_the_callers_trace_or_in_one_each() -> None:
    assert TraceContext(TRACE, SPAN).of_turn(7) == TRACE
    own = TraceContext(TRACE)
    ids = {own.of_turn(turn) for turn in range(100)}
    assert len(ids) == 100
    assert all(len(id) == 32 and int(id, 16) for id in ids)
    assert own.of_turn(1) == TraceContext(TRACE).of_turn(1)
