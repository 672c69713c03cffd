"""What `Origin` and `Host` say, read and not compared as text: `HTTPS://App.Example.com:443` is
`https://app.example.com`, and what is neither is refused.

What lives here: reading. Who is let in is `gate.py`'s.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

DEFAULT_PORTS = {"http": 80, "https": 443}

_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{0,5}))?")
"""RFC 3986 §3.2.2 and §3.2.3, without what browsers never send: user information, escapes, zones."""

ANY = "*"
"""As a host: whatever is asked for; as an origin: every page."""

HOST = "a name such as app.example.com, or an address; an IPv6 one in brackets"
ORIGIN = "https://HOST[:PORT], http://HOST[:PORT], or * for every page"
"""What the settings accept."""


@dataclass(frozen=True, slots=True)
class Host:
    """Of a request, or of an origin."""

    name: str
    """In small letters, an IPv6 address in its shortest form and without brackets."""
    port: int | None = None
    """None: the one of the scheme."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose page it is (RFC 6454 §4)."""

    scheme: str
    host: str
    port: int

    def is_of(self, host: Host) -> bool:
        """Whether a page of `host` has it. The scheme is not known behind a proxy that ends TLS: it stands
        for its port alone."""
        return (self.host, self.port) == (host.name, host.port or DEFAULT_PORTS[self.scheme])


def read_host(text: str) -> Host:
    """Raises `ValueError`."""
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError(HOST)
    name = _shortest(found["six"]) if found["six"] else found["name"].lower().rstrip(".")
    port = int(found["port"]) if found["port"] else None
    if not name or (port is not None and not 1 <= port <= 65_535):
        raise ValueError(HOST)
    return Host(name, port)


def _shortest(address: str) -> str:
    try:
        return str(ipaddress.IPv6Address(address))
    except ValueError:
        raise ValueError(HOST) from None


def read_origin(text: str) -> Origin:
    """Raises `ValueError`, also for `null`, which is the origin of a file and of a sandboxed frame."""
    scheme, mark, place = text.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in DEFAULT_PORTS:
        raise ValueError(ORIGIN)
    try:
        host = read_host(place)
    except ValueError:
        raise ValueError(ORIGIN) from None
    return Origin(scheme, host.name, host.port or DEFAULT_PORTS[scheme])


def read_hosts(texts: Iterable[str]) -> Iterator[str]:
    """Names of hosts, or `ANY`. Raises `ValueError` that says what is accepted."""
    for text in texts:
        host = Host(ANY) if text == ANY else read_host(text)
        if host.port is not None:
            raise ValueError(f"{HOST}, without a port")
        yield host.name


def read_origins(texts: Iterable[str]) -> Iterator[Origin | str]:
    """Origins, or `ANY`. Raises `ValueError` that says what is accepted."""
    return (ANY if text == ANY else read_origin(text) for text in texts)
