"""Who calls: the owner of the token, else the address that a named proxy forwarded, else the peer's.

The owner says whose a conversation is; the caller's account says what it may use, and is one for each owner
where tokens are asked for, else one for each address. An IPv6 address stands for its /64, which is what one
household or machine gets (RFC 6177 §2).

Who calls from this machine and is no proxy's to vouch for may be anybody whom a gateway or a tunnel let in:
the limits that nobody set are not for it (`server/caller_limits.py`).
"""

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from ..core.quota import Account, Accounts, CallerLimits
from ..net.forwarded import Network, caller_address, read_address
from .auth import Authenticator
from .status import Context

FORWARDED = "x-forwarded-for"
IPV6_PREFIX = 64
"""Bits of an IPv6 address that tell callers apart."""


@dataclass(frozen=True, slots=True)
class Caller:
    owner: str
    """Whose conversations it may see; empty where the server asks for no token."""
    account: Account


class Callers:
    """`accounts` is replaced once the server knows its limits; nobody is let in before."""

    def __init__(self, authenticator: Authenticator, proxies: Sequence[Network] = ()) -> None:
        self._authenticator, self._proxies = authenticator, proxies
        self.accounts = Accounts(CallerLimits())

    def caller(self, context: Context) -> Caller:
        """Raises `Unauthenticated`."""
        owner = self._authenticator.owner(context.invocation_metadata())
        if owner:
            return Caller(owner, self.accounts.of(f"token:{owner}", _now()))
        return Caller(owner, self.by_address(context))

    def by_address(self, context: Context) -> Account:
        """Of a call that wants no token."""
        given = context.invocation_metadata() or ()
        forwarded = [str(value) for key, value in given if key == FORWARDED]
        name, is_local = caller_name(context.peer(), forwarded, self._proxies)
        return self.accounts.of(name, _now(), is_local=is_local)


def caller_name(peer: str, forwarded: Iterable[str], proxies: Sequence[Network]) -> tuple[str, bool]:
    """A name for who is at `peer`, as gRPC writes it, and whether that is this machine.

    `ipv4:192.0.2.1:4711`, `ipv6:[2001:db8::1]:4711` with or without its brackets encoded, or `unix:PATH`;
    a socket of the file system is this machine, and no address is believed of it.
    """
    kind, _, place = unquote(peer).partition(":")
    if kind not in ("ipv4", "ipv6"):
        return f"address:{kind or 'unknown'}", True
    host = place.rpartition(":")[0]
    address = read_address(caller_address(host.partition("%")[0].strip("[]"), forwarded, proxies))
    if address is None:
        return "address:unknown", True
    if isinstance(address, ipaddress.IPv6Address) and not address.is_loopback:
        return f"address:{ipaddress.ip_network((address, IPV6_PREFIX), strict=False)}", False
    return f"address:{address}", address.is_loopback


def _now() -> float:
    return asyncio.get_running_loop().time()
