"""What servers refuse and how they say it: whose fault it is, what to do, and never a secret."""

import json
import logging

import httpx2
import pytest

from tests.fakes.openai_llm import ChatReply, FakeOpenAi
from tests.fakes.openai_llm_rules import KEY
from voice_grpc.core.errors import (
    EngineBlocked,
    EngineDenied,
    EngineEmpty,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.openai.client import address
from voice_grpc.engines.openai.errors import engine_error, refusal, refusal_in
from voice_grpc.engines.openai.llm import OpenAiLlm

from .asking import UNHURRIED, ask, server

# ---------------------------------------------------------------- whose fault it is

DEEP = "[" * 20_000 + "]" * 20_000
"""Valid, and deeper than Python reads."""


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, {"error": {"message": "Invalid API Key", "code": 401}}, EngineDenied, "OPENAI_API_KEY"),
        (401, {"error": "Unauthorized"}, EngineDenied, "OPENAI_API_KEY"),
        (403, {"error": {"message": "Country, region, or territory not supported"}}, EngineDenied, "KEY"),
        (400, {"error": {"message": "API key not valid. Please pass a valid API key."}}, EngineDenied, "KEY"),
        (402, {"error": {"message": "Insufficient Balance"}}, EngineQuota, "credit"),
        (429, {"error": {"message": "Rate limit reached for gpt-4"}}, EngineQuota, "quota"),
        (429, {"error": {"code": "insufficient_quota", "message": "plan"}}, EngineQuota, "credit"),
        (
            404,
            {"error": {"message": 'model "x" not found, try pulling it first'}},
            EngineMissing,
            "OPENAI_MODEL",
        ),
        (404, {"error": {"message": "The model `x` does not exist."}}, EngineMissing, "OPENAI_MODEL"),
        (404, {"error": {"code": "model_not_found", "message": "No."}}, EngineMissing, "OPENAI_MODEL"),
        (400, {"error": {"message": "x is not a valid model ID"}}, EngineMissing, "OPENAI_MODEL"),
        (404, {"detail": "Not Found"}, EngineMissing, "OPENAI_BASE_URL"),
        (405, {"detail": "Method Not Allowed"}, EngineMissing, "OPENAI_BASE_URL"),
        (404, "404 page not found", EngineMissing, "OPENAI_BASE_URL"),
        (301, "", EngineMissing, "OPENAI_BASE_URL"),
        (400, {"error": {"code": "content_filter", "message": "filtered"}}, EngineBlocked, ""),
        (408, {}, EngineTimeout, "slow"),
        (504, "<html><h1>Gateway Time-out</h1></html>", EngineTimeout, "slow"),
        (500, {"error": {"message": "Internal server error"}}, EngineError, ""),
        (502, "<html>Bad Gateway</html>", EngineError, ""),
        (502, DEEP, EngineError, ""),
        (503, {"error": {"message": "Loading model", "code": 503}}, EngineError, ""),
        (
            422,
            {"detail": [{"loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}]},
            EngineError,
            "",
        ),
        (400, {"object": "error", "message": "bad", "code": 400}, EngineError, ""),
        (400, [], EngineError, ""),
        (400, None, EngineError, ""),
    ],
)
def test_every_refusal_is_told_with_advice(
    status: int, body: object, kind: type[EngineError], said: str
) -> None:
    written = body if isinstance(body, str) else json.dumps(body)
    error = engine_error(refusal(status, written.encode()), "m", ())
    assert type(error) is kind
    assert said in error.advice
    assert str(status) in str(error)
    assert "<" not in str(error)
    passes = status >= 500 or kind in (EngineQuota, EngineTimeout, EngineBlocked)
    assert error.retryable is (passes and said != "credit")


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        (429, {"error": {"message": "Rate limit reached"}}, {"retry-after": "2"}, 2.0),
        (429, {"error": {"message": "Please try again in 350ms.", "code": "rate_limit_exceeded"}}, {}, 0.35),
        (429, "slow down", {}, 1.0),
        (503, {"error": {"message": "The model is overloaded."}}, {"retry-after": "1"}, 1.0),
        (500, {"error": {"message": "Internal server error"}}, {}, 0.5),
        (429, {"error": {"code": "insufficient_quota", "message": "plan"}}, {"retry-after": "1"}, None),
        (402, {"error": {"message": "Insufficient Balance"}}, {}, None),
        (400, {"error": {"message": "bad schema"}}, {"retry-after": "1"}, None),
        (504, "late", {}, None),
    ],
)
def test_a_refusal_that_passes_says_when(
    status: int, body: object, headers: dict[str, str], expected: float | None
) -> None:
    written = body if isinstance(body, str) else json.dumps(body)
    error = engine_error(refusal(status, written.encode(), headers), "m", ())
    assert error.retry_after == expected


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        ({"error": {"message": "Overloaded", "type": "overloaded_error"}}, 0.5),
        ({"error": {"message": "slow down", "code": 429}}, 1.0),
        ({"error": {"message": "bad", "code": 400}}, None),
    ],
)
def test_an_error_in_a_stream_that_passes_says_so(chunk: dict[str, object], expected: float | None) -> None:
    error = refusal_in(chunk)
    assert error is not None
    assert engine_error(error, "m", ()).retry_after == expected


