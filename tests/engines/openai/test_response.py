"""The stream of any server, cut anywhere: events, thoughts and calls out of their pieces."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.http.sse import MOST_CHARACTERS, Event, EventReader
from voice_grpc.engines.openai.response import ThoughtFilter, ToolCalls
from voice_grpc.ports import CallRequest


def pieces(whole: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(cut % (len(whole) + 1) for cut in cuts), len(whole)]
    return [whole[start:end] for start, end in zip(edges, edges[1:], strict=False)]


def events(*chunks: bytes) -> list[Event]:
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
    Event("", '{"a": "é—🙂"}'),
    Event("error", "one\ntwo"),
    Event("", "three\nfour"),
    Event("", ""),
    Event("", "[DONE]"),
    Event("", "no end"),
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
    assert list(reader.feed(f"data: one{end}{end}".encode())) == [Event("", "one")]
    assert list(reader.feed(f"data: two{end}".encode())) == []
    assert list(reader.feed(end.encode())) == [Event("", "two")]


def test_bytes_that_are_no_text_do_not_stop_the_stream() -> None:
    assert events(b"data: a\xff\xfeb\n\n", b"data: c\n\n")[1] == Event("", "c")


@pytest.mark.parametrize("filler", [b"x", b"data: x\n"])
def test_an_event_without_an_end_is_given_up(filler: bytes) -> None:
    with pytest.raises(ValueError, match="without an end"):
        events(*[b"data: " + filler * (MOST_CHARACTERS // 32)] * 64)


# ---------------------------------------------------------------- thoughts


def said(*texts: str, begins_inside: bool = False) -> str:
    thoughts = ThoughtFilter(begins_inside=begins_inside)
    return "".join(thoughts.feed(text) for text in texts) + thoughts.flush()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>The user</think>Yes.", "Yes."),
        ("<think>\n\n</think>\n\nYes.", "\n\nYes."),
        ("<THINK>a</THINK>Yes.", "Yes."),
        ("<thinking>a</thinking>Yes.<thought>b</thought> No.", "Yes. No."),
        ("One <think>two</think> three", "One  three"),
        ("<think>never closed", ""),
        ("<think>a < b </thin k></think>Yes.", "Yes."),
        ("a < b and <b>bold</b> <thin>", "a < b and <b>bold</b> <thin>"),
        ("1 <", "1 <"),
        ("ends in <thi", "ends in <thi"),
        ("no thoughts", "no thoughts"),
    ],
)
def test_thoughts_are_taken_out_wherever_they_are_cut(text: str, expected: str) -> None:
    assert said(text) == expected
    assert said(*text) == expected
    assert all(said(text[:cut], text[cut:]) == expected for cut in range(len(text)))


def test_nothing_is_held_back_that_cannot_become_a_tag() -> None:
    thoughts = ThoughtFilter()
    assert thoughts.feed("Hello <") == "Hello "
    assert thoughts.feed("b>") == "<b>"
    assert not thoughts.has_thought


def test_thoughts_that_the_template_opened_are_known_by_their_end() -> None:
    thoughts = ThoughtFilter()
    assert thoughts.feed("The user wants. </think>Yes.") == "The user wants. Yes."
    assert thoughts.was_not_opened
    assert said("The user", " wants. </thi", "nk>Yes.", begins_inside=True) == "Yes."


# ---------------------------------------------------------------- calls


def call(deltas: Iterable[object]) -> list[CallRequest]:
    calls = ToolCalls()
    for delta in deltas:
        calls.add(delta)
    return list(calls.requests("model"))


def piece(index: int | None, name: str = "", arguments: object = "", id_: str = "") -> dict[str, object]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    found: dict[str, object] = {"function": function} | ({"id": id_} if id_ else {})
    return found if index is None else found | {"index": index}


WEATHER, CLOCK = CallRequest("weather", {"city": "Oslo"}, "c1"), CallRequest("clock", {}, "c2")


@pytest.mark.parametrize(
    "deltas",
    [
        pytest.param(
            [
                [piece(0, "weather", "", "c1")],
                [piece(0, arguments='{"ci')],
                [piece(0, arguments='ty": "Oslo"}')],
                [piece(1, "clock", "", "c2")],
                [piece(1, arguments="{}")],
            ],
            id="one after the other",
        ),
        pytest.param(
            [
                [piece(0, "weather", "", "c1"), piece(1, "clock", "", "c2")],
                [piece(1, arguments="{"), piece(0, arguments='{"city": ')],
                [piece(0, arguments='"Oslo"}'), piece(1, arguments="}")],
            ],
            id="mixed",
        ),
        pytest.param(
            [[piece(0, "weather", '{"city": "Oslo"}', "c1"), piece(1, "clock", "", "c2")]], id="whole"
        ),
        pytest.param(
            [[piece(0, "weather", '{"city": "Oslo"}', "c1")], [piece(0, "clock", "{}", "c2")]],
            id="whole, all with index 0",
        ),
        pytest.param(
            [
                [piece(None, "weather", '{"city":', "c1")],
                [piece(None, arguments='"Oslo"}')],
                [piece(None, "clock", "", "c2")],
            ],
            id="without an index",
        ),
        pytest.param(
            [
                [piece(0, "weather", '{"city":', "c1")],
                [piece(0, "weather", '"Oslo"}', "c1")],
                [piece(1, "clock", None, "c2")],
            ],
            id="name and id again and again",
        ),
        pytest.param(
            [[piece(0, "weather", {"city": "Oslo"}, "c1")], [piece(1, "clock", {}, "c2")]],
            id="arguments as an object",
        ),
        pytest.param(
            [
                [piece(0, "weather", '{"city":"Oslo"}', "c1")],
                "nonsense",
                [None],
                [piece(1, "clock", "null", "c2")],
            ],
            id="beside nonsense",
        ),
    ],
)
def test_calls_are_put_together(deltas: list[object]) -> None:
    assert call(deltas) == [WEATHER, CLOCK]


def test_calls_without_ids_and_without_an_index_are_told_apart_by_their_names() -> None:
    found = call([[piece(None, "weather", '{"city": "Oslo"}')], [piece(None, "clock", "{}")]])
    assert [(each.name, each.id) for each in found] == [("weather", ""), ("clock", "")]


@pytest.mark.parametrize("arguments", ['{"city": ', "Oslo", "[1]", '"x"', "3", '{"a": NaN}', "[" * 100_000])
def test_arguments_that_are_no_json_object_are_an_error(arguments: str) -> None:
    with pytest.raises(EngineError, match="called weather with arguments"):
        call([[piece(0, "weather", arguments)]])


def test_a_call_without_a_name_is_an_error() -> None:
    with pytest.raises(EngineError, match="without a name"):
        call([[piece(0, "", "{}", "c1")]])


@given(st.lists(st.integers(0, 100), max_size=12))
def test_it_does_not_matter_where_arguments_are_cut(cuts: list[int]) -> None:
    written = json.dumps({"city": "Århus", "days": [1, 2]}, ensure_ascii=False)
    edges = [0, *sorted(cut % len(written) for cut in cuts), len(written)]
    first, *rest = [written[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    deltas = [[piece(0, "weather", first, "c1")], *([piece(0, arguments=text)] for text in rest)]
    assert call(deltas) == [CallRequest("weather", json.loads(written), "c1")]
