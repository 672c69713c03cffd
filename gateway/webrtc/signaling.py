"""WebRTC calls: an offer in, an answer out (as WHIP does it, RFC 9725), and none outlives its browser."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self

import grpc.aio
from aiortc import RTCConfiguration, RTCIceServer, RTCSessionDescription

from ..close_codes import Refused, bad_message
from ..settings import IceServer, ice_server
from ..upstream import RECONNECT_WITHIN, Caller
from .call import Call
from .peer import ClosingPeer

ANSWER_SECONDS = 10.0
"""For gathering our addresses."""

AIORTC = ("RTCPeerConnection.", f"{ClosingPeer.__name__}.")
"""Begin the names of aiortc's own tasks."""

log = logging.getLogger(__name__)


class RtcCalls:
    """Implements `app.Calls`. Its calls live in its block."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        ice_servers: Sequence[str],
        reconnect_within: float = RECONNECT_WITHIN,
    ) -> None:
        self._channel, self._reconnect_within = channel, reconnect_within
        self._configuration = RTCConfiguration([_rtc_server(ice_server(text)) for text in ice_servers])
        self._tasks = asyncio.TaskGroup()
        self._calls: dict[str, Call] = {}
        self._handler_before: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None = None

    @property
    def tasks(self) -> asyncio.TaskGroup:
        """In which the calls live."""
        return self._tasks

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._handler_before = loop.get_exception_handler()
        loop.set_exception_handler(self._on_lost_error)
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for call in self._calls.values():
            call.hang_up()
        await self._tasks.__aexit__(None, None, None)
        asyncio.get_running_loop().set_exception_handler(self._handler_before)

    def _on_lost_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """aiortc connects in tasks of its own that nobody waits for: what they make of an offer that lacks
        something, such as a fingerprint, is no bug of ours. Such a call is never set up, and ends by that."""
        task = context.get("future")
        if isinstance(task, asyncio.Task) and getattr(task.get_coro(), "__qualname__", "").startswith(AIORTC):
            log.info("a connection that came to nothing: %r", context.get("exception"))
        elif self._handler_before is not None:
            self._handler_before(loop, context)
        else:
            loop.default_exception_handler(context)

    async def answer(
        self, offer: str, caller: Caller, visit: AbstractContextManager[None], resume_token: str = ""
    ) -> tuple[str, str]:
        """The call's id and the SDP answer. Raises `Rejected`, and `Refused` for what is no offer."""
        with ExitStack() as inside:
            inside.enter_context(visit)
            peer = ClosingPeer(self._configuration)
            call = Call(peer, self._channel, caller, resume_token, self._reconnect_within)
            try:
                answer = await _negotiate(peer, call, offer)
            except BaseException:
                await _discard(peer)
                raise
            id = secrets.token_urlsafe(18)
            self._calls[id] = call
            self.tasks.create_task(self._live(id, call, inside.pop_all()), name=f"rtc-{id}")
            return id, answer

    async def hang_up(self, id: str) -> bool:
        call = self._calls.get(id)
        if call is not None:
            call.hang_up()
        return call is not None

    async def _live(self, id: str, call: Call, visit: ExitStack) -> None:
        with visit:
            try:
                await call.run()
            except Exception:  # noqa: BLE001 - a bug costs one call, not the others
                log.exception("WebRTC call %s: a bug", id)
            finally:
                del self._calls[id]


async def _negotiate(peer: ClosingPeer, call: Call, offer: str) -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await peer.setRemoteDescription(RTCSessionDescription(offer, "offer"))
            if not any(transceiver.kind == "audio" for transceiver in peer.getTransceivers()):
                raise bad_message("offer: got no audio, accepted: an SDP offer with audio and a data channel")
            peer.addTrack(call.track)
            await peer.setLocalDescription(await peer.createAnswer())
    except (Refused, TimeoutError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever aiortc makes of what a stranger sent
        raise bad_message(f"offer: got no SDP offer that can be answered ({str(error)[:80]})") from None
    return peer.localDescription.sdp


async def _discard(peer: ClosingPeer) -> None:
    """A connection that came to nothing. Where the first of a BUNDLE group is no part of the offer (RFC 9143
    §7.2), aiortc has taken the transports away by then, and fails to close what is left."""
    try:
        await peer.close()
    except Exception as error:  # noqa: BLE001 - as `_negotiate`
        log.info("an offer that was refused: %s", error)


def _rtc_server(server: IceServer) -> RTCIceServer:
    return RTCIceServer(server.url, server.user or None, server.password or None)
