"""The gateway on a port: the HTTP edge with WebSockets, pings, and an orderly end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec

import grpc.aio
import uvicorn
from websockets.exceptions import InvalidState

from voice_grpc.client import Access, connect
from voice_grpc.net.forwarded import read_network
from voice_grpc.net.http.edge import HttpEdge, http_server
from voice_grpc.net.http.places import ConnectionBounds
from voice_grpc.net.http.tls import ServerContext, server_context
from voice_grpc.net.http.websocket import WEBSOCKETS
from voice_grpc.net.listener import listen
from voice_grpc.net.open_files import connections_that_fit
from voice_grpc.net.tls import warn_of_plain_text
from voice_grpc.process.reloaded import kept_fresh

from .app import Calls, Gateway
from .settings import COMMAND_LINE, GatewaySettings

MAX_MESSAGE_BYTES = 262_144
"""As the server behind has it."""

PING_SECONDS, PONG_SECONDS = 20.0, 30.0
"""A phone in a tunnel is not gone yet."""

CLOSE_SECONDS = 5.0


@asynccontextmanager
async def serving(settings: GatewaySettings) -> AsyncIterator[int]:
    """Listens until the block ends; yields the port. Raises `OSError` when the port is taken, and
    for certificates that cannot be used `VoiceError`, or `CallFailed` of those for the server behind."""
    tls = await asyncio.to_thread(server_context, COMMAND_LINE.option, settings.tls_cert, settings.tls_key)
    channel = connect(settings.target, Access("", settings.ca, settings.cert, settings.key))
    try:
        listener = await asyncio.to_thread(listen, settings.host, settings.port)
    except OSError:
        await channel.close()
        raise
    try:
        async with kept_fresh(tls.reloaded if tls else None), _calls(channel, settings) as calls:
            server = _server(Gateway(settings, channel, calls), settings, tls)
            await server.startup(sockets=[listener])
            port = listener.getsockname()[1]
            if tls is None:
                warn_of_plain_text(settings.host, port)
            try:
                yield port
            finally:
                await _close(server)
    finally:
        listener.close()
        await channel.close()


@asynccontextmanager
async def _calls(channel: grpc.aio.Channel, settings: GatewaySettings) -> AsyncIterator[Calls | None]:
    """WebRTC, where it is installed; its calls end with the block."""
    if find_spec("aiortc") is None:
        yield None
        return
    from .webrtc.signaling import RtcCalls

    async with RtcCalls(channel, settings.ice_servers, settings.reconnect_within) as calls:
        yield calls


def _server(gateway: Gateway, settings: GatewaySettings, tls: ServerContext | None) -> uvicorn.Server:
    bounds = ConnectionBounds(
        connections_that_fit(settings.max_connections),
        settings.max_connections_per_address,
        [read_network(text) for text in settings.proxies],
    )
    return http_server(
        gateway.app(),
        HttpEdge(bounds),
        tls,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PONG_SECONDS,
        **WEBSOCKETS,
    )


async def _close(server: uvicorn.Server) -> None:
    """Browsers are told that the gateway goes (1012); what does not end by itself is cut."""
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        with suppress(InvalidState):  # a socket that is saying goodbye already
            connection.shutdown()
    tasks = set(server.server_state.tasks)
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=CLOSE_SECONDS)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=CLOSE_SECONDS)
