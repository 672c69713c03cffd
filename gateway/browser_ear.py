"""A browser that plays answers, as the `ListeningEar` of its line to the server: it is asked by
PlaybackControl to hold while another server takes over, and says how far it got.

Only for one that obeys PlaybackControl (`ClientCapabilities.playback_control`). What is asked here has no
`seq`, as it is not the server's: a page does not take it for somebody who speaks.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from voice_grpc.pb import voice_pb2 as pb

HOLDS_WITHIN = 0.3
"""Seconds for a browser to say where it holds; of one that takes longer the last report counts."""

REPORTS_APART = 0.1
"""Seconds between two reports while it plays: one that was under way as HOLD left is followed by another."""

Control = pb.PlaybackControl
Deliver = Callable[[pb.ConverseResponse], Awaitable[None]]

_OVER = (pb.PlaybackReport.STATE_FINISHED, pb.PlaybackReport.STATE_CLEARED)


class BrowserEar:
    """`sees` what the server says, `hears` what the browser does."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._turn = 0
        """Whose sound came last."""
        self._held = 0
        """The turn that the server holds."""
        self._stopped = 0
        """The turn that is held here."""
        self._report = pb.PlaybackReport()
        """The last one."""
        self._reported = asyncio.Event()

    def sees(self, response: pb.ConverseResponse) -> None:
        match response.WhichOneof("payload"):
            case "audio":
                self._turn = response.turn
            case "playback_control" if response.playback_control.action == Control.ACTION_HOLD:
                self._held = response.turn
            case "playback_control" if response.turn == self._held:
                self._held = 0

    def hears(self, request: pb.ConverseRequest) -> None:
        if request.WhichOneof("payload") == "playback":
            self._report = request.playback
            self._reported.set()

    async def hold(self) -> pb.PlaybackReport | None:
        """What the browser reports goes to the server like all that it says, and counts there."""
        is_over = self._report.turn == self._turn and self._report.state in _OVER
        if self._turn and self._report.turn and not is_over and self._turn != self._held:
            self._reported.clear()
            self._stopped = self._turn
            await self._ask(Control.ACTION_HOLD)
            await self._last_report()
        return None

    async def _last_report(self) -> None:
        """Until it holds: the one that answers HOLD has none behind it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(HOLDS_WITHIN):
                await self._reported.wait()
                while True:
                    self._reported.clear()
                    async with asyncio.timeout(REPORTS_APART):
                        await self._reported.wait()

    async def go_on(self) -> None:
        if self._stopped:
            await self._ask(Control.ACTION_RESUME)
        self._stopped = 0

    async def _ask(self, action: "Control.Action") -> None:
        """Of RESUME, from where it was held; of one that had not begun, from its first sample."""
        control = Control(action=action)
        if action == Control.ACTION_RESUME and self._report.turn == self._stopped:
            control.position_samples = self._report.played_samples
        await self._deliver(pb.ConverseResponse(turn=self._stopped, playback_control=control))
