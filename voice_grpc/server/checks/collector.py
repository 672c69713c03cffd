"""Where traces and metrics go, by the standard variables (OpenTelemetry's specification, "OTLP Exporter
Configuration"): whether they can be read, whether somebody listens there, and whether a request without any
span is taken.

They are no settings of ours: the exporters read them from the environment by themselves.
"""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from ...net.addresses import host_port
from ...net.proxy import proxy_for
from ...process.installation import advice
from ...settings.collector import ENDPOINT, PROTOCOLS, exporter_of, protocol_of
from .result import CheckResult

PREFIX = "OTEL_EXPORTER_OTLP_"
SIGNALS = ("", "TRACES_", "METRICS_", "LOGS_")
SAMPLERS = tuple(
    f"{way}{name}" for way in ("", "parentbased_") for name in ("always_on", "always_off", "traceidratio")
)
PORTS = {"http": 4318, "https": 4318, "grpc": 4317}
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 3.0


async def check_collector(environment: Mapping[str, str] | None = None) -> list[CheckResult]:
    """None where no variable is set, or all of it is switched off."""
    given = {name: value.strip() for name, value in (environment or os.environ).items() if value.strip()}
    if given.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    endpoints = {
        given[name]: name for name in (f"{PREFIX}{each}ENDPOINT" for each in SIGNALS) if name in given
    }
    found = await asyncio.to_thread(_looked_at, given, list(endpoints.values()))
    is_well = not found
    for endpoint, name in endpoints.items():
        result = await _reached(endpoint, name)
        is_asked = environment is None and name in _OF_TRACES and exporter_of("TRACES") == "otlp"
        found.append(await _asked(result) if is_well and is_asked and result.is_reachable else result)
    return found


_OF_TRACES = (ENDPOINT, f"{PREFIX}TRACES_ENDPOINT")


async def _asked(result: CheckResult) -> CheckResult:
    """By the exporter itself, which reads the rest of the variables."""
    from ...telemetry.exporters import takes_traces

    now = asyncio.get_running_loop().time
    began = now()
    if not await asyncio.to_thread(takes_traces, ANSWER_SECONDS):
        fix = f"check {PREFIX}PROTOCOL and {PREFIX}HEADERS, and whether it is a collector of traces"
        return replace(result, works=False, error="it takes no request", fix=fix)
    return replace(result, model=protocol_of("TRACES"), latency_ms=round((now() - began) * 1000, 1))


def _looked_at(given: Mapping[str, str], endpoints: Sequence[str]) -> list[CheckResult]:
    """Without asking anybody. `endpoints`: the variables that name some."""
    found = [CheckResult("collector", name, error=said, fix=fix) for name, said, fix in _faults(given)]
    if endpoints and not _is_installed():
        lacking = f"the packages that send to {endpoints[0]} are not installed"
        found.append(CheckResult("collector", "otlp", error=lacking, fix=advice("otel")))
    return found


def _faults(given: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Name, what is wrong, and what it is to be."""
    for signal in SIGNALS:
        protocol, timeout, file = (
            f"{PREFIX}{signal}{what}" for what in ("PROTOCOL", "TIMEOUT", "CERTIFICATE")
        )
        if given.get(protocol, PROTOCOLS[0]) not in PROTOCOLS:
            yield protocol, f"got {given[protocol]!r}", f"it is to be one of {', '.join(PROTOCOLS)}"
        if not _is_number(given.get(timeout, "1")):
            yield timeout, f"got {given[timeout]!r}", "it is to be a number"
        if file in given and not Path(given[file]).is_file():
            yield file, f"there is no file {given[file]!r}", "it is to be authorities in PEM"
        headers = f"{PREFIX}{signal}HEADERS"
        if headers in given and not all("=" in each for each in given[headers].split(",")):
            yield headers, "got a secret", "it is to be name=value, separated by commas"
    sampler, share = given.get("OTEL_TRACES_SAMPLER", SAMPLERS[0]), given.get("OTEL_TRACES_SAMPLER_ARG", "1")
    if sampler not in SAMPLERS:
        yield "OTEL_TRACES_SAMPLER", f"got {sampler!r}", f"it is to be one of {', '.join(SAMPLERS)}"
    if "ratio" in sampler and not (_is_number(share) and 0 <= float(share) <= 1):
        yield "OTEL_TRACES_SAMPLER_ARG", f"got {share!r}", "it is to be a number from 0 to 1"


def _is_number(text: str) -> bool:
    try:
        return float(text) >= 0
    except ValueError:
        return False


def _is_installed() -> bool:
    try:
        return find_spec("opentelemetry.sdk") is not None
    except ImportError:
        return False


async def _reached(endpoint: str, name: str) -> CheckResult:
    """Whether somebody takes a connection; what is sent is for the exporter."""
    try:
        parts = urlsplit(endpoint if "://" in endpoint else f"grpc://{endpoint}")
        host, port = parts.hostname, parts.port or PORTS[parts.scheme]
        if not host:
            raise ValueError
    except (KeyError, ValueError):
        said = f"got {endpoint.rpartition('@')[2]!r}"
        return CheckResult("collector", name, error=said, fix="it is to be http(s)://HOST:PORT")
    result = CheckResult("collector", "otlp", where=f"{parts.scheme}://{host_port(host, port)}")
    if proxy_for(endpoint) is not None:
        return replace(result, works=True, result="reached through a proxy: not asked")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(host, port)
            writer.close()
    except (OSError, TimeoutError) as error:
        said = str(error) or f"no answer within {CONNECT_SECONDS:g} s"
        fix = f"see whether the collector runs, and whether {name} is its address"
        return replace(result, is_reachable=False, error=said, fix=fix)
    return replace(result, is_reachable=True, works=True)
