"""What models of Gemini's API write that is not said; how answers and refusals may end."""

import json
from dataclasses import replace

import pytest
from google.genai.errors import APIError

from tests.fakes.gemini import GeminiReply
from voice_grpc.core.errors import EngineError, EngineUnreachable
from voice_grpc.core.tools import ToolDeclaration
from voice_grpc.engines.gemini.errors import engine_error
from voice_grpc.ports import CallRequest, LlmItem, Usage

from .test_llm import HELLO, ask, gemini, keep, text


@pytest.mark.parametrize("words", ["", "Well, then"])
async def test_a_stream_that_ends_without_saying_so_broke_off(words: str) -> None:
    part = {"candidates": [{"content": {"role": "model", "parts": [{"text": words}]}}]}
    raw = f"data: {json.dumps(part)}\n\n".encode()
    async with gemini(GeminiReply(raw=raw)) as (llm, _):
        items: list[LlmItem] = []
        with pytest.raises(EngineUnreachable, match="broke off"):
            await keep(llm.stream(HELLO), items)
        assert text(items) == words, "what was said stays"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("<think>They ask.</think>Yes.", "Yes."),
        ("Yes.<end_of_turn>\n<start_of_turn>user No.", "Yes."),
        ("◁think▷hm◁/think▷ Yes.<eos>", "Yes."),
    ],
)
async def test_what_other_models_of_the_same_api_write_is_not_said(written: str, said: str) -> None:
    async with gemini(GeminiReply(written)) as (llm, _):
        assert text(await ask(llm)) == said


@pytest.mark.parametrize(
    "written",
    [
        '```tool_code\nprint(default_api.weather(city="Oslo"))\n```',
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>',
    ],
)
async def test_code_that_calls_is_a_call(written: str) -> None:
    prompt = replace(HELLO, tools=(ToolDeclaration("weather", "The weather.", {}),))
    async with gemini(GeminiReply(written)) as (llm, _):
        items = await ask(llm, prompt)
    assert [item for item in items if not isinstance(item, Usage)] == [
        CallRequest("weather", {"city": "Oslo"})
    ]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"code": 429, "details": [{"@type": "t/google.rpc.RetryInfo", "retryDelay": "1.2s"}]}, 1.2),
        ({"code": 429, "message": "You exceeded your current quota. Please retry in 2.5s."}, 2.5),
        ({"code": 429}, 1.0),
        ({"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}, 0.5),
        (
            {"code": 429, "details": [{"retryDelay": "9s", "violations": [{"quotaId": "RequestsPerDay"}]}]},
            None,
        ),
        ({"code": 400, "message": "bad"}, None),
    ],
)
def test_a_refusal_that_passes_says_when(error: dict[str, object], expected: float | None) -> None:
    code = error["code"]
    assert isinstance(code, int)
    assert engine_error(APIError(code, {"error": error}), "m").retry_after == expected


@pytest.mark.parametrize(
    ("finish", "expected"), [("MALFORMED_FUNCTION_CALL", 0.0), ("STOP", 0.0), ("SAFETY", None)]
)
async def test_an_answer_that_came_to_nothing_says_whether_that_passes(
    finish: str, expected: float | None
) -> None:
    async with gemini(GeminiReply("", finish=finish)) as (llm, _):
        with pytest.raises(EngineError) as caught:
            await ask(llm)
    assert caught.value.retry_after == expected
