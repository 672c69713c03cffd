"""Where a server is: `HOST:PORT`, written and read; a URL that may hold secrets, and a text without them.

What lives here: what is true of any address. Which schemes, default ports and paths an engine accepts, and
what it says of a URL that is none, is the engine's.
"""

import base64
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, unquote_plus, urlsplit

from ..process.redaction import hide

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
    """As it stands in a URL (RFC 3986 §3.2.2): an IPv6 address in brackets, given with or without them."""
    return f"[{unbracketed(host)}]" if ":" in host else host


def unbracketed(host: str) -> str:
    """As a name service and a socket take it."""
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def host_port(host: str, port: int) -> str:
    """`HOST:PORT`, for binding, for connecting and for people."""
    return f"{bracketed(host)}:{port}"


def http_url(host: str, port: int, *, is_encrypted: bool = False) -> str:
    return f"http{'s' * is_encrypted}://{host_port(host, port)}"


def reached_at(host: str) -> str:
    """Where this machine finds who listens at `host`. A browser gives the microphone to 127.0.0.1, and not
    to 0.0.0.0 (W3C Secure Contexts §3.1)."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "localhost"}.get(unbracketed(host), host)


HOST_PORT = "HOST, HOST:PORT or [IPV6]:PORT, a port being 1 to 65535"
"""What `read_host_port` accepts."""


def read_host_port(text: str, default_port: int) -> tuple[str, int]:
    """Host, without brackets, and port of `HOST[:PORT]`. Raises `ValueError` that says what is accepted.

    An IPv6 address may stand without brackets: what is one as a whole has no port, but for `::1:8080`, since
    nobody has that address (::/96 is deprecated, RFC 4291 §2.5.5.1) and anybody may mean that port.
    """
    written = text.strip()
    is_loopback_and_port = written.startswith("::1:")
    if written.endswith("]") or ":" not in written or (_is_ipv6(written) and not is_loopback_and_port):
        head, port = written, str(default_port)
    else:
        head, _, port = written.rpartition(":")
    host = unbracketed(head)
    is_host = _is_ipv6(host) if ":" in host or host != head else _is_name(host)
    if not (is_host and port.isascii() and port.isdecimal() and 1 <= int(port) <= 65_535):
        raise ValueError(HOST_PORT)
    return host, int(port)


TARGET = "HOST[:PORT], http://HOST[:PORT] or https://HOST[:PORT], an IPv6 address in brackets before a port"
"""What `read_target` accepts."""


def read_target(text: str, default_port: int) -> tuple[str, bool]:
    """`HOST:PORT` of a gRPC server, and whether its URL asks for TLS; https:// without a port means 443.

    Raises `ValueError` that says what is accepted.
    """
    scheme, mark, place = text.strip().rstrip("/").rpartition("://")
    is_encrypted = scheme.lower() == "https"
    if mark and scheme.lower() not in ("http", "https"):
        raise ValueError(TARGET)
    try:
        host, port = read_host_port(place, 443 if is_encrypted else default_port)
    except ValueError:
        raise ValueError(TARGET) from None
    return host_port(host, port), is_encrypted


def _is_ipv6(text: str) -> bool:
    """With or without a zone."""
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _is_name(text: str) -> bool:
    """Whether it can be a host at all; the name service knows the rest."""
    return bool(text) and text.isprintable() and not any(mark in text for mark in " /?#@[]\\")


def _in_query(query: str) -> Iterator[str]:
    """The values that may be secret, as written and decoded, and the query that holds them."""
    fields = [part.partition("=") for part in query.split("&")]
    private = [value or name for name, _, value in fields if name.lower() not in _PUBLIC]
    for value in private:
        yield from (each for each in (value, unquote(value), unquote_plus(value)) if len(each) >= _SHORTEST)
    if any(private):
        yield query


def is_url(text: str) -> bool:
    """Whether it is meant as one, right or wrong, and not as a file."""
    return "://" in text
