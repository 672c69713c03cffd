"""Gemini's calls of tools and its thinking: what goes out, what comes back, and what a model refuses."""

import json
import logging
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.engines.gemini.test_llm import HELLO, WEATHER, ask, gemini, text
from tests.fakes.gemini import KEY, FakeGemini, GeminiCall, GeminiReply
from tests.fakes.gemini_rules import REFUSALS
from voice_grpc.core.conversation import Message, Role
from voice_grpc.core.errors import EngineDenied, EngineEmpty, EngineError, EngineMissing
from voice_grpc.core.tools import ToolDeclaration, ToolUse
from voice_grpc.engines.gemini.llm import GeminiLlm
from voice_grpc.ports import CallRequest, Prompt, TextDelta

PARIS, ROME = GeminiCall("weather", {"city": "Paris"}), GeminiCall("weather", {"city": "Rome"}, id="vendor-7")
ASKED = Prompt("", (Message(Role.USER, "Weather in Paris and Rome?", 1),), tools=(WEATHER,))


def step(*calls: CallRequest) -> Message:
    uses = tuple(
        ToolUse(
            f"call-1-{n}", call.name, json.dumps(call.arguments), '{"sky": "clear"}', call.id, call.signature
        )
        for n, call in enumerate(calls)
    )
    return Message(Role.TOOLS, "", 1, uses=uses)


async def test_calls_come_whole_after_the_words_and_are_answered() -> None:
    async with gemini(GeminiReply("One moment.", (PARIS, ROME)), GeminiReply("Both are clear.")) as (
        llm,
        fake,
    ):
        items = await ask(llm, ASKED)
        calls = [item for item in items if isinstance(item, CallRequest)]
        assert text(items) == "One moment."
        assert items.index(calls[0]) > items.index(TextDelta(" moment."))
        assert [(call.name, call.arguments, call.id) for call in calls] == [
            ("weather", {"city": "Paris"}, ""),
            ("weather", {"city": "Rome"}, "vendor-7"),
        ]
        assert calls[0].signature
        assert not calls[1].signature
        said = Message(Role.ASSISTANT, "One moment.", 1)
        after = Prompt("", (*ASKED.messages, said, step(*calls)), tools=(WEATHER,))
        assert text(await ask(llm, after)) == "Both are clear."
    sent = fake.asked[1].body["contents"]
    assert [content["role"] for content in sent] == ["user", "model", "user"]
    assert [list(part) for part in sent[1]["parts"]] == [
        ["text"],
        ["functionCall", "thoughtSignature"],
        ["functionCall"],
    ]
    assert sent[2]["parts"][1]["functionResponse"] == {
        "id": "vendor-7",
        "name": "weather",
        "response": {"sky": "clear"},
    }


async def test_what_is_declared_goes_out_as_json_schema() -> None:
    bare = ToolDeclaration("9 lives".replace(" ", "_"), "No arguments.", {})
    prompt = Prompt("", HELLO.messages, tools=(WEATHER, bare))
    async with gemini(GeminiReply("", (GeminiCall("_9_lives"),))) as (llm, fake):
        items = await ask(llm, prompt)
    assert fake.asked[0].body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": WEATHER.description,
                    "parametersJsonSchema": WEATHER.parameters,
                },
                {"name": "_9_lives", "description": "No arguments."},
            ]
        }
    ]
    assert [item.name for item in items if isinstance(item, CallRequest)] == ["9_lives"]


async def test_calls_of_another_engine_are_passed_on_unsigned() -> None:
    use = ToolUse("call-1-1", "weather", '{"city": "Rome"}', '{"sky": "grey"}', "chatcmpl-3")
    messages = (*ASKED.messages, Message(Role.TOOLS, "", 1, uses=(use, use)))
    async with gemini(GeminiReply("Grey.")) as (llm, _):
        assert text(await ask(llm, Prompt("", messages, tools=(WEATHER,)))) == "Grey."


@pytest.mark.parametrize("signature", ["Zm9yZ290dGVu", "not base64!"])
async def test_signatures_that_are_not_recognised_are_left_out(signature: str) -> None:
    use = ToolUse("call-1-1", "weather", "{}", "{}", signature=signature)
    messages = (*ASKED.messages, Message(Role.TOOLS, "", 1, uses=(use,)))
    async with gemini(GeminiReply("Grey.")) as (llm, _):
        assert text(await ask(llm, Prompt("", messages, tools=(WEATHER,)))) == "Grey."


# ---------------------------------------------------------------- thinking


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("gemini-2.5-flash", {"thinkingBudget": 0}),
        ("gemini-2.5-flash-lite", {"thinkingBudget": 0}),
        ("models/gemini-2.5-flash", {"thinkingBudget": 0}),
        ("gemini-2.5-pro", {"thinkingBudget": 128}),
        ("gemini-3-flash-preview", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.1-flash-lite", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.5-flash-lite", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.6-flash", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.7-flash", {"thinkingLevel": "LOW"}),
        ("gemini-3.8-flash", {"thinkingLevel": "LOW"}),
        ("gemini-3.1-pro-preview", {"thinkingLevel": "LOW"}),
        ("gemini-4-argon", {"thinkingLevel": "LOW"}),
        ("gemini-flash-latest", {"thinkingLevel": "LOW"}),
        ("gemini-2.0-flash", None),
        ("gemma-4-31b-it", None),
    ],
)
async def test_every_family_is_told_to_think_as_little_as_it_can(
    model: str, sent: dict[str, object] | None
) -> None:
    async with gemini(GeminiReply("Yes.", thoughts=100), model=model) as (llm, fake):
        assert text(await ask(llm, Prompt("", HELLO.messages, max_tokens=10))) == "Yes."
    assert [asked.body["generationConfig"].get("thinkingConfig") for asked in fake.asked] == [sent]


