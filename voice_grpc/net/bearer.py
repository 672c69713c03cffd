"""Bearer tokens (RFC 6750): how one is read from an `Authorization`, and whether it is known.

Tokens are kept and compared as SHA-256 digests, all of them each time: a wrong token takes as long as a
right one, whatever it has in common with it.

A file of its own: servers of gRPC, HTTP and WebSocket need it, and nothing else that it could stand with.
"""

import hashlib
import hmac
from collections.abc import Iterable


def bearer_token(authorization: str) -> str:
    """The token in `Bearer TOKEN`; empty for another scheme, or for none."""
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class BearerTokens:
    """The tokens that are let in. False in a condition when there are none."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = [digest(token) for token in tokens]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def find(self, token: str) -> str:
        """The token's digest in hexadecimal when it is one of them, else empty."""
        given = digest(token)
        found = [hmac.compare_digest(given, known) for known in self._digests]
        return given.hex() if any(found) else ""


def digest(token: str) -> bytes:
    """By which a token is known again."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
