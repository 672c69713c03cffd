"""How many are let in: no more conversations than there is room for, in all and from one address,
of IPv6 a /64.

Whether a token is right is the server's to say; here it is only found.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import Headers

from voice_grpc.net.bearer import bearer_token
from voice_grpc.net.forwarded import household, read_address

TOKEN_PREFIX = "bearer."


class Rejected(Exception):
    """Not let in: told in the answer to the request or handshake, with the HTTP `status`."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(slots=True)
class Admission:
    """Who is inside, and whether one more may come in."""

    max_sockets: int
    max_per_address: int
    _inside: Counter[str] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return self._inside.total()

    @contextmanager
    def visit(self, address: str) -> Iterator[None]:
        """A place for the whole life of a conversation. Raises `Rejected`."""
        known = read_address(address)
        address = household(known) if known is not None else address
        if self.count >= self.max_sockets:
            raise Rejected(503, f"{self.max_sockets} conversations are open, which is all there is room for")
        if self._inside[address] >= self.max_per_address:
            raise Rejected(429, f"{self.max_per_address} conversations are open from this address: close one")
        self._inside[address] += 1
        try:
            yield
        finally:
            self._inside[address] -= 1
            if not self._inside[address]:
                del self._inside[address]


def token_of(headers: Headers, subprotocols: Sequence[str] = ()) -> str:
    """The bearer token of the header, or, since browsers can set none, from a subprotocol `bearer.TOKEN`."""
    offered = [name.removeprefix(TOKEN_PREFIX) for name in subprotocols if name.startswith(TOKEN_PREFIX)]
    return bearer_token(headers.get("authorization", "")) or (offered[0] if offered else "")