async def test_thoughts_get_room_and_words_no_more_than_was_asked() -> None:
    async with gemini(GeminiReply("word " * 400, thoughts=200), model="gemini-3.8-flash") as (llm, fake):
        said = text(await ask(llm, Prompt("", HELLO.messages, max_tokens=20)))
    assert len(said.split()) == 20
    assert fake.asked[0].body["generationConfig"]["maxOutputTokens"] > 220


async def test_an_answer_cut_at_its_limit_is_an_answer() -> None:
    async with gemini(GeminiReply("word " * 50), model="gemini-2.5-flash") as (llm, _):
        assert len(text(await ask(llm, Prompt("", HELLO.messages, max_tokens=20))).split()) == 20


async def test_a_limit_used_up_by_thoughts_is_an_empty_answer() -> None:
    async with gemini(GeminiReply("word", thoughts=9_000), model="gemini-2.5-pro") as (llm, _):
        with pytest.raises(EngineEmpty, match="MAX_TOKENS"):
            await ask(llm)


async def test_a_model_that_refuses_its_thinking_is_asked_again_once_and_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voice_grpc.engines.gemini.request._LAST_MINIMAL_FLASH", (9, 9))
    async with gemini(model="gemini-3.8-flash") as (llm, fake):
        await llm.warm()
        await ask(llm)
    sent = [asked.body["generationConfig"].get("thinkingConfig") for asked in fake.asked]
    assert sent == [{"thinkingLevel": "MINIMAL"}, {"thinkingLevel": "LOW"}, {"thinkingLevel": "LOW"}]
    assert fake.script.calls[0].end == "refused"


async def test_a_vague_refusal_is_tried_without_thinking() -> None:
    vague = GeminiReply(refusal=REFUSALS["vague"])
    async with gemini(vague, GeminiReply("Yes."), model="gemini-2.5-flash") as (llm, fake):
        assert text(await ask(llm)) == "Yes."
        assert text(await ask(llm)) == "Yes."
    sent = [asked.body["generationConfig"].get("thinkingConfig") for asked in fake.asked]
    assert sent == [{"thinkingBudget": 0}, None, None]


async def test_what_is_refused_for_good_is_not_asked_for_ever() -> None:
    async with gemini(GeminiReply(refusal=REFUSALS["vague"])) as (llm, fake):
        with pytest.raises(EngineError, match="invalid argument") as caught:
            await ask(llm)
    assert not caught.value.retryable
    assert len(fake.asked) == 3


# ---------------------------------------------------------------- which Gemini


async def test_our_key_wins_and_nobody_is_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("GOOGLE_API_KEY", "another-key")
    monkeypatch.setenv("GEMINI_API_KEY", "a-third-key")
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    async with gemini() as (llm, fake):
        await llm.warm()
    assert not fake.asked[0].on_vertex
    assert "GOOGLE_API_KEY" not in caplog.text
    assert "key" not in caplog.text.lower().replace("keyword", "")


async def test_vertex_by_the_sdks_own_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    async with FakeGemini() as fake:
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", fake.url)
        monkeypatch.setenv("GOOGLE_API_KEY", KEY)
        llm = GeminiLlm()
        await llm.warm()
        assert llm.location == fake.url
        assert fake.asked[0].on_vertex
        await llm.close()
        monkeypatch.setenv("GOOGLE_API_KEY", "wrong")
        llm = GeminiLlm()
        with pytest.raises(EngineDenied) as caught:
            await llm.warm()
        assert "GOOGLE_CLOUD_PROJECT" in caught.value.advice
        await llm.close()


async def test_vertex_with_a_service_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with FakeGemini() as fake:
        account = tmp_path / "account.json"
        account.write_text(json.dumps(service_account(f"{fake.url}/token")))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account))
        monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
        monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", fake.url)
        monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "voices")
        monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", "europe-west4")
        monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
        llm = GeminiLlm()
        assert text(await ask(llm)).startswith("Sure.")
        await llm.close()
        account.write_text(json.dumps({"type": "service_account", "private_key": "very secret"}))
        llm = GeminiLlm()
        with pytest.raises(EngineDenied) as caught:
            await llm.warm()
        await llm.close()
    assert fake.asked[0].on_vertex
    assert "GOOGLE_APPLICATION_CREDENTIALS" in caught.value.advice
    assert "secret" not in f"{caught.value} {caught.value.__context__}"


def service_account(token_uri: str) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "voices",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "voice@voices.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("", "https://aiplatform.googleapis.com"),
        ("global", "https://aiplatform.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
async def test_where_vertex_is(monkeypatch: pytest.MonkeyPatch, location: str, address: str) -> None:
    monkeypatch.delenv("GOOGLE_VERTEX_BASE_URL", raising=False)
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "1")
    monkeypatch.setenv("GOOGLE_CLOUD_LOCATION", location)
    assert GeminiLlm().location == address


async def test_without_any_key_it_says_which_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "GOOGLE_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_GENAI_USE_VERTEXAI",
        "GOOGLE_GENAI_USE_ENTERPRISE",
    ):
        monkeypatch.delenv(name, raising=False)
    llm = GeminiLlm()
    with pytest.raises(EngineMissing, match="GEMINI_API_KEY"):
        await llm.warm()
    await llm.close()
