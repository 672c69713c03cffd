"""Server-sent events: read as the standard says, wherever the network cuts them, and bounded."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.engines.http.sse import MOST_CHARACTERS, EventReader, ServerSentEvent, events_of


def pieces(whole: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def events(*chunks: bytes) -> list[ServerSentEvent]:
    reader = EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)] + list(reader.flush())


STREAM = (
    '\ufeff: a comment\r\n\r\ndata: {"a": "é—🙂"}\r\n\r\n'
    "event: error\rdata:one\rdata: two\r\r"
    "data: three\r\ndata: four\r\n\r\n"
    ":\n\nid: 7\nretry: 10\nunknown: x\n\ndata\n\ndata: [DONE]\n\n"
    "data: no end"
)
EVENTS = [
    ServerSentEvent("", '{"a": "é—🙂"}'),
    ServerSentEvent("error", "one\ntwo"),
    ServerSentEvent("", "three\nfour"),
    ServerSentEvent("", ""),
    ServerSentEvent("", "[DONE]"),
    ServerSentEvent("", "no end"),
]


def test_a_stream_is_read_as_the_standard_says() -> None:
    assert events(STREAM.encode()) == EVENTS


@given(st.lists(st.integers(0, 500), max_size=30))
def test_it_does_not_matter_where_a_stream_is_cut(cuts: list[int]) -> None:
    assert events(*pieces(STREAM.encode(), cuts)) == EVENTS


def test_a_stream_may_come_byte_by_byte() -> None:
    assert events(*(bytes([byte]) for byte in STREAM.encode())) == EVENTS


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_an_event_is_given_as_soon_as_it_is_whole(end: str) -> None:
    reader = EventReader()
    assert list(reader.feed(f"data: one{end}{end}".encode())) == [ServerSentEvent("", "one")]
    assert list(reader.feed(f"data: two{end}".encode())) == []
    assert list(reader.feed(end.encode())) == [ServerSentEvent("", "two")]


def test_bytes_that_are_no_text_do_not_stop_the_stream() -> None:
    assert events(b"data: a\xff\xfeb\n\n", b"data: c\n\n")[1] == ServerSentEvent("", "c")


@pytest.mark.parametrize("filler", [b"x", b"data: x\n", b"data\n"])
def test_an_event_without_an_end_is_given_up(filler: bytes) -> None:
    with pytest.raises(ValueError, match="without an end"):
        events(*[b"data: " + filler * (MOST_CHARACTERS // 32)] * 64)


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_events_may_be_cut_anywhere(size: int) -> None:
    text = "\ufeff: a\r\ndata: é\r\ndata: \U0001f642\r\revent: x\ndata:  y\nid: 1\n\ndata: end"
    raw, reader = text.encode(), EventReader()
    found = [event for at in range(0, len(raw), size) for event in reader.feed(raw[at : at + size])]
    assert found == [ServerSentEvent("", "é\n\U0001f642"), ServerSentEvent("x", " y")]
    assert list(reader.flush()) == [ServerSentEvent("", "end")]
    assert events_of(raw) == [*found, ServerSentEvent("", "end")]


@pytest.mark.parametrize(("data", "is_done"), [("[DONE]", True), (" [DONE] ", True), ("DONE", False)])
def test_the_last_event_is_known(data: str, is_done: bool) -> None:
    assert ServerSentEvent("", data).is_done is is_done
