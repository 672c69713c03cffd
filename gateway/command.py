"""`voice-grpc gateway`: flags and environment → a gateway, until a signal."""

import asyncio
import sys
from importlib.util import find_spec

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from voice_grpc.net.addresses import host_port, http_url, secrets_in
from voice_grpc.net.redaction import Redaction, log_to_stderr
from voice_grpc.net.signals import Signals

from .settings import GatewaySettings, ice_server

QUIET = ("aioice", "uvicorn.error")
"""Loggers that write lines a connection."""

HELP = """\
usage: voice-grpc gateway [OPTION ...]

Let browsers talk to a server: WebSocket, WebRTC and a page, on one port. Says `listening on URL` when it is
ready. Each option can be given as a flag, as the variable beside it, or in a file `.env`.
"""


class WrongSettings(Exception):
    """The command line, the environment or `.env`; the text is one line for people."""


def command(argv: list[str]) -> int:
    """0: ended by a signal; 1: it could not begin; 2: the command line is wrong."""
    if "--help" in argv or "-h" in argv:
        _say(help_text())
        return 0
    try:
        settings = parse(argv)
    except WrongSettings as error:
        return _failed(str(error), 2)
    try:
        from .server import serving  # noqa: F401 - says what is missing before anything begins
    except ImportError:
        return _failed("the gateway is not installed: pip install 'voice-grpc[gateway]'", 2)
    log_to_stderr("info", Redaction(secrets_of(settings)), QUIET)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(settings))
    except OSError as error:
        accepted = f"an address of this machine whose port is free ({error.strerror or error})"
        return _failed(
            f"--host and --port: got '{host_port(settings.host, settings.port)}', accepted: {accepted}", 1
        )
    return 0


def parse(argv: list[str]) -> GatewaySettings:
    """Raises `WrongSettings`."""
    try:
        return CliApp.run(GatewaySettings, cli_args=argv, cli_exit_on_error=False)
    except SettingsError as error:
        said = str(error).removeprefix("error parsing CLI: ").splitlines()[0]
        raise WrongSettings(f"{said}; --help tells what there is") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        accepted = first["msg"].removeprefix("Input should be ")
        got = Redaction()(repr(first.get("ctx", {}).get("got", first["input"])))
        flag = f"--{name.replace('_', '-')} (GATEWAY_{name.upper()})"
        raise WrongSettings(f"{flag}: got {got}, accepted: {accepted}") from None
    except (OSError, UnicodeError) as error:
        raise WrongSettings(f".env cannot be read: {error}") from None


def secrets_of(settings: GatewaySettings) -> list[str]:
    """What the operator set that no log may show. Tokens of callers are found by their place alone."""
    servers = [ice_server(text) for text in settings.ice_servers]
    given = [secret for each in servers for secret in (each.password, f"{each.user}:{each.password}")]
    return [*given, *secrets_in(settings.target)]


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
        _say(f"listening on {http_url(settings.host, port)}")
        await signals.next()


def help_text() -> str:
    lines = [HELP]
    for name, field in GatewaySettings.model_fields.items():
        default = "" if isinstance(field.default, str | int) is False else f", default {field.default}"
        lines.append(f"  --{name.replace('_', '-')}  (GATEWAY_{name.upper()}{default})")
        lines.append(f"        {field.description}")
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _failed(text: str, code: int) -> int:
    sys.stderr.write(text + "\n")
    return code
