"""Who calls Google: what may be given, how tokens come, and that none of it is ever repeated."""

import asyncio
import base64
import datetime
import json
import logging
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import Credentials
from google.auth.exceptions import RefreshError, TransportError

from tests.engines.google_tts.harness import TEXTS, opened, say
from tests.fakes.google_tts import FakeGoogleTts
from voice_grpc.core.errors import (
    EngineDenied,
    EngineError,
    EngineMissing,
    EngineQuota,
    EngineTimeout,
    EngineUnreachable,
)
from voice_grpc.engines.google_tts.credentials import Tokens, load
from voice_grpc.engines.google_tts.errors import StreamFate, fate_of, translated
from voice_grpc.engines.google_tts.tts import GoogleTts

SECRET = "s3cr3t-refresh-token"


@pytest.fixture(scope="module")
def service_account() -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "talk",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "voice@talk.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


USER = {"type": "authorized_user", "client_id": "c", "client_secret": "s", "refresh_token": SECRET}
WORKLOAD = {
    "type": "external_account",
    "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": "https://sts.googleapis.com/v1/token",
    "credential_source": {"file": "/var/run/token"},
}
IMPERSONATED = {
    "type": "impersonated_service_account",
    "service_account_impersonation_url": "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    "a@b.iam.gserviceaccount.com:generateAccessToken",
    "source_credentials": USER,
}


# ---------------------------------------------------------------- what may be given


async def test_a_service_account_signs_its_own_tokens(
    service_account: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(service_account))
    for given in (str(path), json.dumps(service_account), f"  {json.dumps(service_account, indent=2)}\n"):
        tokens = Tokens(await asyncio.to_thread(load, given))
        headers = dict(await tokens.headers())
        tokens.close()
        kind, _, token = headers["authorization"].partition(" ")
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        assert kind == "Bearer"
        assert claims["iss"] == service_account["client_email"]
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"


@pytest.mark.parametrize("info", [USER, WORKLOAD, IMPERSONATED], ids=lambda info: str(info["type"]))
def test_other_kinds_of_credentials(info: dict[str, Any]) -> None:
    assert isinstance(load(json.dumps(info)), Credentials)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("", "not set"),
        ("  ", "not set"),
        ("{", "no valid JSON"),
        ("{}", "type"),
        ('{"installed": {"client_secret": "s3cr3t"}}', "type"),
        ('{"type": "s3cr3t"}', "type"),
        ('{"type": ["service_account"]}', "type"),
        ('{"type": "service_account", "client_email": "s3cr3t"}', "complete service_account"),
        ('{"type": "authorized_user", "client_id": "s3cr3t"}', "complete authorized_user"),
        ('{"type": "external_account", "audience": "s3cr3t"}', "complete external_account"),
        ('{"type": "external_account", "credential_source": "s3cr3t"}', "complete external_account"),
        ('{"type": "impersonated_service_account"}', "complete impersonated_service_account"),
        ("/no/such/key.json", "the file /no/such/key.json cannot be read"),
        ("key.json", "the file key.json cannot be read"),
        ("AIzas3cr3t", "what it names"),
        ("s3cr3t" * 1_000, "what it names"),
        ("s3cr3t\0", "what it names"),
        ("~nobody-has-this-name/key.json", "cannot be read"),
        ("/", "the file / cannot be read"),
    ],
)
def test_what_is_no_credentials_is_said_and_not_repeated(given: str, reason: str) -> None:
    with pytest.raises(EngineMissing) as caught:
        load(given)
    told = str(caught.value)
    assert reason in told
    assert told.startswith("GOOGLE_TTS_CREDENTIALS: ")
    assert "service account" in told
    assert "authorized_user" in told
    assert "s3cr3t" not in told
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_files_that_hold_no_credentials(tmp_path: Path, service_account: dict[str, str]) -> None:
    pem = "-----BEGIN PRIVATE KEY-----\ns3cr3t\n-----END PRIVATE KEY-----"
    broken = {**service_account, "private_key": pem}
    for content in (b"", b"\xff\xfes3cr3t", b"[1]", b'"s3cr3t"', json.dumps(broken).encode()):
        path = tmp_path / "key.json"
        path.write_bytes(content)
        with pytest.raises(EngineMissing, match="GOOGLE_TTS_CREDENTIALS") as caught:
            load(str(path))
        assert "s3cr3t" not in str(caught.value)


