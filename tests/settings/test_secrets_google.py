"""Google's credentials when they are really used: a key that signs, and a service that repeats the token."""

import base64
import datetime
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.cloud import Cloud, clouds
from tests.fakes.gemini import FakeGemini, GeminiReply
from tests.fakes.gemini_rules import REFUSALS
from tests.fakes.google_tts import SERVICE
from tests.server.test_command import SERVE, outcome

CODES = (
    grpc.StatusCode.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.UNAVAILABLE,
)
KEY_ID = "sentinel-key-id-7"
DOCTOR = ("-m", "voice_grpc", "doctor")


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


def pem(key: rsa.RSAPrivateKey) -> str:
    form, none = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, none).decode()


def credentials(key: rsa.RSAPrivateKey) -> str:
    account = {
        "type": "service_account",
        "project_id": "talk",
        "private_key_id": KEY_ID,
        "private_key": pem(key),
        "client_email": "voice@talk.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(account)


def certificate(key: rsa.RSAPrivateKey) -> bytes:
    """Of this machine, signed by itself; the same one for the same key."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
        .not_valid_after(datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


@dataclass
class Repeater:
    """Google's service with a certificate: refuses every call, in words that hold what it was told."""

    code: grpc.StatusCode
    port: int = 0
    told: list[str] = field(default_factory=list)
    """The `authorization` of each call."""

    async def refuse(self, request: Any, context: "grpc.aio.ServicerContext[Any, Any]") -> Any:
        metadata = {str(name): str(value) for name, value in context.invocation_metadata() or ()}
        self.told.append(metadata.get("authorization", ""))
        await context.abort(self.code, f"Request had invalid authentication credentials: {self.told[-1]}")


@asynccontextmanager
async def repeating(code: grpc.StatusCode, key: rsa.RSAPrivateKey) -> AsyncIterator[Repeater]:
    repeater, server = Repeater(code), grpc.aio.server()
    handlers: dict[str, Any] = {
        "ListVoices": grpc.unary_unary_rpc_method_handler(repeater.refuse),
        "SynthesizeSpeech": grpc.unary_unary_rpc_method_handler(repeater.refuse),
        "StreamingSynthesize": grpc.stream_unary_rpc_method_handler(repeater.refuse),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    pair = (pem(key).encode(), certificate(key))
    repeater.port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    try:
        yield repeater
    finally:
        await server.stop(0)


def secrets(key: rsa.RSAPrivateKey, repeater: Repeater) -> list[str]:
    """The key's lines, and of each token its claims and its signature."""
    lines = [line for line in pem(key).splitlines() if len(line) > 20 and "-----" not in line]
    signed = [part for token in repeater.told for part in token.removeprefix("Bearer ").split(".")[1:]]
    return [KEY_ID, *lines, *signed]


def leaks(text: str, found: list[str]) -> list[str]:
    """Also in base64 as a whole."""
    encoded = [base64.b64encode(secret.encode()).decode().rstrip("=") for secret in found]
    return [each for each in [*found, *encoded] if each in text]


def variables(cloud: Cloud, repeater: Repeater, given: str, roots: Path) -> dict[str, str]:
    return cloud.variables | {
        "GOOGLE_TTS_CREDENTIALS": given,
        "GOOGLE_TTS_ENDPOINT": f"127.0.0.1:{repeater.port}",
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(roots),
        "VOICE_STT": "server",
        "VOICE_LLM": "gemini",
        "VOICE_TTS": "google",
        "VOICE_PORT": "0",
        "VOICE_STORE": "memory",
        "VOICE_LOG_LEVEL": "debug",
    }


@pytest.mark.parametrize("code", CODES, ids=lambda code: str(code.name).lower())
@pytest.mark.parametrize("command", [SERVE, DOCTOR], ids=["serve", "doctor"])
async def test_a_token_that_google_repeats_is_not_told(
    command: tuple[str, ...], code: grpc.StatusCode, key: rsa.RSAPrivateKey, tmp_path: Path
) -> None:
    """The start of the server is refused, the doctor says what to fix; neither shows key or token."""
    (tmp_path / "roots.pem").write_bytes(certificate(key))
    (tmp_path / "key.json").write_text(credentials(key))
    given = "key.json" if code is CODES[0] else credentials(key)
    async with clouds() as cloud, repeating(code, key) as repeater:
        environment = variables(cloud, repeater, given, tmp_path / "roots.pem")
        ended, out, error = await outcome(*command, home=tmp_path, variables=environment)
    assert ended == (2 if command is SERVE else 1), error
    found = secrets(key, repeater)
    assert any(token.startswith("Bearer ") and token.count(".") == 2 for token in repeater.told), out + error
    assert leaks(f"it holds {found[0]} and {found[-1]}", found)
    assert "Google Cloud TTS" in out + error
    assert leaks(out + error, found) == []


async def test_a_key_that_google_repeats_is_not_told(tmp_path: Path) -> None:
    """A suspended project is named by its key: `Consumer 'api_key:…' has been suspended`."""
    gemini = FakeGemini(answers=[GeminiReply(refusal=REFUSALS["suspended"])])
    async with clouds(Cloud(gemini=gemini)) as cloud:
        chosen = {"VOICE_STT": "server", "VOICE_LLM": "gemini", "VOICE_TTS": "google", "VOICE_PORT": "0"}
        code, out, error = await outcome(
            *SERVE, home=tmp_path, variables=cloud.variables | chosen | {"VOICE_LOG_LEVEL": "debug"}
        )
    assert code == 2
    assert gemini.asked, "the key was let in: it was in use"
    assert "suspended" in out + error
    assert "fake-gemini-key" not in out + error
