"""`voice-grpc gateway`: flags and environment → a gateway, until a signal."""

import asyncio
import logging
import signal
import sys
from importlib.util import find_spec

from pydantic import ValidationError
from pydantic_settings import CliApp, SettingsError

from .settings import GatewaySettings

HELP = """\
usage: voice-grpc gateway [OPTION ...]

Let browsers talk to a server: WebSocket, WebRTC and a page, on one port. Says `listening on URL` when it is
ready. Each option can be given as a flag, as the variable beside it, or in a file `.env`.
"""


def command(argv: list[str]) -> int:
    """0: ended by a signal; 1: it could not begin; 2: the command line is wrong."""
    if "--help" in argv or "-h" in argv:
        _say(help_text())
        return 0
    try:
        settings = CliApp.run(GatewaySettings, cli_args=argv, cli_exit_on_error=False)
    except SettingsError as error:
        said = str(error).removeprefix("error parsing CLI: ").splitlines()[0]
        return _failed(f"{said}; --help tells what there is", 2)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        accepted = first["msg"].removeprefix("Input should be ")
        flag = name.replace("_", "-")
        return _failed(f"--{flag} (GATEWAY_{name.upper()}): got {first['input']!r}, accepted: {accepted}", 2)
    try:
        from .server import serving  # noqa: F401 - says what is missing before anything begins
    except ImportError:
        return _failed("the gateway is not installed: pip install 'voice-grpc[gateway]'", 2)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("aioice", "uvicorn.error"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    try:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(_serve(settings))
    except OSError as error:
        return _failed(f"--port: {settings.host}:{settings.port}: {error.strerror or error}", 1)
    return 0


def _new_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, where there is one (not on Windows): at 50 browsers a fifth less work than asyncio's own."""
    if find_spec("uvloop") is None:
        return asyncio.new_event_loop()
    import uvloop

    return uvloop.new_event_loop()


async def _serve(settings: GatewaySettings) -> None:
    from .server import serving

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(settings) as port:
        _say(f"listening on http://{settings.host}:{port}")
        await stop.wait()


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
