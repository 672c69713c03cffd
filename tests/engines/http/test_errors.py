"""What every HTTP engine tells of errors: whose fault, what to do, and no secret however it is spelt."""

import base64
import socket

import httpx2
import pytest

from voice_grpc.core.errors import (
    EngineDenied,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.http.errors import kind_of, passes_after, reason, refused, shown, transport_error
from voice_grpc.net.addresses import secrets_in

URL = "https://me:open%2Fsesame@box.example/v1?key=bar%20ley&version=2"
TOKEN_URL = "http://tok%2Fen-of-mine@box.example"


def basic(pair: str) -> str:
    return base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (URL, "open/sesame"),
        (URL, "open%2Fsesame"),
        (URL, basic("me:open/sesame")),
        (URL, basic("me:open/sesame").rstrip("=")),
        (URL, "bar ley"),
        (URL, "bar%20ley"),
        (URL, "bar+ley"),
        (TOKEN_URL, "tok/en-of-mine"),
        (TOKEN_URL, "tok%2Fen-of-mine"),
        (TOKEN_URL, basic("tok/en-of-mine:")),
    ],
)
def test_no_spelling_of_a_secret_of_an_address_is_shown(url: str, said: str) -> None:
    told = shown(f"you sent {said!r} and more", secrets_in(url))
    assert said not in told
    assert told.startswith("you sent")


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abc123def456",
        "gsk_abcdef123456",
        "AIzaSyA-1234567890",
        "AQ.Ab8RN6abcdef",
        "ya29.a0AfH6SM-abc",
        "eyJhbGciOi.eyJzdWIiOi.c2lnbmVk",
        "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END",
    ],
)
def test_what_looks_like_a_key_is_not_shown(key: str) -> None:
    assert key[3:] not in shown(f"the key {key}")
    assert "secret" not in shown("Authorization: Bearer secret-1 and http://me:secret2@host and key=secret3")
    assert "c2VjcmV0" not in shown("Authorization: Basic c2VjcmV0OnB3ZA==")


def test_it_is_hidden_first_and_cut_afterwards() -> None:
    told = shown("x" * 297 + "open-sesame", ["open-sesame"])
    assert "open" not in told
    assert len(told) == 300
    assert shown("what is short\nstays  as it is") == "what is short stays as it is"


def test_a_short_secret_is_hidden_where_it_is_a_word() -> None:
    assert shown("pw: the pwd is pw", ["pw"]) == "***: the pwd is ***"


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (401, EngineDenied, False),
        (403, EngineDenied, False),
        (402, EngineQuota, True),
        (429, EngineQuota, True),
        (404, EngineMissing, False),
        (302, EngineMissing, False),
        (408, EngineTimeout, True),
        (504, EngineTimeout, True),
        (400, EngineError, False),
        (500, EngineError, True),
        (0, EngineError, True),
    ],
)
def test_whose_fault_a_status_is(status: int, kind: type[EngineError], retryable: bool) -> None:
    error = refused("llm", status, "no", {EngineDenied: "look at the key"})
    assert type(error) is kind is kind_of(status)
    assert (str(error), error.stage, error.retryable) == ("no", "llm", retryable)
    assert (error.advice == "look at the key") == (kind is EngineDenied)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (httpx2.ConnectError("secret"), EngineUnreachable, r"box cannot be reached \(ConnectError\)"),
        (httpx2.ConnectTimeout("secret"), EngineUnreachable, "cannot be reached"),
        (httpx2.ProxyError("secret"), EngineUnreachable, "cannot be reached"),
        (httpx2.ConnectError("CERTIFICATE_VERIFY_FAILED"), EngineUnreachable, "not trusted"),
        (httpx2.PoolTimeout("secret"), EngineTimeout, "no connection was free"),
        (httpx2.ReadTimeout("secret"), EngineTimeout, "box did not answer in time"),
        (TimeoutError("secret"), EngineTimeout, "in time"),
        (httpx2.ReadError("secret"), EngineUnreachable, "the connection to box broke"),
        (httpx2.RemoteProtocolError("secret"), EngineUnreachable, "broke"),
        (OSError("secret"), EngineUnreachable, "broke"),
        (httpx2.UnsupportedProtocol("secret"), EngineMissing, "set the address"),
        (httpx2.InvalidURL("secret"), EngineMissing, "set the address"),
        (httpx2.LocalProtocolError("secret"), EngineError, "does not speak HTTP"),
        (httpx2.DecodingError("secret"), EngineError, "does not speak HTTP"),
    ],
)
def test_each_error_of_the_client_is_one_of_ours(
    error: Exception, kind: type[EngineError], said: str
) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        raise transport_error("stt", "box", error, address_advice="set the address")
    assert type(caught.value) is kind
    assert "secret" not in f"{caught.value!r} {caught.value.advice}"
    assert caught.value.advice or kind is EngineError


def test_the_system_s_reason_is_found_in_the_chain() -> None:
    error = httpx2.ConnectError("what the library says")
    error.__cause__ = OSError("wrapped")
    error.__cause__.__context__ = ConnectionRefusedError(111, "whatever")
    assert reason(error) == "Connection refused"
    assert reason(socket.gaierror(-2, "Name or service not known")) == "Name or service not known"
    assert reason(ValueError("secret")) == "ValueError"


# ---------------------------------------------------------------- what passes, and when

NOON, LATER = "Sat, 28 Nov 2026 12:00:00 GMT", "Sat, 28 Nov 2026 12:00:03 GMT"


@pytest.mark.parametrize(
    ("status", "headers", "said", "expected"),
    [
        (429, {"retry-after": "1"}, "", 1.0),
        (429, {"retry-after": "1.5"}, "", 1.5),
        (429, {"retry-after-ms": "350", "retry-after": "1"}, "", 0.35),
        (429, {"retry-after": LATER, "date": NOON}, "", 3.0),
        (429, {"retry-after": NOON, "date": LATER}, "", 0.0),
        (429, {"retry-after": LATER}, "", 1.0),
        (429, {"retry-after": "soon"}, "", 1.0),
        (429, {"retry-after": "-1"}, "", 1.0),
        (429, {}, "", 1.0),
        (429, {}, "Rate limit reached for gpt-4. Please try again in 2s.", 2.0),
        (429, {}, "Please try again in 350ms. Visit https://example.com", 0.35),
        (429, {}, "Please try again in 6m0s.", 360.0),
        (429, {}, "Please retry in 1.2s.", 1.2),
        (429, {}, "Please try again in 1h2m3.5s", 3723.5),
        (429, {}, "Please try again later. It took 12s.", 1.0),
        (503, {"retry-after": "2"}, "", 2.0),
        (503, {}, "The model is overloaded. Please try again later.", 0.5),
        (500, {}, "", 0.5),
        (502, {}, "", 0.5),
        (529, {}, "", 0.5),
        (400, {"retry-after": "1"}, "", None),
        (401, {}, "", None),
        (504, {}, "", None),
    ],
)
def test_a_server_says_when_it_may_be_asked_again(
    status: int, headers: dict[str, str], said: str, expected: float | None
) -> None:
    assert passes_after(status, headers, said) == expected


def test_only_what_may_go_well_next_time_passes() -> None:
    assert refused("llm", 503, "busy", retry_after=0.5).retry_after == 0.5
    assert refused("llm", 429, "busy", retry_after=0.5).retry_after == 0.5
    assert refused("llm", 400, "wrong", retry_after=0.5).retry_after is None
    assert refused("llm", 401, "no key", retry_after=0.5).retry_after is None
    assert refused("llm", 503, "busy").retry_after is None
