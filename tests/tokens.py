"""An issuer of JSON Web Tokens with keys of its own, its JWK Set, and a server that gives it out."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://login.example", "voice"
_CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}


def private_key(algorithm: str) -> Any:
    if algorithm in _CURVES:
        return ec.generate_private_key(_CURVES[algorithm])
    return (
        ed25519.Ed25519PrivateKey.generate()
        if algorithm == "EdDSA"
        else rsa.generate_private_key(65537, 2048)
    )


@dataclass
class Issuer:
    algorithm: str = "ES256"
    kid: str = "k1"
    key: Any = None

    def __post_init__(self) -> None:
        self.key = self.key or private_key(self.algorithm)

    @property
    def jwk(self) -> dict[str, Any]:
        kinds: dict[str, Any] = {"E": ECAlgorithm, "R": RSAAlgorithm, "P": RSAAlgorithm}
        kind = OKPAlgorithm if self.algorithm == "EdDSA" else kinds[self.algorithm[0]]
        told: dict[str, Any] = kind.to_jwk(self.key.public_key(), as_dict=True)
        return {**told, "kid": self.kid, "use": "sig"}

    @property
    def jwks(self) -> bytes:
        return json.dumps({"keys": [self.jwk]}).encode()

    def token(self, scope: str | None = "converse transcribe synthesize", **claims: Any) -> str:
        """Of Ann, for a minute; a claim that is None is left out."""
        now = int(datetime.now(UTC).timestamp())
        told = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 60, "scope": scope, **claims}
        told = {name: value for name, value in told.items() if value is not None}
        return jwt.encode(told, self.key, self.algorithm, headers={"kid": self.kid})


def unsigned(token: str, algorithm: str = "none", secret: bytes = b"") -> str:
    """The same claims, with `alg` none, or signed with a secret that is anybody's to know."""
    head = {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    said = f"{encoded(json.dumps(head).encode())}.{token.split('.')[1]}"
    mac = hmac.new(secret, said.encode(), hashlib.sha256).digest() if secret else b""
    return f"{said}.{encoded(mac)}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass
class JwksServer:
    """What it gives out, and how often it was asked."""

    url: str
    content: bytes
    status: int = 200
    asked: list[str] = field(default_factory=list)


@contextmanager
def jwks_server(content: bytes) -> Iterator[JwksServer]:
    told = JwksServer("", content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.asked.append(self.path)
            self.send_response(told.status)
            self.send_header("Content-Length", str(len(told.content)))
            self.end_headers()
            self.wfile.write(told.content)

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_port}/jwks.json"
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
