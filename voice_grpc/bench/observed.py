"""What it costs to be seen: CPU of a server whose traces and metrics leave for a collector, and which
Prometheus asks, beside one that is not looked at.

Both live side by side on one core and carry the same load by turns, so that the two are compared within one
run; what the machine does meanwhile meets both. Processes of one program differ by some percent for as long
as they live, so that several pairs have their turn.
"""

import asyncio
import os
import socket
import statistics
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import grpc

from ..pb import voice_pb2 as pb
from ..telemetry.start import to_install
from .load import by_the_clock
from .overhead import at_once
from .servers import cores_apart, cpu_seconds, started

SESSIONS = 50
PAIRS = 6
"""Of servers, begun anew; each of the two has its turn twice, once as the first."""

SCRAPE_SECONDS = 5.0
"""Between two questions of Prometheus; its own default is a minute."""


class NotInstalled(Exception):
    """The extra `otel` is missing."""


@dataclass(slots=True)
class _Collector(grpc.GenericRpcHandler):
    """Takes whatever is sent by OTLP, and counts it."""

    endpoint: str = ""
    exports: dict[str, int] = field(default_factory=lambda: {"TraceService": 0, "MetricsService": 0})
    """By service."""
    size: int = 0
    """Bytes of all of them."""

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[bytes, bytes] | None":
        name = next((name for name in self.exports if f".{name}/" in handler_call_details.method), None)
        if name is None:
            return None

        def take(request: bytes, context: grpc.ServicerContext) -> bytes:
            self.exports[name] += 1
            self.size += len(request)
            return b""  # of both responses the message in which all was taken

        return grpc.unary_unary_rpc_method_handler(take)


@contextmanager
def _collector() -> Iterator[_Collector]:
    collector = _Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_generic_rpc_handlers((collector,))
    port = server.add_insecure_port("127.0.0.1:0")
    collector.endpoint = f"http://127.0.0.1:{port}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(0).wait()


@contextmanager
def _scraped(url: str, sizes: list[int]) -> Iterator[None]:
    """As Prometheus does, until the block ends; the lengths of what it got are put into `sizes`."""
    over = threading.Event()

    def scrape() -> None:
        while not over.wait(SCRAPE_SECONDS):
            with urllib.request.urlopen(url, timeout=SCRAPE_SECONDS) as answer:
                sizes.append(len(answer.read()))

    thread = threading.Thread(target=scrape, name="prometheus")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@dataclass(frozen=True, slots=True)
class Observed:
    sessions: int
    seconds: float
    """Of conversation, with each of the two."""
    plain: float
    """CPU of the server per session-second, in ms; the median of the rounds."""
    observed: float
    """The same, of the one that is seen."""
    more: float
    """Share by which it is more; the median of the rounds, each of which is a pair."""
    exports: int
    """Times that something left for the collector."""
    kilobytes: float
    """That left for it."""
    scrapes: int


def measure(seconds: float, sessions: int = SESSIONS) -> Observed:
    """`seconds` of conversation with each. Raises `NotInstalled`."""
    if missing := to_install():
        raise NotInstalled(missing)
    rounds, sizes = list[tuple[float, float]](), list[int]()
    with _collector() as collector, asyncio.Runner() as runner:
        for _ in range(PAIRS):
            with _pair(collector.endpoint, sizes) as servers:
                rounds += _by_turns(runner, servers, seconds / PAIRS / 2, sessions)
    return Observed(
        sessions,
        seconds,
        statistics.median(plain for plain, _ in rounds),
        statistics.median(observed for _, observed in rounds),
        statistics.median(observed / plain - 1 for plain, observed in rounds),
        sum(collector.exports.values()),
        collector.size / 1_000,
        len(sizes),
    )


@contextmanager
def _pair(endpoint: str, sizes: list[int]) -> Iterator[Sequence[tuple[str, int]]]:
    """Address and pid of a server that nobody looks at, and of one that is seen; `sizes` as of `_scraped`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_EXPORTER_")}
    port = _free_port()
    looked_at = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "VOICE_METRICS_PORT": str(port)}
    with ExitStack() as closing:
        servers = [
            closing.enter_context(started("voice_grpc.bench.servers", "scripted", env=environment | more))
            for more in ({}, looked_at)
        ]
        for _, pid in servers:
            closing.enter_context(cores_apart(pid))
        closing.enter_context(_scraped(f"http://127.0.0.1:{port}/metrics", sizes))
        yield servers


def _by_turns(
    runner: asyncio.Runner, servers: Sequence[tuple[str, int]], seconds: float, sessions: int
) -> list[tuple[float, float]]:
    """CPU of each per session-second, in ms: over the turns of both, as what is told leaves later."""
    rounds = list[tuple[float, float]]()
    for one_after_the_other in (servers, servers[::-1]):
        before = [cpu_seconds(pid) for _, pid in servers]
        for port, _ in one_after_the_other:
            users = at_once(port, sessions, seconds, by_the_clock(pb.TurnDetection.SPECULATION_TTS))
            runner.run(users)
        plain, observed = (
            1000 * (cpu_seconds(pid) - start) / (sessions * seconds)
            for (_, pid), start in zip(servers, before, strict=True)
        )
        rounds.append((plain, observed))
    return rounds


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


HEADER = """\
| sessions | CPU ms per session-second | seen | more | exports | kB | scrapes |
|---|---|---|---|---|---|---|"""


def report(found: Observed) -> str:
    return (
        f"| {found.sessions} | {found.plain:.2f} | {found.observed:.2f} | {found.more:+.1%} "
        f"| {found.exports} | {found.kilobytes:.0f} | {found.scrapes} |"
    )
