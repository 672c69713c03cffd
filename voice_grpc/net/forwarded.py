"""The address of a caller behind proxies: `X-Forwarded-For`, as far as proxies that are named wrote it.

Everybody can send that header, and gRPC metadata of that name. Each proxy adds at the end whom it was asked
by; so it is read from the end, and the first address that is no proxy's is the caller's. Both the gateway and
the server behind it go by this.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import TypeAlias

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

IPV6_PREFIX = 64
"""Bits of an IPv6 address that tell callers apart: what one household or machine gets (RFC 6177 §2)."""

PROXIES = "an address such as 10.0.0.7, or a network such as 10.0.0.0/8"
"""What the settings accept."""


def read_network(text: str) -> Network:
    """Raises `ValueError` that says what is accepted."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ValueError(PROXIES) from None


def read_address(text: str) -> IpAddress | None:
    """With or without a port; an IPv4 address inside an IPv6 one is that address (RFC 4291 §2.5.5.2)."""
    place = text.strip()
    if place.startswith("["):
        place = place[1:].partition("]")[0]
    elif place.count(":") == 1:
        place = place.partition(":")[0]
    try:
        address = ipaddress.ip_address(place)
    except ValueError:
        return None
    return (address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None) or address


def caller_address(peer: str, forwarded: Iterable[str], proxies: Sequence[Network]) -> str:
    """Who asks: `peer`, at the other end of the connection, unless that is one of `proxies`.

    `forwarded`: the values of all `X-Forwarded-For`, in their order. What is no address ends the search: the
    proxy that passed it on is who asks.
    """
    address = read_address(peer)
    if address is None:
        return peer
    entries = [entry for value in forwarded for entry in value.split(",")]
    while any(address in network for network in proxies) and entries:
        before = read_address(entries.pop())
        if before is None:
            break
        address = before
    return str(address)


def household(address: IpAddress) -> str:
    """Whose `address` is, as far as it tells: of IPv6 its /64, else itself."""
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return str(ipaddress.ip_network((address, IPV6_PREFIX), strict=False))
    return str(address)
