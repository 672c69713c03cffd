"""The connections of one server: how many there are, in all and from one address, and which can go.

One counts from before its TLS handshake until its socket is closed, whatever it is by then: a handshake, HTTP
or a WebSocket. One more than there may be closes the one that has waited longest for a whole request, of its
own address where that has too many; where none waits, it is refused itself.

A file of its own: it knows addresses, and nothing of HTTP.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..forwarded import Network, household, read_address

ADDRESS_SHARE = 4
"""An address may have a quarter of all connections: four of them have to be a flood before others lack any.
Of the 480 that 1,024 open files leave, 120 are twenty browsers with the six that each opens to one host."""


@dataclass(frozen=True, slots=True)
class ConnectionBounds:
    """How many there may be."""

    in_all: int
    of_one: int = 0
    """Of one address, of IPv6 a /64; 0: its share of all."""
    proxies: Sequence[Network] = ()
    """Whose connections are those of others: they count in all alone."""

    @property
    def of_one_address(self) -> int:
        return self.of_one or max(1, self.in_all // ADDRESS_SHARE)

    def address_of(self, transport: asyncio.BaseTransport) -> str:
        """Whose a connection is; empty: nobody's in particular."""
        peer = transport.get_extra_info("peername")
        address = read_address(str(peer[0]).partition("%")[0]) if isinstance(peer, tuple) else None
        if address is None or any(address in network for network in self.proxies):
            return ""
        return household(address)


class ConnectionPlace:
    """Of one connection."""

    def __init__(self, places: "Places", transport: asyncio.Transport, address: str) -> None:
        self._places, self.transport, self.address = places, transport, address

    def waits(self) -> None:
        """For a whole request, or for its end."""
        self._places.wait(self)

    def works(self) -> None:
        self._places.work(self)

    def leave(self) -> None:
        """Its socket is closed. A second time is nothing."""
        self._places.leave(self)


@dataclass(slots=True)
class _Some:
    """Connections, all or those of one address."""

    taken: set[ConnectionPlace] = field(default_factory=set)
    waiting: dict[ConnectionPlace, None] = field(default_factory=dict)
    """The one that has waited longest comes first."""


class Places:
    def __init__(self, bounds: ConnectionBounds) -> None:
        self._bounds = bounds
        self._all = _Some()
        self._of_address: dict[str, _Some] = {}

    def enter(self, transport: asyncio.Transport) -> tuple[ConnectionPlace, str]:
        """The place of a new connection, and why it cannot stay; empty: it can, and one that waited may have
        been closed for it."""
        place = ConnectionPlace(self, transport, self._bounds.address_of(transport))
        for some in self._with(place):
            some.taken.add(place)
        own = self._of_address.get(place.address)
        most = self._bounds.of_one_address
        if own is not None and not _has_room(own, most):
            return place, f"{most} connections are open from this address: close one"
        most = self._bounds.in_all
        if not _has_room(self._all, most):
            return place, f"{most} connections are open, which is all there is room for"
        return place, ""

    def wait(self, place: ConnectionPlace) -> None:
        if place in self._all.taken:
            for some in self._with(place):
                some.waiting.setdefault(place)

    def work(self, place: ConnectionPlace) -> None:
        if place in self._all.taken:
            for some in self._with(place):
                some.waiting.pop(place, None)

    def leave(self, place: ConnectionPlace) -> None:
        if place not in self._all.taken:
            return
        for some in self._with(place):
            some.taken.discard(place)
            some.waiting.pop(place, None)
        if place.address and not self._of_address[place.address].taken:
            del self._of_address[place.address]

    def _with(self, place: ConnectionPlace) -> list[_Some]:
        """In which it counts."""
        if not place.address:
            return [self._all]
        return [self._all, self._of_address.setdefault(place.address, _Some())]


def _has_room(some: _Some, most: int) -> bool:
    """Whether all have one, or one could be made: by closing the connection that has waited longest, which
    counts no more from then on."""
    if len(some.taken) <= most:
        return True
    longest = next(iter(some.waiting), None)
    if longest is None:
        return False
    longest.leave()
    longest.transport.abort()
    return True
