"""The calls of any server, put together out of the pieces in which they come."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.openai.response import StreamedCalls
from voice_grpc.ports import CallRequest

# ---------------------------------------------------------------- calls


def call(deltas: Iterable[object]) -> list[CallRequest]:
    calls = StreamedCalls()
    for delta in deltas:
        calls.add(delta)
    return list(calls.requests("model", ("weather", "clock")))


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


@pytest.mark.parametrize(
    "written",
    [
        "weather<|channel|>commentary",
        "weather<|constrain|>json",
        "<|start|>weather",
        "functions.weather",
        "default_api.weather",
        "weather<|im_end|>",
        "weather</s>",
        "weather[ARGS]",
        " weather:0",
    ],
)
def test_marks_of_a_template_are_no_part_of_a_name(written: str) -> None:
    assert call([[piece(0, written, '{"city": "Oslo"}', "c1")]]) == [WEATHER]


@pytest.mark.parametrize(
    "arguments",
    [
        '{"city": "Oslo"}<|im_end|>',
        '<|message|>{"city": "Oslo"}<|call|>',
        '{"city": "Oslo<|im_end|>"}',
        '{"city": "Oslo"}</tool_call>',
        '{"city": "Oslo"}\n```',
        '"{\\"city\\": \\"Oslo\\"}"',
        {"city": "Oslo<|eot_id|>"},
        {"city": "Oslo</s>"},
    ],
)
def test_marks_of_a_template_are_no_part_of_the_arguments(arguments: object) -> None:
    assert call([[piece(0, "weather", arguments, "c1")]]) == [WEATHER]


def test_what_only_looks_like_a_mark_stays_in_the_arguments() -> None:
    written = {"html": "<s>old</s> <b>new</b>", "rule": "a < b | c > d", "list": ["[x]", 1, None, True]}
    (found,) = call([[piece(0, "weather", written, "c1")]])
    assert found.arguments == written


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
