"""Which proxy leads to a server, by one rule for every client: HTTP, WebSocket, gRPC.

What is near (this machine, and what is link-local) is never asked for through a proxy: it would have to find
its way back. Then `NO_PROXY` counts, then the variable of the scheme, then `ALL_PROXY`; a variable in small
letters wins over one in capitals, as everywhere (libcurl's "Environment variables").

`proxy_for` is asked by our own clients. Other people's (google-auth, pip, huggingface_hub) read the
environment by themselves: `spare_near_hosts` tells them there.
"""

import ipaddress
import os
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies

from .addresses import parse

VARIABLES = {
    "http": ("http", "all"),
    "https": ("https", "all"),
    "ws": ("ws", "http", "all"),
    "wss": ("wss", "https", "all"),
    "grpc": ("grpc", "http", "all"),
    "grpcs": ("grpc", "https", "all"),
}
"""By scheme, whose `…_PROXY` counts, the first that is set. The last two are of gRPC, which reads
`grpc_proxy` too (grpc/grpc, doc/environment_variables.md)."""

_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443, "grpc": 80, "grpcs": 443}

_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
"""Of this machine: RFC 6761 §6.3, and those that Debian and Fedora write into /etc/hosts."""

NEAR = ("localhost", "127.0.0.0/8", "127.0.0.1", "::1", "169.254.0.0/16", "169.254.169.254")
"""As `NO_PROXY` may say it. What knows no networks in CIDR finds the two addresses that matter: this machine,
and the metadata server of a cloud, which gives tokens."""


@dataclass(frozen=True, slots=True)
class Proxy:
    url: str
    """With the credentials that it may hold; always with a scheme."""
    variable: str
    """Where it was found, as it is spelt there."""

    def __str__(self) -> str:
        """For people: without credentials."""
        try:
            shown = parse(self.url).origin
        except ValueError:
            shown = "that is no URL"
        return f"the proxy {shown} ({self.variable})"


def is_near(host: str) -> bool:
    """This machine, or what is link-local: names by RFC 6761, addresses by RFC 6890 and RFC 4291.

    An IPv6 address may have its brackets and its zone. The unspecified address, to which one can connect on
    Linux, is this machine too.
    """
    name = host.strip().strip("[]").rstrip(".").lower()
    if name in _NAMES or name.endswith(".localhost"):
        return True
    address = _ip(name)
    return address is not None and (address.is_loopback or address.is_link_local or address.is_unspecified)


def proxy_for(url: str) -> Proxy | None:
    """The one that leads to `url`, whose scheme is one of `VARIABLES`; None: it is reached directly.

    The environment is read each time.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return None
    if not host or is_near(host):
        return None
    found = getproxies()
    if _is_spared(host, port, found.get("no", "")):
        return None
    kind = next((kind for kind in VARIABLES.get(parts.scheme, ()) if found.get(kind)), None)
    if kind is None:
        return None
    said = found[kind]
    return Proxy(said if "://" in said else f"http://{said}", _spelt(f"{kind}_proxy"))


def through(url: str) -> str:
    """For a message about `url`: which proxy it was asked through; empty without one."""
    proxy = proxy_for(url)
    return f" through {proxy}" if proxy is not None else ""


def grpc_options(target: str, *, is_encrypted: bool) -> tuple[tuple[str, int | str], ...]:
    """Of a channel to `target`, `HOST:PORT`. gRPC goes through proxies of HTTP alone; with another one it
    connects directly."""
    proxy = _grpc_proxy(target, is_encrypted=is_encrypted)
    if proxy is None:
        return (("grpc.enable_http_proxy", 0),)
    return (("grpc.http_proxy", proxy.url),)


def grpc_through(target: str, *, is_encrypted: bool) -> str:
    """`through` for a channel with `grpc_options`."""
    proxy = _grpc_proxy(target, is_encrypted=is_encrypted)
    return f" through {proxy}" if proxy is not None else ""


def _grpc_proxy(target: str, *, is_encrypted: bool) -> Proxy | None:
    proxy = proxy_for(f"{'grpcs' if is_encrypted else 'grpc'}://{target}")
    return proxy if proxy is not None and urlsplit(proxy.url).scheme == "http" else None


def spare_near_hosts(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let `NO_PROXY` name what is near: for clients that are not ours, in this process and its children."""
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    names = [name.strip() for name in given.split(",") if name.strip()]
    said = ",".join(dict.fromkeys([*names, *NEAR]))
    for variable in ("no_proxy", "NO_PROXY"):
        environment[variable] = said


def _is_spared(host: str, port: int, listed: str) -> bool:
    """By `NO_PROXY`: a star, a host and all below it, an address, a network, each perhaps with a port."""
    return any(_is_meant(entry, host.lower().rstrip("."), port) for entry in _entries(listed))


def _entries(listed: str) -> Iterator[str]:
    for entry in listed.replace(" ", ",").split(","):
        if entry.strip():
            yield entry.strip().lower().rpartition("://")[2]


def _is_meant(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    address, network = _ip(host), _network(entry)
    if network is not None:
        return address is not None and address in network
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        entry = name
    entry = entry.strip("[]").removeprefix("*").removeprefix(".")
    return host == entry or (address is None and bool(entry) and host.endswith(f".{entry}"))


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """An address is a network of one; None for a name, and for what has a port."""
    try:
        return ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _ip(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for a name. An IPv4 address inside an IPv6 one is that address (RFC 4291 §2.5.5.2)."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def _spelt(variable: str) -> str:
    """As it stands in the environment."""
    return variable if os.environ.get(variable) else variable.upper()
