"""`voice-grpc up`: a server and a gateway before it, as two processes that live and end together.

What either says is passed on, so that one place shows it all. How they work is their own commands' affair.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

VOICE = (sys.executable, "-m", "voice_grpc")
LISTENING = "listening on "
START_SECONDS = 300.0
"""A first start puts the models together from their packages."""

STOP_SECONDS = 15.0
"""The server lets what is being said be finished."""

HELP = """Start a server and a gateway before it, and print the address of the page.

Options of `voice-grpc serve` may follow after `--`. The variables of both commands count."""


class Ended(Exception):
    """A process is over; its text says which, and how."""


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
    except* Ended as group:
        print(_first(group), file=sys.stderr)
        code = 1
    return code


def _first(group: BaseExceptionGroup[Ended]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def _run(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(stop.wait(), name="signal")
        working = tasks.create_task(_both(options), name="processes")
        waiting.add_done_callback(lambda _: working.cancel())


async def _both(options: argparse.Namespace) -> None:
    serve = ["serve", *([] if "--port" in options.serve else ["--port", "0"]), *options.serve]
    async with asyncio.TaskGroup() as tasks, _running("server", serve, tasks) as target:
        gateway = ["gateway", "--target", target, "--host", options.host, "--port", str(options.port)]
        async with _running("gateway", gateway, tasks) as page:
            print(f"\ntalk to it: {page}/\n", flush=True)
            await asyncio.Event().wait()


@asynccontextmanager
async def _running(name: str, arguments: Sequence[str], tasks: asyncio.TaskGroup) -> AsyncIterator[str]:
    """Yields the address once it listens. Its end before the block's is `Ended`."""
    process = await asyncio.create_subprocess_exec(
        *VOICE, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    following = tasks.create_task(_follow(name, process, address), name=name)
    try:
        async with asyncio.timeout(START_SECONDS):
            await asyncio.wait({address})
        yield address.result()
    finally:
        following.cancel()
        await _stop(process)


async def _follow(name: str, process: asyncio.subprocess.Process, address: "asyncio.Future[str]") -> None:
    """Pass on what it says, for as long as it lives."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode(errors="replace").rstrip("\n"):
        print(f"{name:8} {line}", flush=True)
        if line.startswith(LISTENING) and not address.done():
            address.set_result(line.removeprefix(LISTENING).strip())
    raise Ended(f"the {name} ended with code {await process.wait()}")


async def _stop(process: asyncio.subprocess.Process) -> None:
    """Ask, wait, insist; what it still says is passed over, so that its pipe cannot hold it up."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
