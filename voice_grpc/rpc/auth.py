"""Who a caller is and what it may do: bearer tokens of the settings and of a file, and JSON Web Tokens.

Each way has owners of its own, so that nobody becomes another by a name: of a token of the settings a part of
its digest, of one in the file `name:NAME`, of a JWT its `sub` as it is, or `sub:SUB` where that could be one
of the others.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..core.errors import Forbidden, Unauthenticated
from ..net.bearer import BearerTokens, bearer_token
from ..net.json_web_token import JwtVerifier
from ..net.tls import utc_now
from ..net.token_file import NamedToken, find_token
from ..process.reloaded import Reloaded


class Scope(StrEnum):
    """What a token may be for, as JWTs spell it. What is not here is for everybody who is let in."""

    CONVERSE = "converse"
    TRANSCRIBE = "transcribe"
    SYNTHESIZE = "synthesize"
    ADMIN = "admin"
    """The conversations of all owners: seen and erased, not held."""


USER_SCOPES = frozenset({Scope.CONVERSE, Scope.TRANSCRIBE, Scope.SYNTHESIZE})
"""Of a token that says nothing of scopes, and of everybody where no token is asked for."""

DIGITS = 16
"""Of the digest that stands for a token of the settings, in hexadecimal."""

_NOT_A_SUBJECT = re.compile(rf"(name|sub):.*|[0-9a-f]{{{DIGITS}}}", re.DOTALL)
"""What the owners of other tokens look like."""


@dataclass(frozen=True, slots=True)
class Principal:
    owner: str
    """A stable name that does not tell the token; empty where the server asks for none."""
    scopes: frozenset[Scope] = USER_SCOPES

    @property
    def sees(self) -> str | None:
        """Whose conversations it may see; None: everybody's."""
        return None if Scope.ADMIN in self.scopes else self.owner

    def check(self, *scopes: Scope) -> None:
        """Raises `Forbidden` unless it has one of them."""
        if self.scopes.isdisjoint(scopes):
            raise Forbidden(f"this token lacks the scope {' or '.join(scopes)}")


ANYBODY = Principal("")
"""Everybody, where no token is asked for."""


class Authenticator:
    """Who the caller is. Without tokens, without a file and without JWTs everybody is `ANYBODY`."""

    def __init__(self, tokens: Iterable[str], now: Callable[[], datetime] = utc_now) -> None:
        self._tokens, self._now = BearerTokens(tokens), now
        self.file: Reloaded[tuple[NamedToken, ...]] | None = None
        """With one that is empty nobody is let in by it."""
        self.jwt: JwtVerifier | None = None

    async def principal(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> Principal:
        """The conversations of a name stay its own when its token is another. Raises `Unauthenticated`, and
        `NotReady` where a JWT cannot be judged yet."""
        if not self._tokens and self.file is None and self.jwt is None:
            return ANYBODY
        given = next((str(value) for key, value in metadata or () if key == "authorization"), "")
        token = bearer_token(given)
        if not token:
            raise Unauthenticated("no credentials: send the metadata 'authorization: Bearer TOKEN'")
        if digest := self._tokens.find(token):
            return Principal(digest[:DIGITS])
        if named := find_token(self.file.value, token) if self.file is not None else None:
            return self._named(named)
        if self.jwt is None:
            raise Unauthenticated("this bearer token is not known here")
        claims = await self.jwt.verify(token)
        owner = claims.subject
        owner = f"sub:{owner}" if _NOT_A_SUBJECT.fullmatch(owner) else owner
        return Principal(owner, frozenset(scope for scope in Scope if scope in claims.scopes))

    def _named(self, named: NamedToken) -> Principal:
        if named.is_over(self._now()):
            raise Unauthenticated(
                f"this bearer token expired on {named.ends:%Y-%m-%d}, at its beginning (UTC)"
            )
        return Principal(f"name:{named.name}", USER_SCOPES | ({Scope.ADMIN} if named.is_admin else set()))
