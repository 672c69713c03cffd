"""Who a caller is: bearer tokens, and the owner that each stands for.

A file of its own: other ways to let somebody in have their place here.
"""

from collections.abc import Iterable

from ..core.errors import Unauthenticated
from ..net.bearer import BearerTokens, bearer_token


class Authenticator:
    """Who the caller is, by bearer token. Without tokens everybody is the same nobody."""

    def __init__(self, tokens: Iterable[str]) -> None:
        self._tokens = BearerTokens(tokens)

    def owner(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
        """A stable name that does not tell the token. Raises `Unauthenticated`."""
        if not self._tokens:
            return ""
        given = next((str(value) for key, value in metadata or () if key == "authorization"), "")
        token = bearer_token(given)
        if not token:
            raise Unauthenticated("no credentials: send the metadata 'authorization: Bearer TOKEN'")
        digest = self._tokens.find(token)
        if not digest:
            raise Unauthenticated("this bearer token is not known here")
        return digest[:16]
