"""What the standard OTEL_ variables ask for, as far as it is ours to read: which exporter and which protocol.
The rest (headers, certificates, timeouts, samplers, resource attributes, intervals) the SDK reads by itself.

By the specification traces and metrics leave by OTLP to localhost unless they are told not to. A server that
nobody told of a collector has none: here something is sent once an endpoint or an exporter is named.
"""

import os
from typing import Literal, get_args
from urllib.parse import urlsplit

from ..core.errors import BadField
from ..net.addresses import parse

Signal = Literal["TRACES", "METRICS"]
SIGNALS: tuple[Signal, ...] = get_args(Signal)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOLS = ("grpc", "http/protobuf")
EXPORTERS = ("otlp", "console", "none")
HTTP_PORT = 4318
"""Of OTLP over HTTP, by the specification; 4317 is that of gRPC."""


def exporter_of(signal: Signal) -> str:
    """One of `EXPORTERS`. Raises `BadField`."""
    name = f"OTEL_{signal}_EXPORTER"
    given = os.environ.get(name, "").strip().lower()
    if not given:
        return "otlp" if _endpoint(signal) else "none"
    if given not in EXPORTERS:
        raise BadField(name, given, f"one of {', '.join(EXPORTERS)}")
    return given


def protocol_of(signal: Signal) -> str:
    """One of `PROTOCOLS`; where none is named, that of the endpoint's port, else gRPC. Raises `BadField`."""
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        if given := os.environ.get(name, "").strip().lower():
            if given not in PROTOCOLS:
                raise BadField(name, given, " or ".join(PROTOCOLS))
            return given
    try:
        port = urlsplit(_endpoint(signal)).port
    except ValueError:
        raise BadField(ENDPOINT, _endpoint(signal), "http(s)://HOST:PORT") from None
    return "http/protobuf" if port == HTTP_PORT else "grpc"


def collector_address(signal: Signal) -> str:
    """For people, without a password."""
    default = f"http://localhost:{HTTP_PORT if protocol_of(signal) == 'http/protobuf' else 4317}"
    return parse(_endpoint(signal) or default).location


def exports() -> bool:
    """Whether the environment asks for anything to be sent. Raises `BadField`."""
    is_disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not is_disabled and any(exporter_of(signal) != "none" for signal in SIGNALS)


def header_secrets() -> list[str]:
    """Values of the headers that go to collectors: most are keys."""
    found = []
    for name in ("", *(f"{signal}_" for signal in SIGNALS)):
        pairs = os.environ.get(f"OTEL_EXPORTER_OTLP_{name}HEADERS", "").split(",")
        found += [pair.partition("=")[2].strip() for pair in pairs]
    return [value for value in found if value]


def _endpoint(signal: Signal) -> str:
    own = os.environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", "").strip()
    return own or os.environ.get(ENDPOINT, "").strip()
