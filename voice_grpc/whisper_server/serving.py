"""From the first signal handler to the last request."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

from ..core.errors import BadState
from .options import WhisperServerSettings
from .server import WhisperServer

log = logging.getLogger(__name__)

_INTERRUPT_GRACE = 1.0
"""Seconds for open requests on Ctrl-C: whoever presses it wants the prompt back."""
_BACKLOG = 2048

Signals = asyncio.Queue[signal.Signals]


async def serve(settings: WhisperServerSettings, say: Callable[[str], None]) -> None:
    """Until a signal: SIGTERM drains, SIGINT drains briefly, a second one ends it. Raises `VoiceError`
    when it cannot begin."""
    signals = Signals()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, signals.put_nowait, number)
    async with AsyncExitStack() as closing:
        listener = await asyncio.to_thread(_listen, settings.host, settings.port)
        closing.callback(listener.close)
        house = await asyncio.to_thread(WhisperServer, settings)
        closing.push_async_callback(house.close)
        await house.start(listener)
        await _loaded(house, signals, say)
        say(f"listening on {_url(settings.host, listener)}")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(house.tick(), name="tick")
            first = await signals.get()
            log.info("stopping: open requests finish")
            grace = _INTERRUPT_GRACE if first is signal.SIGINT else settings.drain_seconds
            hurrying = tasks.create_task(_hurry(house, signals), name="hurry")
            await house.drain(grace)
            hurrying.cancel()


async def _loaded(house: WhisperServer, signals: Signals, say: Callable[[str], None]) -> None:
    """A signal while the model loads ends the process, since a load cannot be cancelled."""

    async def leave() -> None:
        await signals.get()
        sys.stdout.flush()
        os._exit(130)

    try:
        async with asyncio.TaskGroup() as tasks:
            leaving = tasks.create_task(leave(), name="leave")
            try:
                await house.load(say)
            finally:
                leaving.cancel()
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None  # of the load: `leave` does not fail


async def _hurry(house: WhisperServer, signals: Signals) -> None:
    await signals.get()
    house.hurry()


def _listen(host: str, port: int) -> socket.socket:
    """Raises `BadState`.

    The protocol is named: asyncio turns Nagle's algorithm off only for sockets that say TCP, and with it
    on an answer waits 40 ms for the acknowledgement of its own header (measured on loopback).
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        accepted = f"an address of this machine whose port is free ({error.strerror or error})"
        raise BadState("--host and --port", f"{host}:{port}", accepted) from None
    return listener


def _url(host: str, listener: socket.socket) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}"
