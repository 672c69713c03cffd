"""`voice-grpc up`: a server and a gateway before it, as two processes that live and end together.

What either says is passed on, so that one place shows it all. How they work is their own commands' affair.
"""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings

from voice_grpc.client import DEFAULT_PORT
from voice_grpc.net import VoiceError, first
from voice_grpc.net.addresses import host_port, http_url, parse, reached_at, read_host_port
from voice_grpc.process.child_process import START_SECONDS, ChildEnded, ChildProcess, running
from voice_grpc.process.command_line import CommandLine, read_by_command, without_placeholders
from voice_grpc.process.installation import advice, lacking
from voice_grpc.process.signals import Signals

PROXIES = ("--proxies", "127.0.0.1,::1")
"""The gateway beside it tells the server whose browser it is that asks."""

VOICE = (sys.executable, "-m", "voice_grpc")


class UpSettings(BaseSettings):
    """What the two processes are told here; all else each reads by itself."""

    model_config = read_by_command("voice-grpc up", "GATEWAY_")

    host: str = Field("127.0.0.1", description="Address of the page.")
    port: int = Field(8080, ge=0, le=65535, description="Port of the page; 0 takes a free one.")
    server_port: int = Field(
        0,
        ge=0,
        le=65535,
        validation_alias="VOICE_PORT",
        description="Port of the server; 0 takes a free one.",
    )

    @model_validator(mode="before")
    @classmethod
    def _without_placeholders(cls, values: dict[str, object]) -> dict[str, object]:
        return without_placeholders(values)


HEAD = """\
usage: voice-grpc up [OPTION ...] [-- OPTION OF SERVE ...]

Start a server and a gateway before it, and print the address of the page. Options of `voice-grpc serve` may
follow after `--`. The variables of both commands count, in the environment and in a file `.env`."""

COMMAND_LINE = CommandLine(
    UpSettings, HEAD, {"The page": ("host", "port"), "The server behind": ("server_port",)}
)


def command(argv: list[str]) -> int:
    """0: ended by a signal; 1: one of the two ended, or did not begin; 2: it cannot begin."""
    mark = argv.index("--") if "--" in argv else len(argv)
    own, serve = argv[:mark], argv[mark + 1 :]
    if "-h" in own or "--help" in own:
        print(COMMAND_LINE.help_text(), flush=True)
        return 0
    try:
        settings = COMMAND_LINE.parse(own)
    except VoiceError as error:
        return _failed(str(error), 2)
    if missing := lacking("gateway"):
        what = f"the gateway is not installed ({' and '.join(missing)} missing)"
        return _failed(f"{what}: run {advice('gateway', 'webrtc')}", 2)
    code = 0
    try:
        asyncio.run(_run(settings, serve))
    except* ChildEnded as group:
        code = _failed(first(group).message, 1)
    return code


async def _run(settings: UpSettings, serve: Sequence[str]) -> None:
    """Until a signal. Raises `ChildEnded`, in a group."""
    signals = Signals()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(signals.next(), name="signal")
        working = tasks.create_task(_both(settings, serve), name="processes")
        waiting.add_done_callback(lambda _: working.cancel())


async def _both(settings: UpSettings, serve: Sequence[str]) -> None:
    async with asyncio.TaskGroup() as tasks:
        with _running("server", ["serve", "--port", str(settings.server_port), *PROXIES, *serve]) as server:
            tasks.create_task(server.until_ended(), name="server")
            target = _reached(await server.listening(START_SECONDS))
            place = ["--host", settings.host, "--port", str(settings.port)]
            with _running("gateway", ["gateway", "--target", target, *place]) as before_it:
                tasks.create_task(before_it.until_ended(), name="gateway")
                page = parse(await before_it.listening(START_SECONDS))
                url = http_url(reached_at(page.host), page.port or 80, is_encrypted=page.scheme == "https")
                print(f"\ntalk to it: {url}/\n", flush=True)
                await asyncio.Event().wait()


def _reached(listening: str) -> str:
    """The target for this machine of who says that it listens there: with TLS a URL."""
    scheme, mark, place = listening.rpartition("://")
    host, port = read_host_port(place, DEFAULT_PORT)
    return f"{scheme}{mark}{host_port(reached_at(host), port)}"


def _running(name: str, arguments: Sequence[str]) -> AbstractContextManager[ChildProcess]:
    """What it says is passed on, each line with its name before it."""

    def hear(line: str) -> None:
        sys.stdout.write(f"{name:8} {line}\n")  # in one piece: two threads write
        sys.stdout.flush()

    return running(name, [*VOICE, *arguments], hear, has_own_session=True)


def _failed(text: str, code: int) -> int:
    print(f"voice-grpc up: {text}", file=sys.stderr)
    return code
