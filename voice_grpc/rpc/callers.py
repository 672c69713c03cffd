"""Who calls: the owner of the token, else the address that a named proxy forwarded, else the peer's.

The owner says whose a conversation is; the caller's account says what it may use, and is one for each owner
where tokens are asked for, else one for each address, of IPv6 for each /64.

Who calls from this machine and is no proxy's to vouch for may be anybody whom a gateway or a tunnel let in:
the limits that nobody set are not for it (`server/caller_limits.py`).
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import unquote

from ..core.quota import Account, Accounts, CallerLimits
from ..core.trace_context import TraceContext
from ..net.forwarded import Network, caller_address, household, read_address
from ..net.trace_headers import trace_of
from ..ports.observer import UNTRACED
from .auth import ANYBODY, Authenticator, Principal
from .shared_quotas import SharedQuotas
from .status import Context

FORWARDED = "x-forwarded-for"


@dataclass(frozen=True, slots=True)
class Caller:
    principal: Principal
    account: Account
    trace: TraceContext = UNTRACED
    """That its call belongs to."""

    @property
    def owner(self) -> str:
        """Whose conversations it holds; empty where the server asks for no token."""
        return self.principal.owner


class Callers:
    """`accounts` is replaced once the server knows its limits; nobody is let in before."""

    def __init__(self, authenticator: Authenticator, proxies: Sequence[Network] = ()) -> None:
        self._authenticator, self._proxies = authenticator, proxies
        self.accounts = Accounts(CallerLimits())
        self.quotas: SharedQuotas | None = None
        """None: this server counts alone."""

    async def caller(self, context: Context) -> Caller:
        """Raises `Unauthenticated`, and `NotReady` where the keys to judge by are not there yet."""
        principal = await self._authenticator.principal(context.invocation_metadata())
        trace = _trace_of(context)
        if principal is not ANYBODY:
            return Caller(principal, self.accounts.of(f"token:{principal.owner}", _now()), trace)
        return Caller(principal, self.by_address(context), trace)

    @asynccontextmanager
    async def called(self, account: Account) -> AsyncIterator[None]:
        """A call of a stream. Raises `CallerLimit`."""
        with account.call(_now()):
            if self.quotas is not None:
                await self.quotas.learn(account)
            yield

    def by_address(self, context: Context) -> Account:
        """Of a call that wants no token."""
        given = context.invocation_metadata() or ()
        forwarded = [str(value) for key, value in given if key == FORWARDED]
        name, is_local = caller_name(context.peer(), forwarded, self._proxies)
        return self.accounts.of(name, _now(), is_local=is_local)


def _trace_of(context: Context) -> TraceContext:
    """The caller's; without one that can be read, a new one."""
    return trace_of(context.invocation_metadata()) or TraceContext(secrets.token_hex(16))


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
    return f"address:{household(address)}", address.is_loopback


def _now() -> float:
    return asyncio.get_running_loop().time()
