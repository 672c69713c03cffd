"""Who a caller is: bearer tokens, and the owner that each stands for.

A file of its own: other ways to let somebody in have their place here.
"""

import hashlib
import hmac
from collections.abc import Iterable

from ..core.errors import Unauthenticated


class Authenticator:
    """Who the caller is, by bearer token. Without tokens everybody is the same nobody."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._digests = [hashlib.sha256(token.encode()).digest() for token in tokens]

    def owner(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
        """A stable name that does not tell the token. Raises `Unauthenticated`."""
        if not self._digests:
            return ""
        given = next((str(value) for key, value in metadata or () if key == "authorization"), "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("no credentials: send the metadata 'authorization: Bearer TOKEN'")
        digest = hashlib.sha256(token.strip().encode()).digest()
        if not any(hmac.compare_digest(digest, known) for known in self._digests):
            raise Unauthenticated("this bearer token is not known here")
        return digest.hex()[:16]
