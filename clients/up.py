"""`voice-grpc up`: a server and a gateway before it, as two processes that live and end together.

What either says is passed on, so that one place shows it all. How they work is their own commands' affair.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager

from voice_grpc.net import first
from voice_grpc.net.child_process import START_SECONDS, ChildEnded, ChildProcess, running
from voice_grpc.net.signals import Signals

VOICE = (sys.executable, "-m", "voice_grpc")

HELP = """Start a server and a gateway before it, and print the address of the page.

Options of `voice-grpc serve` may follow after `--`. The variables of both commands count."""


def command(argv: list[str]) -> int:
    """0: ended by a signal; 1: one of the two ended, or did not begin; 2: the command line is wrong."""
    parser = argparse.ArgumentParser(prog="voice-grpc up", description=HELP)
    parser.add_argument("--host", default="127.0.0.1", help="address of the page (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8080, help="port of the page (8080); 0 takes a free one")
    parser.add_argument("serve", nargs="*", metavar="OPTION", help="of the server, after --")
    try:
        options = parser.parse_args(argv)
    except SystemExit as end:
        return 0 if end.code == 0 else 2
    code = 0
    try:
        asyncio.run(_run(options))
    except* ChildEnded as group:
        print(first(group).message, file=sys.stderr)
        code = 1
    return code


async def _run(options: argparse.Namespace) -> None:
    """Until a signal. Raises `ChildEnded`, in a group."""
    signals = Signals()
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(signals.next(), name="signal")
        working = tasks.create_task(_both(options), name="processes")
        waiting.add_done_callback(lambda _: working.cancel())


async def _both(options: argparse.Namespace) -> None:
    serve = ["serve", *([] if "--port" in options.serve else ["--port", "0"]), *options.serve]
    async with asyncio.TaskGroup() as tasks:
        with _running("server", serve) as server:
            tasks.create_task(server.until_ended(), name="server")
            target = await server.listening(START_SECONDS)
            gateway = ["gateway", "--target", target, "--host", options.host, "--port", str(options.port)]
            with _running("gateway", gateway) as before_it:
                tasks.create_task(before_it.until_ended(), name="gateway")
                page = await before_it.listening(START_SECONDS)
                print(f"\ntalk to it: {page}/\n", flush=True)
                await asyncio.Event().wait()


def _running(name: str, arguments: Sequence[str]) -> AbstractContextManager[ChildProcess]:
    """What it says is passed on, each line with its name before it."""

    def hear(line: str) -> None:
        sys.stdout.write(f"{name:8} {line}\n")  # in one piece: two threads write
        sys.stdout.flush()

    return running(name, [*VOICE, *arguments], hear, has_own_session=True)