@pytest.mark.parametrize(
    ("chunk", "kind"),
    [
        ({"error": {"message": "The engine died", "code": 500}}, EngineError),
        ({"error": "an error was encountered while running the model"}, EngineError),
        ({"error": {"message": "slow down", "type": "rate_limit_error"}}, EngineQuota),
        ({"object": "error", "message": "gone", "code": 503}, EngineError),
        ({"error": {"message": "flagged", "code": "content_policy_violation"}}, EngineBlocked),
    ],
)
async def test_an_error_in_the_middle_is_told_like_one_at_the_beginning(
    chunk: object, kind: type[EngineError]
) -> None:
    begun = {"choices": [{"delta": {"content": "Well,"}}]}
    for chunks in ([begun, chunk], [chunk]):
        body = "".join(f"data: {json.dumps(each)}\n\n" for each in chunks).encode()
        async with server(ChatReply(raw=body)) as (llm, fake):
            with pytest.raises(EngineError) as caught:
                await ask(llm)
            assert type(caught.value) is kind
            assert len(fake.script.calls) == 1


@pytest.mark.parametrize("chunk", [{}, {"choices": []}, {"choices": None, "error": None}, {"error": ""}])
def test_what_is_no_error_is_none(chunk: dict[str, object]) -> None:
    assert refusal_in(chunk) is None


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        ("content_filter", EngineBlocked),
        ("error", EngineError),
        ("abort", EngineError),
        ("length", None),
        ("stop", None),
        ("eos", None),
    ],
)
@pytest.mark.parametrize("said", ["", "Well,"])
async def test_how_an_answer_may_end(finish: str, kind: type[EngineError] | None, said: str) -> None:
    expected = kind or (None if said else EngineEmpty)
    async with server(ChatReply(said, finish=finish)) as (llm, _):
        if expected is None:
            assert await ask(llm) == said
            return
        with pytest.raises(EngineError, match=finish) as caught:
            await ask(llm)
        assert type(caught.value) is expected


@pytest.mark.parametrize(
    ("raw", "kind", "raw_kind"),
    [
        (b"data: {not json\n\n", EngineError, "text/event-stream"),
        (b"data: [1, 2]\n\n", EngineError, "text/event-stream"),
        (f"data: {DEEP}\n\n".encode(), EngineError, "text/event-stream"),
        (b'event: error\ndata: "it broke"\n\n', EngineError, "text/event-stream"),
        (b"<html>Log in, please</html>", EngineError, "text/html"),
        (b"", EngineUnreachable, "text/event-stream"),
        (b"data: [DONE]\n\n", EngineEmpty, "text/event-stream"),
        (b'{"choices": []}', EngineEmpty, "application/json"),
        (b'data: {"choices": [7, {"delta": 3}], "usage": []}\n\ndata: [DONE]\n\n', EngineEmpty, ""),
    ],
)
async def test_what_is_not_the_protocol_is_an_error_of_ours(
    raw: bytes, kind: type[EngineError], raw_kind: str
) -> None:
    async with server(ChatReply(raw=raw, raw_kind=raw_kind)) as (llm, _):
        with pytest.raises(EngineError) as caught:
            await ask(llm)
        assert type(caught.value) is kind


async def test_nobody_there_says_so() -> None:
    async with FakeOpenAi() as fake:
        url = fake.url
    llm = OpenAiLlm(url, KEY, "m", timeouts=UNHURRIED)
    with pytest.raises(EngineUnreachable, match=r"cannot be reached \(Connection refused\)") as caught:
        await llm.warm()
    assert caught.value.advice
    await llm.close()


# ---------------------------------------------------------------- secrets