async def test_they_are_read_when_they_are_needed_and_missed_clearly() -> None:
    tts = GoogleTts()
    for _ in range(2):
        with pytest.raises(EngineMissing, match="GOOGLE_TTS_CREDENTIALS: it is not set"):
            await tts.warm()
    await tts.close()


async def test_a_server_named_by_its_port_is_told_no_credentials(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with opened(FakeGoogleTts(), credentials=json.dumps(USER)) as (fake, tts):
        assert await say(tts, *TEXTS)
        assert len(fake.metadata) == 2
        assert not [call for call in fake.metadata if "authorization" in call]
        assert all("gl-python" in call["x-goog-api-client"] for call in fake.metadata)
        assert SECRET not in f"{fake.metadata}{tts!r}{tts.location}{tts.name}{caplog.text}"


# ---------------------------------------------------------------- tokens


class Slow(Credentials):
    """A token server that takes its time, and may refuse."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.error = error
        self.may_answer = threading.Event()
        self.refresh_token = ""
        self.asked = 0

    def refresh(self, request: object) -> None:
        self.asked += 1
        self.may_answer.wait(5)
        if self.error is not None:
            raise self.error
        self.token = f"token-{self.asked}"
        self.expire_in(3_600)

    def expire_in(self, seconds: float) -> None:
        now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
        self.expiry = now + datetime.timedelta(seconds=seconds)


async def test_a_slow_token_server_does_not_hold_the_loop_and_is_asked_once() -> None:
    credentials = Slow()
    tokens = Tokens(credentials)
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(tokens.headers()) for _ in range(5)]
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not any(task.done() for task in asking)
        credentials.may_answer.set()
    assert {task.result() for task in asking} == {(("authorization", "Bearer token-1"),)}
    assert credentials.asked == 1
    tokens.close()


async def test_a_token_that_will_expire_is_used_while_the_next_is_fetched() -> None:
    credentials = Slow()
    credentials.may_answer.set()
    tokens = Tokens(credentials)
    await tokens.headers()
    credentials.expire_in(60)
    credentials.may_answer.clear()
    assert dict(await tokens.headers()) == {"authorization": "Bearer token-1"}
    credentials.may_answer.set()
    async with asyncio.timeout(60):
        while dict(await tokens.headers()) != {"authorization": "Bearer token-2"}:  # noqa: ASYNC110 - of a thread
            await asyncio.sleep(0.001)
    tokens.close()


async def test_a_token_server_that_does_not_answer_is_given_up() -> None:
    credentials = Slow()
    tokens = Tokens(credentials, seconds=0.05)
    with pytest.raises(EngineUnreachable, match="no access token within"):
        await tokens.headers()
    credentials.may_answer.set()
    tokens.close()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RefreshError("invalid_grant: Bad Request", {"error": SECRET}), EngineDenied),  # type: ignore[no-untyped-call]
        (TransportError("no route to host"), EngineUnreachable),  # type: ignore[no-untyped-call]
        (ValueError("Could not deserialize key data"), EngineDenied),
    ],
)
async def test_no_token_is_told_as_what_it_is(error: Exception, kind: type[EngineError]) -> None:
    credentials = Slow(error)
    credentials.may_answer.set()
    tokens = Tokens(credentials)
    with pytest.raises(kind, match="no access token") as caught:
        await tokens.headers()
    assert SECRET not in str(caught.value)
    assert caught.value.advice
    tokens.close()


# ---------------------------------------------------------------- errors


def failed(code: grpc.StatusCode, details: str) -> Exception:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details=details)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, EngineDenied),
        (grpc.StatusCode.PERMISSION_DENIED, EngineDenied),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, EngineQuota),
        (grpc.StatusCode.DEADLINE_EXCEEDED, EngineTimeout),
        (grpc.StatusCode.UNAVAILABLE, EngineUnreachable),
        (grpc.StatusCode.INVALID_ARGUMENT, EngineError),
        (grpc.StatusCode.ABORTED, EngineError),
        (grpc.StatusCode.INTERNAL, EngineError),
        (grpc.StatusCode.UNKNOWN, EngineError),
        (grpc.StatusCode.CANCELLED, EngineError),
    ],
)
def test_each_status_is_an_error_of_ours(code: grpc.StatusCode, kind: type[EngineError]) -> None:
    error = translated(failed(code, "Something happened."), advice="say so")
    assert type(error) is kind
    assert str(error) == "Google Cloud TTS: Something happened."
    assert error.stage == "tts"
    assert error.retryable is (kind is not EngineDenied)
    assert str(translated(failed(code, ""))) == f"Google Cloud TTS: {code.name}"


@pytest.mark.parametrize(
    ("code", "words", "how"),
    [
        (grpc.StatusCode.UNAVAILABLE, "Socket closed", StreamFate.BROKEN),
        (grpc.StatusCode.UNAVAILABLE, "Stream removed (Socket closed)", StreamFate.BROKEN),
        (grpc.StatusCode.UNAVAILABLE, "recvmsg:Connection reset by peer", StreamFate.BROKEN),
        (grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.", StreamFate.OTHER),
        (grpc.StatusCode.INTERNAL, "Internal error from Core", StreamFate.LOST),
        (grpc.StatusCode.INTERNAL, "Internal error encountered.", StreamFate.OTHER),
        (grpc.StatusCode.ABORTED, "long duration", StreamFate.IDLE),
        (grpc.StatusCode.INVALID_ARGUMENT, "Invalid SSML", StreamFate.REJECTED),
        (grpc.StatusCode.UNAUTHENTICATED, "no", StreamFate.OTHER),
    ],
)
def test_how_a_call_ended_decides_whether_it_is_made_again(
    code: grpc.StatusCode, words: str, how: StreamFate
) -> None:
    cause = failed(code, words)
    error = translated(cause)
    error.__cause__ = cause
    assert fate_of(error) is how
    assert fate_of(EngineError("tts", words)) is StreamFate.OTHER


@pytest.mark.parametrize(
    "secret",
    [
        "ya29.a0AfH6SMBx-y_z",
        "AIzaSyD-1234567890abcdefghijk",
        "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ2b2ljZSJ9.c2lnbmF0dXJl",
        "-----BEGIN PRIVATE KEY-----\nMIIE",
    ],
)
def test_a_vendor_that_repeats_a_secret_is_not_repeated(secret: str) -> None:
    said = f"Invalid header 'authorization: Bearer {secret}' or {secret}"
    told = str(translated(failed(grpc.StatusCode.INVALID_ARGUMENT, said)))
    assert secret[:12] not in told
    assert told.startswith("Google Cloud TTS: Invalid header")
    assert len(str(translated(failed(grpc.StatusCode.INVALID_ARGUMENT, "word " * 500)))) <= 260


async def test_no_credentials_are_repeated_however_they_look() -> None:
    """Tokens of other issuers look like nothing in particular, and a refusal may repeat all of a request."""
    said = f"cannot refresh {SECRET}, nor open-barley-7, by s"
    credentials = Slow(RefreshError(said))  # type: ignore[no-untyped-call]
    credentials.refresh_token, credentials.token = SECRET, "open-barley-7"
    credentials.expire_in(-60)
    credentials.may_answer.set()
    tokens = Tokens(credentials)
    with pytest.raises(EngineDenied) as caught:
        await tokens.headers()
    refused = translated(failed(grpc.StatusCode.UNAUTHENTICATED, said), secrets=tokens.secrets)
    tokens.close()
    for error in (caught.value, refused):
        assert "cannot refresh" in str(error)
        assert SECRET not in str(error)
        assert "barley" not in str(error)
