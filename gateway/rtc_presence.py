"""Whether a browser is still there. ICE alone takes 36 seconds to be sure (six lost checks, RFC 7675)."""

import asyncio

from aiortc import RTCPeerConnection
from aiortc.stats import RTCTransportStats

LOOK_SECONDS = 2.0

GONE_SECONDS = 16.0
"""Without a packet: a browser that only listens sends receiver reports every five seconds or sooner
(RFC 3550, 6.2)."""


async def until_gone(peer: RTCPeerConnection) -> None:
    """Returns when nothing has come from it for `GONE_SECONDS`."""
    loop = asyncio.get_running_loop()
    count, since = -1, loop.time()
    while loop.time() - since < GONE_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        received = await _received(peer)
        if received != count:
            count, since = received, loop.time()


async def _received(peer: RTCPeerConnection) -> int:
    """Packets of every kind, inside the encryption."""
    stats = (await peer.getStats()).values()
    return sum(each.packetsReceived for each in stats if isinstance(each, RTCTransportStats))
