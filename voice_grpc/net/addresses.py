"""Where a server is, out of one URL that may hold secrets, and a text without them.

What lives here: what is true of any URL. Which schemes, default ports and paths an engine accepts, and what
it says of a URL that is none, is the engine's.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus, urlsplit

from .redaction import hide

_SHORTEST = 4
"""Characters of a value in a query that may be a secret."""

_PUBLIC = frozenset(("api-version", "api_version", "intent", "language", "model", "version"))
"""Names in a query whose values are no secrets, and are missed where they are left out of a message."""


@dataclass(frozen=True, slots=True)
class Address:
    """A URL in its parts; what is secret in it is in no `repr`."""

    scheme: str
    host: str
    """Without the brackets of an IPv6 address; empty where the URL has none."""
    port: int | None = None
    """None: the URL leaves it to its scheme."""
    path: str = ""
    """Without a slash at its end."""
    query: str = field(default="", repr=False)
    """May hold a token."""
    authorization: str = field(default="", repr=False)
    """Value of the header; empty: no credentials were given."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """All that must not be shown, as it is written, decoded and sent; the longest first."""

    @property
    def origin(self) -> str:
        port = f":{self.port}" if self.port is not None else ""
        return f"{self.scheme}://{bracketed(self.host)}{port}"

    @property
    def location(self) -> str:
        """For people: without any secret."""
        return f"{self.origin}{self.path}"

    @property
    def url(self) -> str:
        """For a client: with the query, without credentials, which go into a header."""
        return f"{self.origin}{self.path or '/'}" + (f"?{self.query}" if self.query else "")

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}

    def hide(self, text: str) -> str:
        """`text` without what is secret here: a server may repeat it in its error."""
        return hide(text, self.secrets)


def parse(url: str, key: str = "") -> Address:
    """`key` is a bearer token and wins over `user:password@` in the URL: both are said in the same header.

    Raises `ValueError` for brackets that are not closed, and a port that is none.
    """
    found = urlsplit(url)
    host, port = found.hostname or "", found.port
    name, password = unquote(found.username or ""), unquote(found.password or "")
    basic = base64.b64encode(f"{name}:{password}".encode("utf-8", "replace")).decode()
    secrets = {key, *_in_query(found.query)}
    if password:
        secrets |= {basic, f"{name}:{password}", password, found.password or ""}
    elif name:  # a name without a password is a token
        secrets |= {basic, name, found.username or ""}
    authorization = f"Basic {basic}" if name or password else ""
    return Address(
        found.scheme,
        host,
        port,
        found.path.rstrip("/"),
        found.query,
        f"Bearer {key}" if key else authorization,
        tuple(sorted(filter(None, secrets), key=len, reverse=True)),
    )


def secrets_in(url: str) -> tuple[str, ...]:
    """All that must not be shown of a URL, whose scheme may be missing; of what is none, the whole text."""
    try:
        return parse(url if "://" in url else f"http://{url}").secrets
    except ValueError:
        return (url,)


def bracketed(host: str) -> str:
    """As it stands in a URL (RFC 3986 §3.2.2): an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def _in_query(query: str) -> Iterator[str]:
    """The values that may be secret, as written and decoded, and the query that holds them."""
    fields = [part.partition("=") for part in query.split("&")]
    private = [value or name for name, _, value in fields if name.lower() not in _PUBLIC]
    for value in private:
        yield from (each for each in (value, unquote(value), unquote_plus(value)) if len(each) >= _SHORTEST)
    if any(private):
        yield query
