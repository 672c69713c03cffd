"""What of telemetry the environment and the settings ask for, begun and ended.

The extra `otel` is imported here, and only where something is asked for that needs it.
"""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec

from .. import __version__
from ..core.errors import UsageError, VoiceError
from ..ports import Observer, Observers
from ..process.installation import advice
from ..settings.collector import exports
from .turn_log import TurnLog

log = logging.getLogger(__name__)

MODULES = (
    "opentelemetry.sdk",
    "opentelemetry.exporter.otlp.proto.grpc",
    "opentelemetry.exporter.otlp.proto.http",
    "prometheus_client",
)
"""That the extra `otel` brings."""

SERVICE = "voice-grpc"
"""`service.name`, where OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES name none."""

LAST_SECONDS = 2.0
"""For what was not sent yet, at the end. A collector that does not answer holds up no end for longer."""


class Telemetry:
    """Who looks on, and where Prometheus finds what they saw."""

    def __init__(self, observer: Observer, metrics_port: int | None = None) -> None:
        self.observer = observer
        self.metrics_port = metrics_port
        """In use; None: Prometheus is not served."""


@asynccontextmanager
async def telemetry(
    host: str, metrics_port: int | None, *, tells_words: bool = False
) -> AsyncIterator[Telemetry]:
    """Until the block ends. `metrics_port`: of `--metrics-port`; None: not asked for.

    Raises `UsageError` where it is asked for and the extra `otel` is not installed, `BadState` for a port
    that is taken, and `BadField` for an OTEL_ variable that cannot be used.
    """
    lines = TurnLog(tells_words=tells_words)
    is_sent = exports()
    is_wanted = is_sent or metrics_port is not None
    if is_wanted and (install := await asyncio.to_thread(to_install)):
        if metrics_port is not None:
            raise UsageError(f"--metrics-port (VOICE_METRICS_PORT): {install}")
        log.warning("OTEL_ variables name a collector, and nothing is sent to it: %s", install)
        is_sent = False
    if not is_sent and metrics_port is None:
        yield Telemetry(lines)
        return
    exporting = await asyncio.to_thread(_Exporting, host, metrics_port, is_sent=is_sent)
    try:
        yield Telemetry(Observers(exporting.observer, lines), exporting.metrics_port)
    finally:
        await asyncio.to_thread(exporting.end)


class _Exporting:
    """The SDK, set up and ended: neither is for the event loop."""

    def __init__(self, host: str, metrics_port: int | None, *, is_sent: bool) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        from .call_traces import CallTraces
        from .exporters import metric_reader, quieten, span_processor
        from .exposition import Exposition
        from .later import Later
        from .metrics import MetricRecorder
        from .prometheus import PrometheusReader, registry_of
        from .traces import GivenTraceIds, Traces

        quieten()
        self.observer = self._later = later = Later()
        resource = Resource.create({"service.version": __version__})
        if str(resource.attributes["service.name"]).startswith("unknown_service"):
            resource = resource.merge(Resource({"service.name": SERVICE}))
        exposed = PrometheusReader(later.catch_up) if metrics_port is not None else None
        sent = metric_reader() if is_sent else None
        processor = span_processor() if is_sent else None
        ids = GivenTraceIds()
        readers = [each for each in (exposed, sent) if each is not None]
        self._meters = MeterProvider(readers, resource, shutdown_on_exit=False)
        self._tracers = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        if processor is not None:
            self._tracers.add_span_processor(processor)
        tracer = self._tracers.get_tracer(__package__, __version__)
        traces, calls = Traces(tracer, ids, later.wall_ns), CallTraces(tracer, ids, later.wall_ns)
        metrics = MetricRecorder(
            self._meters.get_meter(__package__, __version__),
            lambda happening: traces.context_of(happening) or calls.context_of(happening),
        )
        later.begin(Observers(traces, calls, metrics))
        self._exposition = None
        if exposed is not None and metrics_port is not None:
            try:
                self._exposition = Exposition(registry_of(exposed), host, metrics_port)
            except VoiceError:
                self.end()
                raise

    @property
    def metrics_port(self) -> int | None:
        return self._exposition.port if self._exposition is not None else None

    def end(self) -> None:
        """What is left is sent, within `LAST_SECONDS`; who does not take it by then is not waited for."""
        if self._exposition is not None:
            self._exposition.close()
        ending = threading.Thread(target=self._shut_down, name="telemetry-ends", daemon=True)
        ending.start()
        ending.join(LAST_SECONDS)

    def _shut_down(self) -> None:
        self._later.end()
        self._tracers.shutdown()
        self._meters.shutdown(LAST_SECONDS * 1_000)


def to_install() -> str:
    """What of the extra is not installed and how it is; empty: nothing. None of it is imported to find out.
    Looks at the disk: not for the event loop."""
    missing = [module for module in MODULES if not _is_there(module)]
    return f"{', '.join(missing)} not installed: {advice('otel')}" if missing else ""


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is the package that it is in
        return False
