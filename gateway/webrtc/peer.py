"""`ClosingPeer`: aiortc's connection, whose `close` is an end also while it is being set up.

A file of its own: calls and signalling are handed the same one.
"""

import asyncio

from aiortc import RTCPeerConnection

CANCEL_SECONDS = 1.0
"""A task that is cancelled ends at its next await."""


class ClosingPeer(RTCPeerConnection):
    """aiortc (1.16) sets a connection up in tasks of its own, which `close` leaves alone: what they begin
    after it, such as consent checks and RTCP reports, goes on for ever."""

    def __init__(self, *args: object, **named: object) -> None:
        super().__init__(*args, **named)  # type: ignore[arg-type]
        self._connecting: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        for task in self._connecting:
            task.cancel("the connection is closed")
        if self._connecting:
            await asyncio.wait(self._connecting, timeout=CANCEL_SECONDS)
        await super().close()

    async def _RTCPeerConnection__connect(self) -> None:  # noqa: N802 - aiortc's own name
        task = asyncio.current_task()
        assert task is not None
        self._connecting.add(task)
        try:
            await super()._RTCPeerConnection__connect()  # type: ignore[misc] # it is aiortc's own
        finally:
            self._connecting.discard(task)