@pytest.mark.parametrize("style", ["openai", "vllm", "llamacpp"])
async def test_a_wrong_key_is_found_at_start_and_not_repeated(
    style: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeOpenAi(style=style) as fake:
        llm = OpenAiLlm(fake.url, "sesame-open-please", timeouts=UNHURRIED)
        with pytest.raises(EngineDenied) as caught:
            await llm.warm()
        await llm.close()
    error = caught.value
    assert "OPENAI_API_KEY" in error.advice
    told = f"{error} {error!r} {error.advice} {error.__context__!r} {error.__cause__!r} {llm!r} {caplog.text}"
    assert "sesame" not in told


@pytest.mark.parametrize("key", ["new\nline", "naïve", "\x00", "a\tb"])
async def test_a_key_that_cannot_be_sent_is_denied_and_not_shown(key: str) -> None:
    async with FakeOpenAi() as fake:
        llm = OpenAiLlm(fake.url, key, timeouts=UNHURRIED)
        with pytest.raises(EngineDenied) as caught:
            await llm.warm()
        assert key not in f"{caught.value} {caught.value.advice}"
        assert fake.script.calls == []
        await llm.close()


def test_secrets_of_the_server_are_not_shown_either() -> None:
    body = b'{"error": {"message": "Incorrect API key provided: sk-proj-abc123def456. Ask me:pw@host"}}'
    told = str(engine_error(refusal(401, body), "m", ("pw",)))
    assert "abc123" not in told
    assert "pw" not in told


@pytest.mark.parametrize(
    ("url", "location", "authorization"),
    [
        ("http://10.0.0.1:8000", "http://10.0.0.1:8000", "Bearer k"),
        ("10.0.0.1:8000/v1/", "http://10.0.0.1:8000/v1", "Bearer k"),
        ("https://me:pass@llm.example/v1", "https://llm.example/v1", "Bearer k"),
        ("https://llm.example/v1?api-version=9&key=s", "https://llm.example/v1", "Bearer k"),
        ("http://[::1]:11434/v1", "http://[::1]:11434/v1", "Bearer k"),
    ],
)
def test_a_location_shows_no_secret(url: str, location: str, authorization: str) -> None:
    found = address(url, "k")
    found.check()
    assert (found.location, found.authorization) == (location, authorization)
    for secret in ("pass", "me:", "key=s"):
        assert secret not in repr(found)


async def test_no_secret_of_an_address_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with FakeOpenAi(style="vllm") as fake:
        url = fake.url.replace("://", "://me:sesame@") + "?api-key=barley"
        llm = OpenAiLlm(url, KEY, timeouts=UNHURRIED)
        await llm.warm()
        assert await ask(llm)
        await llm.close()
        told = f"{caplog.text} {llm.location} {llm.name} {llm!r}"
    assert not [secret for secret in ("sesame", "barley", KEY) if secret in told]


async def test_a_server_with_a_strange_certificate_says_what_to_do() -> None:
    error = engine_error(httpx2.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), "m", ())
    assert type(error) is EngineUnreachable
    assert "SSL_CERT_FILE" in error.advice
    assert engine_error(httpx2.ConnectError("refused"), "m", ()).advice == EngineUnreachable.advice


def test_a_name_and_a_password_let_in_too() -> None:
    found = address("https://me:p%40ss@llm.example", "")
    assert found.authorization == "Basic bWU6cEBzcw=="
    assert {"p@ss", "p%40ss", "bWU6cEBzcw=="} <= set(found.secrets)
    assert found.url(0, "/models") == "https://llm.example/v1/models"
    assert address("https://a/openai?api-version=9", "").url(1, "/x") == "https://a/openai/x?api-version=9"


@pytest.mark.parametrize(
    "url",
    [
        "http://sesame-street@host",
        "http://me:sesame%2Dstreet@host",
        "http://host?api-version=2024-10-21&api-key=sesame-street",
        "http://host?api-key=sesame%2Dstreet",
    ],
)
def test_what_a_server_repeats_of_an_address_is_left_out(url: str) -> None:
    body = b'{"error": {"message": "the key sesame-street is unknown to version 2024-10-21"}}'
    told = str(engine_error(refusal(500, body), "m", address(url, "").secrets))
    assert "sesame" not in told
    assert "2024-10-21" in told


@pytest.mark.parametrize(
    "url", ["", "ftp://host", "http://", "http://host:port", "http://[", "unix:///run/llm"]
)
async def test_what_is_no_address_names_the_setting(url: str) -> None:
    llm = OpenAiLlm(url, KEY, "m")
    with pytest.raises(EngineMissing, match="OPENAI_BASE_URL"):
        await llm.warm()
    await llm.close()
