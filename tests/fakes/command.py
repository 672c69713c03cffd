"""The command line that all fakes share.

    python -m tests.fakes.gemini --port 9001 --profile llm-gemini-3.5-flash-lite --trouble none --trouble cut

prints one line `listening on URL` and runs until SIGINT or SIGTERM.
"""

import argparse
import asyncio
import math
import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

from .latency import PROFILES, Latency, Profile, profile
from .script import Script, Trouble


class Serving(Protocol):
    @property
    def url(self) -> str:
        """What a client is configured with."""
        ...


OpenFake = Callable[[Script, argparse.Namespace], AbstractAsyncContextManager[Serving]]
"""The options hold `port` and whatever flags a fake added to `parser`."""


def parser(description: str) -> argparse.ArgumentParser:
    """The flags of all fakes; a fake adds its own."""
    flags = argparse.ArgumentParser(
        description=description,
        epilog=f"Profiles: {', '.join(PROFILES)}. Troubles: {', '.join(each.value for each in Trouble)}.",
    )
    flags.add_argument("--port", type=_port, default=0, help="on 127.0.0.1; 0 takes a free one (default)")
    flags.add_argument(
        "--profile",
        type=_profile,
        default=PROFILES["zero"],
        metavar="NAME",
        help="seconds until the first output: a profile by name, or MEDIAN/SIGMA[/CAP] in ms (default: zero)",
    )
    flags.add_argument("--seed", type=int, default=0, help="the same seed draws the same times")
    flags.add_argument(
        "--between", type=_milliseconds, default=0.0, metavar="MS", help="between two parts of an answer"
    )
    flags.add_argument(
        "--trouble",
        type=_trouble,
        action="append",
        default=[],
        metavar="NAME",
        help="of the next call; again for the one after it",
    )
    flags.add_argument(
        "--always",
        type=_trouble,
        default=Trouble.NONE,
        metavar="NAME",
        help="of every call that has no --trouble of its own",
    )
    flags.add_argument(
        "--journal", type=_journal, metavar="FILE", help="one line of JSON a call is appended to it"
    )
    return flags


def script(options: argparse.Namespace) -> Script:
    return Script(
        latency=Latency(options.profile, options.seed),
        between=options.between,
        trouble=deque(options.trouble),
        always=options.always,
        journal=options.journal,
    )


def run(
    description: str,
    open_fake: OpenFake,
    *,
    flags: argparse.ArgumentParser | None = None,
    argv: Sequence[str] | None = None,
) -> None:
    """Serve until a signal. `flags`: of `parser(description)`, with a fake's own added.

    Raises `SystemExit` with 2 for a bad flag, with 1 and a reason when the port is taken.
    """
    options = (flags or parser(description)).parse_args(argv)
    try:
        asyncio.run(_serve(open_fake, options))
    except OSError as error:
        raise SystemExit(f"port {options.port}: {error.strerror or error}") from None


async def _serve(open_fake: OpenFake, options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_fake(script(options), options) as fake:
        sys.stdout.write(f"listening on {fake.url}\n")
        sys.stdout.flush()
        await stop.wait()


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"got {text!r}, accepted: 0 to 65535")
    return int(text)


def _profile(text: str) -> Profile:
    try:
        drawn = profile(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not (0 <= drawn.median < math.inf and 0 <= drawn.sigma < math.inf and drawn.cap >= 0):
        raise argparse.ArgumentTypeError(f"got {text!r}, accepted: numbers from 0")
    return drawn


def _milliseconds(text: str) -> float:
    """Seconds."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"got {text!r}, accepted: milliseconds from 0")
    return found / 1000


def _trouble(text: str) -> Trouble:
    try:
        return Trouble(text)
    except ValueError:
        accepted = ", ".join(each.value for each in Trouble)
        raise argparse.ArgumentTypeError(f"got {text!r}, accepted: {accepted}") from None


def _journal(text: str) -> Path:
    """Opened once, so that a file that cannot be written is told at start."""
    try:
        Path(text).open("a").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"{text}: {error.strerror}") from None
    return Path(text)
