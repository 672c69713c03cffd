"""One browser by WebRTC ⇄ one Converse stream: sound on the tracks, everything else on a data channel.

The channel speaks `voice.v1.json` without its binary frames. The sound's formats and the playback
reports are made here, and PlaybackControl is obeyed here, whatever the page says: the tracks are ours.
The page is told of it, so that it can show it; and so that it can show words as they are heard, where a
segment's sound begins (`audio` without its data) and each report (`{"playback": {…}}`, a PlaybackReport). In
return it may say how much of the track is on its way to the ear: `{"playback": {"bufferedSamples": "4800"}}`.
"""

import asyncio
import logging

import grpc.aio
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection
from aiortc.stats import RTCTransportStats
from google.protobuf.json_format import MessageToJson

from voice_grpc.client import CallFailed
from voice_grpc.net import first
from voice_grpc.pb import voice_pb2 as pb

from ..close_codes import (
    DONE,
    CloseReason,
    ConversationEnded,
    Refused,
    bad_message,
    close_reason_of,
)
from ..dialects.proto_json import JsonDialect
from ..upstream import RECONNECT_WITHIN, Caller, Upstream
from .inbound_track import InboundTrack
from .outbound_track import RATE_HZ, SECONDS, OutboundTrack, Reports

PROBE_SECONDS = 2.0
"""From one look at what came to the next."""

GONE_SECONDS = 16.0
"""Without a packet: a browser that only listens sends receiver reports every five seconds or sooner
(RFC 3550, 6.2)."""

SETUP_SECONDS = 20.0
"""From the offer to the config on an open channel; a browser that gives up in between is cleaned up."""

MAX_UNSENT = 1 << 20
"""Bytes that a data channel may hold for a browser that does not take them."""

MAX_WAITING = 256
"""Texts of the browser that may wait for the way to the server; more is a flood."""

Control = pb.PlaybackControl
BROKEN_OFF = (pb.TurnEvent.STATE_FAILED, pb.TurnEvent.STATE_DISCARDED)

log = logging.getLogger(__name__)


async def until_gone(peer: RTCPeerConnection) -> None:
    """Returns when nothing has come from the browser for `GONE_SECONDS`.

    ICE alone takes 36 seconds to be sure (six lost checks, RFC 7675).
    """
    loop = asyncio.get_running_loop()
    count, since = -1, loop.time()
    while loop.time() - since < GONE_SECONDS:
        await asyncio.sleep(PROBE_SECONDS)
        received = await _received(peer)
        if received != count:
            count, since = received, loop.time()


async def _received(peer: RTCPeerConnection) -> int:
    """How many packets of every kind came, inside the encryption."""
    stats = (await peer.getStats()).values()
    return sum(each.packetsReceived for each in stats if isinstance(each, RTCTransportStats))


