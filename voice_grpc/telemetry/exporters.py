"""Traces and metrics on their way to a collector, as the standard OTEL_ variables say.

What leaves does so in threads of the SDK, from queues that are bounded and drop what is too much. A collector
that does not answer costs nobody anything: it is said once, and once more when it answers again.
"""

import logging
import threading
from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricReader,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from ..settings.collector import collector_address, exporter_of, protocol_of

log = logging.getLogger(__name__)

QUIET = "opentelemetry"
"""Loggers that say at each failed export what is said once here."""


class Collector:
    """Whether it answers, as far as it is known; told by the threads that export."""

    def __init__(self, signal: str, address: str) -> None:
        self._signal, self._address = signal, address
        self._lock = threading.Lock()
        self._answers = True

    def note(self, *, answers: bool) -> None:
        with self._lock:
            if answers == self._answers:
                return
            self._answers = answers
        if answers:
            log.info("the collector at %s takes %s again", self._address, self._signal)
        else:
            text = "the collector at %s does not take %s; they are dropped until it does, and nothing waits"
            log.warning(text, self._address, self._signal)


class ToldSpanExporter(SpanExporter):
    def __init__(self, inner: SpanExporter, collector: Collector) -> None:
        self._inner, self._collector = inner, collector

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        self._collector.note(answers=result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


class ToldMetricExporter(MetricExporter):
    def __init__(self, inner: MetricExporter, collector: Collector) -> None:
        super().__init__(
            preferred_temporality=inner._preferred_temporality,  # noqa: SLF001 - the reader asks the outer one
            preferred_aggregation=inner._preferred_aggregation,  # noqa: SLF001
        )
        self._inner, self._collector = inner, collector

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        result = self._inner.export(metrics_data, timeout_millis, **kwargs)
        self._collector.note(answers=result is MetricExportResult.SUCCESS)
        return result

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self._inner.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._inner.force_flush(timeout_millis)


def span_processor() -> SpanProcessor | None:
    """None: the environment asks for no traces. Raises `BadField` for a variable that cannot be used."""
    match exporter_of("TRACES"):
        case "none":
            return None
        case "console":
            from opentelemetry.sdk.trace.export import ConsoleSpanExporter

            return BatchSpanProcessor(ConsoleSpanExporter())
    collector = Collector("traces", collector_address("TRACES"))
    return BatchSpanProcessor(ToldSpanExporter(_span_exporter(), collector))


def takes_traces(seconds: float) -> bool:
    """Whether the collector takes a request without any span, within `seconds`. Blocks. Raises `BadField`."""
    quieten()
    exporter = _span_exporter(seconds)
    try:
        return exporter.export(()) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()


def _span_exporter(seconds: float | None = None) -> SpanExporter:
    """`seconds`: for one request with what is tried again; None: as the environment says."""
    if protocol_of("TRACES") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as ByGrpc

        return ByGrpc(timeout=seconds)
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as ByHttp

    return ByHttp(timeout=seconds)


def metric_reader() -> MetricReader | None:
    """None: the environment asks for no metrics to be sent. Raises `BadField` likewise."""
    exporter: MetricExporter
    match exporter_of("METRICS"):
        case "none":
            return None
        case "console":
            from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

            return PeriodicExportingMetricReader(ConsoleMetricExporter())
    if protocol_of("METRICS") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as ByGrpc

        exporter = ByGrpc()
    else:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as ByHttp

        exporter = ByHttp()
    collector = Collector("metrics", collector_address("METRICS"))
    return PeriodicExportingMetricReader(ToldMetricExporter(exporter, collector))


def quieten() -> None:
    """What the SDK says of failed exports is said by `Collector`; whoever debugs sees all of it."""
    if not logging.getLogger().isEnabledFor(logging.DEBUG):
        logging.getLogger(QUIET).setLevel(logging.CRITICAL)
