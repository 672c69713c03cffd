"""`voice-grpc whisper-server` from its first signal handler to its last request."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable
from contextlib import AsyncExitStack

from ..core.errors import BadState
from ..net.addresses import host_port, http_url
from ..net.listener import listen
from ..net.tls import warn_of_plain_text
from ..process.beside import beside
from ..process.reloaded import kept_fresh
from ..process.signals import Signals
from .options import WhisperServerSettings
from .server import WhisperServer

log = logging.getLogger(__name__)

_INTERRUPT_GRACE = 1.0
"""Seconds for open requests on Ctrl-C: whoever presses it wants the prompt back."""


async def serve(settings: WhisperServerSettings, say: Callable[[str], None]) -> None:
    """Until a signal: SIGTERM drains, SIGINT drains briefly, a second one ends it. Raises `VoiceError`
    when it cannot begin."""
    signals = Signals()
    async with AsyncExitStack() as closing:
        listener = await asyncio.to_thread(_listen, settings.host, settings.port)
        closing.callback(listener.close)
        server = await asyncio.to_thread(WhisperServer, settings)
        closing.push_async_callback(server.close)
        await server.start(listener)
        await signals.leaving_meanwhile(server.load(say))
        port = listener.getsockname()[1]
        if server.tls is None:
            warn_of_plain_text(settings.host, port)
        say(f"listening on {http_url(settings.host, port, is_encrypted=server.tls is not None)}")
        async with kept_fresh(server.tls.reloaded if server.tls else None), beside(server.tick(), "tick"):
            first = await signals.next()
            log.info("stopping: open requests finish")
            grace = _INTERRUPT_GRACE if first is signal.SIGINT else settings.drain_seconds
            async with beside(_hurry(server, signals), "hurry"):
                await server.drain(grace)


async def _hurry(server: WhisperServer, signals: Signals) -> None:
    await signals.next()
    server.hurry()


def _listen(host: str, port: int) -> socket.socket:
    """Raises `BadState`."""
    try:
        return listen(host, port)
    except OSError as error:
        accepted = f"an address of this machine whose port is free ({error.strerror or error})"
        raise BadState("--host and --port", host_port(host, port), accepted) from None