class Call:
    """Made with an offer that was taken; `run` is all of its life."""

    def __init__(
        self,
        peer: RTCPeerConnection,
        grpc_channel: grpc.aio.Channel,
        caller: Caller,
        resume_token: str = "",
        reconnect_within: float = RECONNECT_WITHIN,
    ) -> None:
        """`resume_token`: of the offer; the config may bring one instead."""
        self.track = OutboundTrack()
        self._reports = Reports(self.track.playlist)
        self._peer, self._grpc, self._caller = peer, grpc_channel, caller
        self._resume_token, self._reconnect_within = resume_token, reconnect_within
        self._dialect = JsonDialect()
        self._inbound: InboundTrack | None = None
        self._channel: RTCDataChannel | None = None
        self._texts: asyncio.Queue[str | bytes | None] = asyncio.Queue(MAX_WAITING)
        """What came on the channel and is not sent on yet; None: the browser is gone."""
        peer.on("track", self._on_track)
        peer.on("datachannel", self._on_channel)
        peer.on("connectionstatechange", self._on_state)

    # ------------------------------------------------------------ told by aiortc

    def _on_track(self, track: object) -> None:
        if isinstance(track, MediaStreamTrack) and track.kind == "audio" and self._inbound is None:
            self._inbound = InboundTrack(track)

    def _on_channel(self, channel: RTCDataChannel) -> None:
        if self._channel is None:
            self._channel = channel
            channel.on("message", self._take)
            channel.on("close", self.hang_up)

    def _on_state(self) -> None:
        if self._peer.connectionState in ("failed", "closed", "disconnected"):
            self.hang_up()

    def _take(self, text: str | bytes | None) -> None:
        """More texts than may wait end the call: the place for the end is always kept."""
        if text is not None and self._texts.qsize() >= MAX_WAITING - 1:
            text = None
        if not self._texts.full():
            self._texts.put_nowait(text)

    def hang_up(self) -> None:
        self._take(None)

    # ------------------------------------------------------------ running

    async def run(self) -> None:
        """Until either side ends; the connection is closed then."""
        close_reason: CloseReason | None = None
        try:
            close_reason = await self._converse()
        except Refused as refused:
            close_reason = refused.close_reason
        except CallFailed as failure:
            close_reason = close_reason_of(failure)
        finally:
            if close_reason is not None and close_reason.message:
                for text in self._dialect.over(close_reason):
                    self._tell(text)
                await asyncio.sleep(0.1)  # the channel sends in the background, and tells nobody when it has
            await self._peer.close()

    async def _converse(self) -> CloseReason | None:
        try:
            async with asyncio.timeout(SETUP_SECONDS):
                opening_text = await self._texts.get()
        except TimeoutError:
            return CloseReason(4408, f"no config came within {SETUP_SECONDS:g} s")
        if opening_text is None:
            return None
        opening = self._dialect.first(opening_text)
        (request,) = opening.requests
        if request.WhichOneof("payload") != "config":
            raise bad_message('config: got another message first, accepted: {"config": {…}}', "config")
        config = pb.ConverseRequest(config=request.config)
        config.config.resume_token = request.config.resume_token or self._resume_token
        _set_what_is_ours(config.config)
        if config.config.resume_token and self._inbound is not None:
            self._inbound.is_placed = False
        close_reason: CloseReason | None = DONE
        caller = self._caller.or_with(opening.token)
        async with Upstream.open(self._grpc, caller, config, self._reconnect_within) as upstream:
            upstream.played_by(self._reports)
            try:
                async with asyncio.TaskGroup() as tasks:
                    if (inbound := self._inbound) is not None:
                        tasks.create_task(inbound.run(), name="track")
                        tasks.create_task(self._send_sound(inbound, upstream), name="sound")
                    tasks.create_task(self._watch(), name="watch")
                    tasks.create_task(self._up(upstream), name="up")
                    tasks.create_task(self._report(upstream), name="report")
                    tasks.create_task(self._down(upstream), name="down")
            except* ConversationEnded as group:
                close_reason = first(group).close_reason
        return close_reason

    async def _watch(self) -> None:
        await until_gone(self._peer)
        raise ConversationEnded(None)

    async def _send_sound(self, inbound: InboundTrack, upstream: Upstream) -> None:
        while True:
            audio = await inbound.next()
            await upstream.send(pb.ConverseRequest(audio=audio))

    async def _up(self, upstream: Upstream) -> None:
        while (text := await self._texts.get()) is not None:
            if isinstance(text, bytes):
                raise ConversationEnded(
                    CloseReason(4400, "sound travels on the track, not on the channel", "BAD_MESSAGE")
                )
            try:
                requests = self._dialect.up(text)
            except Refused as refused:
                raise ConversationEnded(refused.close_reason) from None
            for request in requests:
                if request.WhichOneof("payload") == "playback":
                    self._reports.behind(request.playback.buffered_samples)
                    continue
                request.ClearField("seq")  # of a stream that is not the browser's alone
                await upstream.send(request)
        raise ConversationEnded(None)

    async def _down(self, upstream: Upstream) -> None:
        begun: tuple[int, int] | None = None
        """The turn and the segment whose sound came last."""
        try:
            while (response := await upstream.receive()) is not None:
                if response.WhichOneof("payload") == "audio":
                    audio = response.audio
                    self.track.playlist.add(
                        response.turn, audio.data, is_last=audio.is_last, offset=audio.offset_samples
                    )
                    if (response.turn, audio.segment_index) != begun:
                        begun = (response.turn, audio.segment_index)
                        self._tell(_without_data(response))
                    continue
                for report in _obey(response, self._reports):
                    await self._report_to_both(upstream, report)
                for text in self._dialect.down(response):
                    self._tell(text)
        except CallFailed as failure:
            raise ConversationEnded(close_reason_of(failure)) from None
        raise ConversationEnded(DONE)

    async def _report(self, upstream: Upstream) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            for report in self._reports.due():
                await self._report_to_both(upstream, report)

    async def _report_to_both(self, upstream: Upstream, report: pb.PlaybackReport) -> None:
        """Tell the server, and the page."""
        request = pb.ConverseRequest(playback=report)
        self._tell(MessageToJson(request, indent=None))
        await upstream.send(request)

    def _tell(self, text: str | bytes) -> None:
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        if channel.bufferedAmount > MAX_UNSENT:
            self.hang_up()
        else:
            channel.send(text)


def _set_what_is_ours(config: pb.SessionConfig) -> None:
    """The formats of our tracks and what is done with them here, whatever the page asked for."""
    pcm = pb.AUDIO_ENCODING_PCM_S16LE
    config.input_audio.CopyFrom(pb.AudioFormat(encoding=pcm, sample_rate_hz=16_000, channels=1))
    config.output_audio.CopyFrom(pb.AudioFormat(encoding=pcm, sample_rate_hz=RATE_HZ, channels=1))
    config.capabilities.playback_reports = config.capabilities.playback_control = True


def _obey(response: pb.ConverseResponse, reports: Reports) -> list[pb.PlaybackReport]:
    """Does with the track what the server asks for; returns what the server is to be told of it."""
    turn, control, playlist = response.turn, response.playback_control, reports.playlist
    if response.turn_event.state in BROKEN_OFF:
        playlist.give_up(turn)
    if response.interrupted.reason == pb.Interrupted.REASON_SERVER_LOST:
        return [reports.cleared(turn)]
    match control.action:
        case Control.ACTION_DUCK | Control.ACTION_UNDUCK:
            playlist.duck(turn, is_ducked=control.action == Control.ACTION_DUCK)
        case Control.ACTION_HOLD:
            return reports.held(turn)
        case Control.ACTION_RESUME:
            playlist.resume(turn, control.position_samples)
        case Control.ACTION_FLUSH:
            return [reports.cleared(turn)]
    return []


def _without_data(response: pb.ConverseResponse) -> str:
    """Where a segment's sound begins, as JSON."""
    place = pb.ConverseResponse()
    place.CopyFrom(response)
    place.audio.ClearField("data")
    return MessageToJson(place, indent=None)
