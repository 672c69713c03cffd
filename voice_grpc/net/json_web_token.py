"""JSON Web Tokens (RFC 7519) of somebody else's: whether one counts here, for whom, and what for.

One counts whose signature fits a key of the set (`jwks.py`), that is of the issuer and for the audience that
the operator names, and whose time it is. It has to say its end and its subject. Nothing of a token is
repeated in an error, and nothing of what was expected.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import BadField, NotReady, Unauthenticated, UsageError
from ..process.installation import advice
from .addresses import is_url
from .jwks import ALGORITHMS, KeyFile, KeySource, KeyUrl, VerificationKey, chosen
from .proxy import is_near

log = logging.getLogger(__name__)

LONGEST_SUBJECT = 255
"""Characters (OpenID Connect Core 1.0 §2)."""

ACCEPTED_URL = "https://HOST/PATH or http://HOST/PATH of a JWK Set, without credentials, or a file"


_TOGETHER = {"jwt_jwks": ACCEPTED_URL, "jwt_issuer": "the iss of tokens", "jwt_audience": "the aud of tokens"}
"""Settings of which none does without the others, and what they accept."""


@dataclass(frozen=True, slots=True)
class JwtRules:
    issuer: str
    audience: str
    leeway: float
    """Seconds by which clocks may differ."""


@dataclass(frozen=True, slots=True)
class Claims:
    subject: str
    scopes: frozenset[str]
    """As the token spells them, whatever they are."""


class JwtVerifier:
    def __init__(self, keys: KeySource, rules: JwtRules) -> None:
        self.source, self._rules = keys, rules

    async def verify(self, token: str) -> Claims:
        """Raises `Unauthenticated`, and `NotReady` while there is no key at all."""
        import jwt

        try:
            head = jwt.get_unverified_header(token)
        except (jwt.InvalidTokenError, RecursionError):
            raise Unauthenticated("this bearer token is not known here, and is no JWT") from None
        key = await self._key(head)
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[head["alg"]],
                issuer=self._rules.issuer,
                audience=self._rules.audience,
                leeway=self._rules.leeway,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.InvalidTokenError, OverflowError, RecursionError) as error:
            raise Unauthenticated(_why(error)) from None
        return Claims(_subject(claims), _scopes(claims))

    async def _key(self, head: Mapping[str, object]) -> VerificationKey:
        algorithm, id = head.get("alg"), head.get("kid", "")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            accepted = ", ".join(ALGORITHMS)
            raise Unauthenticated(f"this token's algorithm is not let in; accepted: {accepted}")
        if not isinstance(id, str):
            raise Unauthenticated("this token's kid is no text")
        key = chosen(self.source.keys, id, algorithm)
        if key is None and await self.source.asked_again():
            key = chosen(self.source.keys, id, algorithm)
        if key is None and not self.source.keys:
            raise NotReady("the keys of tokens could not be fetched yet; try again in some seconds")
        if key is None:
            raise Unauthenticated("no key of the issuer is the one that this token names (kid, alg)")
        return key


def _why(error: Exception) -> str:
    import jwt

    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"this token lacks the claim {error.claim}"
    told: tuple[tuple[type[Exception], str], ...] = (
        (jwt.ExpiredSignatureError, "this token has expired: fetch another one"),
        (jwt.ImmatureSignatureError, "this token does not count yet (nbf, iat)"),
        (jwt.InvalidIssuerError, "this token is of an issuer who is not trusted here (iss)"),
        (jwt.InvalidAudienceError, "this token is meant for somebody else (aud)"),
        (jwt.InvalidSignatureError, "this token's signature does not fit the key that it names"),
    )
    return next((text for kind, text in told if isinstance(error, kind)), "this token is no JWT that counts")


def _subject(claims: Mapping[str, object]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT or not subject.isprintable():
        raise Unauthenticated(f"this token's sub is no text of 1 to {LONGEST_SUBJECT} printable characters")
    return subject


def _scopes(claims: Mapping[str, object]) -> frozenset[str]:
    """Of `scope` (RFC 8693 §4.2) and of `scp`, each a text with spaces or a list."""
    found: set[str] = set()
    for given in (claims.get("scope"), claims.get("scp")):
        if isinstance(given, str):
            found |= set(given.split())
        elif isinstance(given, list):
            found |= {each for each in given if isinstance(each, str)}
    return frozenset(found)


def jwt_verifier(option: Callable[[str], str], given: Mapping[str, Any]) -> JwtVerifier | None:
    """Of a server's settings `jwt_jwks`, `jwt_issuer`, `jwt_audience` and `jwt_leeway`, by these names; None:
    no JWT is let in. Keys at a URL are not fetched yet.

    `option` says how an error names a setting. Blocks: it reads the file. Raises `BadField`, also where one
    setting needs another, and `UsageError` where PyJWT is not installed.
    """
    if not any(given[name] for name in _TOGETHER):
        return None
    for lacking in lacking_settings(option, given):
        raise lacking
    check_installed(option("jwt_jwks"))
    rules = JwtRules(given["jwt_issuer"], given["jwt_audience"], given["jwt_leeway"])
    return JwtVerifier(key_source(given["jwt_jwks"], option("jwt_jwks")), rules)


def check_installed(option: str) -> None:
    """Raises `UsageError` where PyJWT is not installed."""
    try:
        import jwt.algorithms  # noqa: F401 - whether it is there
    except ImportError:
        said = f"{option} needs a package that is not installed: {advice('jwt')}"
        raise UsageError(said) from None


def lacking_settings(option: Callable[[str], str], given: Mapping[str, Any]) -> Iterator[BadField]:
    """Each setting that the others need, as of `jwt_verifier`."""
    for name, accepted in _TOGETHER.items():
        if not given[name]:
            yield BadField(option(name), "", f"{accepted}, since JWTs are asked for")


def key_source(where: str, option: str) -> KeyFile | KeyUrl:
    """Blocks: it reads a file, and fetches nothing. Raises `BadField`. Needs PyJWT."""
    if not is_url(where):
        return KeyFile(Path(where), option)
    _check_url(where, option)
    return KeyUrl(where)


def _check_url(url: str, option: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_right = parts.scheme in ("http", "https") and bool(host) and "@" not in parts.netloc
        is_right = is_right and parts.port != 0
    except ValueError:
        is_right = False
    if not is_right:
        raise BadField(option, f"{url.partition('://')[0]}://…", ACCEPTED_URL)
    if parts.scheme == "http" and not is_near(host):
        log.warning("%s: keys that come in plain text from %s can be anybody's", option, host)
