"""`voice-grpc gateway`: flags and environment → a gateway, until a signal."""

import asyncio
import sys
from importlib.util import find_spec

from voice_grpc.client import CallFailed
from voice_grpc.net import VoiceError
from voice_grpc.net.addresses import host_port, http_url
from voice_grpc.process.installation import advice
from voice_grpc.process.redaction import Redaction, log_to_stderr
from voice_grpc.process.signals import Signals

from .settings import COMMAND_LINE, GatewaySettings, ice_server

QUIET = ("aioice", "uvicorn.error")
"""Loggers that write lines a connection."""


def command(argv: list[str]) -> int:
    """0: ended by a signal; 2: it cannot begin."""
    if "--help" in argv or "-h" in argv:
        _say(COMMAND_LINE.help_text())
        return 0
    try:
        settings = COMMAND_LINE.parse(argv)
    except VoiceError as error:
        return _failed(str(error))
    try:
        from .server import serving  # noqa: F401 - says what is missing before anything begins
    except ImportError:
        return _failed(f"the gateway is not installed: run {advice('gateway')}")
    log_to_stderr("info", Redaction(secrets_of(settings)), QUIET, is_json=settings.log_format == "json")
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(settings))
    except (VoiceError, CallFailed) as error:
        return _failed(str(error))
    except OSError as error:
        accepted = f"an address of this machine whose port is free ({error.strerror or error})"
        return _failed(
            f"--host and --port: got '{host_port(settings.host, settings.port)}', accepted: {accepted}"
        )
    return 0


def secrets_of(settings: GatewaySettings) -> list[str]:
    """What the operator set that no log may show. Tokens of callers are found by their place alone."""
    servers = [ice_server(text) for text in settings.ice_servers]
    return [secret for each in servers for secret in (each.password, f"{each.user}:{each.password}")]


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, where there is one (not on Windows): at 50 browsers a fifth less work than asyncio's own."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def _serve(settings: GatewaySettings) -> None:
    from .server import serving

    signals = Signals()
    async with serving(settings) as port:
        _say(f"listening on {http_url(settings.host, port, is_encrypted=settings.tls_cert is not None)}")
        await signals.next()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _failed(text: str) -> int:
    sys.stderr.write(f"voice-grpc gateway: {text}\n")
    return 2
