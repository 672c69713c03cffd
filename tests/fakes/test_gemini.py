"""The fake refuses what Gemini refuses."""

import json
from typing import Any

import httpx2
import pytest

from .gemini import KEY, FakeGemini, GeminiReply
from .gemini_rules import Json

PATH = "/v1/models/{model}:streamGenerateContent"
HELLO: Json = {"role": "user", "parts": [{"text": "Hello."}]}
CALL: Json = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]}
RESULT: Json = {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {}}}]}
MODEL_SAYS: Json = {"role": "model", "parts": [{"text": "Hello."}]}


async def post(
    body: object, path: str = PATH, model: str = "gemini-2.5-flash", **more: Any
) -> httpx2.Response:
    more = {"params": {"alt": "sse"}, "headers": {"x-goog-api-key": KEY}} | more
    async with FakeGemini() as fake, httpx2.AsyncClient(base_url=fake.url) as client:
        return await client.post(path.format(model=model), json=body, **more)


def declaring(**function: object) -> dict[str, object]:
    return {"contents": [HELLO], "tools": [{"function_declarations": [{"name": "f"} | function]}]}


def configured(**config: object) -> dict[str, object]:
    return {"contents": [HELLO], "generationConfig": config}


@pytest.mark.parametrize(
    ("body", "model", "message"),
    [
        ({}, "", "contents is not specified"),
        ({"contents": []}, "", "contents is not specified"),
        ({"contents": [HELLO | {"role": "assistant"}]}, "", "valid role"),
        ({"contents": [HELLO | {"parts": []}]}, "", "parts must not be empty"),
        ({"contents": [HELLO | {"parts": [{"text": ""}]}]}, "", "oneof field 'data'"),
        ({"contents": [MODEL_SAYS, HELLO]}, "", "first content"),
        ({"contents": [HELLO, MODEL_SAYS]}, "", "end with a user role"),
        ({"contents": [HELLO], "system": "x"}, "", 'Unknown name "system"'),
        ({"contents": [HELLO, RESULT]}, "", "immediately after a function call"),
        ({"contents": [HELLO, CALL, HELLO]}, "", "number of function response parts"),
        ({"contents": [HELLO, CALL, RESULT | {"parts": RESULT["parts"] * 2}]}, "", "number of function"),
        ({"contents": [HELLO, MODEL_SAYS, CALL, RESULT]}, "", "function call turn comes immediately"),
        ({"contents": [HELLO, CALL, RESULT]}, "gemini-3.5-flash-lite", "missing a thought_signature"),
        (configured(temperature=2.5), "", "temperature"),
        (configured(maxOutputTokens=0), "", "max_output_tokens"),
        (configured(max_tokens=5), "", "Unknown name"),
        (configured(thinkingConfig={"thinkingBudget": 0}), "gemini-2.5-pro", "thinking budget 0 is invalid"),
        (configured(thinkingConfig={"thinkingBudget": 0}), "gemini-3.5-flash-lite", "only works in thinking"),
        (configured(thinkingConfig={"thinkingLevel": "low"}), "gemini-2.5-flash", "not supported"),
        (
            configured(thinkingConfig={"thinkingLevel": "minimal"}),
            "gemini-3.8-flash",
            "THINKING_LEVEL_MINIMAL",
        ),
        (configured(thinkingConfig={"thinkingLevel": "minimal"}), "gemini-3-pro-preview", "unsupported"),
        (
            configured(thinkingConfig={"thinking_level": "low", "thinking_budget": 1}),
            "gemini-3.8-flash",
            "only one of",
        ),
        (declaring(name="9lives"), "", "Must start with a letter"),
        (declaring(name="a" * 65), "", "maximum length of 64"),
        (declaring(parametersJsonSchema={"type": "string"}), "", "type OBJECT"),
        (declaring(parameters={}, parametersJsonSchema={"type": "object"}), "", "mutually exclusive"),
        (
            {"contents": [HELLO], "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "f"}]}]},
            "",
            "Duplicate",
        ),
    ],
)
async def test_misuse_is_refused(body: object, model: str, message: str) -> None:
    answer = await post(body, model=model or "gemini-2.5-flash")
    assert answer.status_code == 400
    assert answer.json()["error"]["status"] == "INVALID_ARGUMENT"
    assert message in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"headers": {}}, 403),
        ({"headers": {"x-goog-api-key": "wrong"}}, 400),
        ({"params": {"alt": "sse", "key": KEY}}, 400),
        ({"params": {}}, 400),
        ({"path": "/v2/models/{model}:streamGenerateContent"}, 404),
        ({"path": "/v1/models/{model}:generateContent"}, 404),
        ({"model": "gpt-5"}, 404),
        ({"path": "/v1beta1/projects/p/locations/l/publishers/google/models/{model}:streamGenerateContent",
          "headers": {"authorization": "Bearer somebody"}}, 401),
    ],
)  # fmt: skip
async def test_the_wrong_door_is_shut(more: dict[str, Any], code: int) -> None:
    assert (await post({"contents": [HELLO]}, **more)).status_code == code


@pytest.mark.parametrize(
    "path", [PATH, "/v1beta/models/{model}:streamGenerateContent",
             "/v1beta1/publishers/google/models/{model}:streamGenerateContent",
             "/v1/projects/p/locations/l/publishers/google/models/{model}:streamGenerateContent"],
)  # fmt: skip
async def test_an_answer_is_events_and_ends_without_a_mark(path: str) -> None:
    answer = await post({"contents": [HELLO]}, path)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = answer.text.split("\r\n\r\n")
    assert events.pop() == ""
    assert all(event.startswith("data: {") for event in events)
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    words = "".join(chunk["candidates"][0]["content"]["parts"][0]["text"] for chunk in chunks)
    assert words == GeminiReply().text
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks][-2:] == [None, "STOP"]
    assert chunks[-1]["usageMetadata"]["candidatesTokenCount"] == len(chunks)


async def test_not_json_is_refused() -> None:
    async with FakeGemini() as fake, httpx2.AsyncClient(base_url=fake.url) as client:
        answer = await client.post(
            PATH.format(model="gemini-2.5-flash") + "?alt=sse",
            content=b"{",
            headers={"x-goog-api-key": KEY},
        )
    assert answer.status_code == 400
