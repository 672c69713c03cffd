"""`voice-grpc health`: whether a server serves, by grpc.health.v1; for probes of containers, and scripts.

It says one line and never waits for long. What is asked is what Envoy and Kubernetes ask too: of the service,
which serves once the models are loaded and until the server is told to end; or, with an empty name, of the
process, which serves as soon as it listens.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from voice_grpc.client import CONNECT_WITHIN, Access, CallFailed, connect, failures, reach
from voice_grpc.pb import voice_pb2 as pb

from .options import address_arguments

SERVICE = pb.DESCRIPTOR.services_by_name["VoiceService"].full_name

Status = health_pb2.HealthCheckResponse


@dataclass(frozen=True, slots=True)
class HealthOptions:
    target: str
    service: str
    within: float
    """Seconds, for the connection and again for the answer."""
    tls: bool = False
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def access(self) -> Access:
        """Whoever has a certificate may ask, without a token."""
        return Access("", self.ca, self.cert, self.key, self.tls)


def command(argv: list[str]) -> int:
    """0: it serves; 1: it does not, or nobody answers; 2: the command line is wrong."""
    try:
        return asyncio.run(_run(parse(argv)))
    except KeyboardInterrupt:
        return 130


def parse(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> HealthOptions:
    """Wrong arguments end the program with code 2 and a line, as argparse does."""
    environment = os.environ if environment is None else environment
    parser = argparse.ArgumentParser(
        prog="voice-grpc health",
        description="Ask a server whether it serves (grpc.health.v1), and say so in one line.",
        epilog="exit code: 0 it serves · 1 it does not, or nobody answers · 2 the command line is wrong",
        allow_abbrev=False,
    )
    address_arguments(parser, environment)
    parser.add_argument(
        "--service", default=SERVICE, metavar="NAME", help='"" asks for the process alone; %(default)s'
    )
    parser.add_argument(
        "--within", default=CONNECT_WITHIN, type=float, metavar="SECONDS", help="for an answer; %(default)g"
    )
    options = HealthOptions(**vars(parser.parse_args(argv)))
    if not (options.service.isascii() and (options.service.isprintable() or not options.service)):
        parser.error(f"--service: got {options.service!r}, accepted: a service's name, or nothing")
    if not 0 < options.within <= 3600:
        parser.error(f"--within: got {options.within:g}, accepted: more than 0, up to 3600 seconds")
    return options


async def _run(options: HealthOptions) -> int:
    try:
        channel = connect(options.target, options.access)
    except CallFailed as failure:
        return _said(str(failure), 2)
    what = f"{options.target} {options.service or '(the process)'}"
    async with channel:
        try:
            status = await _asked(channel, options)
        except CallFailed as failure:
            return _said(f"{what}: {failure}", 1)
    if status != Status.SERVING:
        return _said(f"{what}: {Status.ServingStatus.Name(status)}", 1)
    print(f"{what}: SERVING", flush=True)
    return 0


async def _asked(channel: grpc.aio.Channel, options: HealthOptions) -> int:
    """Raises `CallFailed`."""
    await reach(channel, options.target, within=options.within)
    request = health_pb2.HealthCheckRequest(service=options.service)
    with failures():
        answer = await health_pb2_grpc.HealthStub(channel).Check(request, timeout=options.within)
    return int(answer.status)


def _said(text: str, code: int) -> int:
    print(f"voice-grpc health: {text}", file=sys.stderr)
    return code
