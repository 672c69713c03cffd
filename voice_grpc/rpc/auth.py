"""Who a caller is: bearer tokens, of the settings and of a file, and the owner that each stands for.

A file of its own: other ways to let somebody in have their place here.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from ..core.errors import Unauthenticated
from ..net.bearer import BearerTokens, bearer_token
from ..net.reloaded import Reloaded
from ..net.tls import utc_now
from ..net.token_file import NamedToken, find_token


class Authenticator:
    """Who the caller is, by bearer token. Without tokens and without a file everybody is the same nobody."""

    def __init__(self, tokens: Iterable[str], now: Callable[[], datetime] = utc_now) -> None:
        self._tokens, self._now = BearerTokens(tokens), now
        self.file: Reloaded[tuple[NamedToken, ...]] | None = None
        """With one that is empty nobody is let in by it."""

    def owner(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> str:
        """A stable name that does not tell the token; of a token in the file `name:NAME`, which no other has:
        the conversations stay whose they are when the token is another. Raises `Unauthenticated`."""
        if not self._tokens and self.file is None:
            return ""
        given = next((str(value) for key, value in metadata or () if key == "authorization"), "")
        token = bearer_token(given)
        if not token:
            raise Unauthenticated("no credentials: send the metadata 'authorization: Bearer TOKEN'")
        if digest := self._tokens.find(token):
            return digest[:16]
        named = find_token(self.file.value, token) if self.file is not None else None
        if named is None:
            raise Unauthenticated("this bearer token is not known here")
        if named.is_over(self._now()):
            raise Unauthenticated(
                f"this bearer token expired on {named.ends:%Y-%m-%d}, at its beginning (UTC)"
            )
        return f"name:{named.name}"
