"""The same instruments for Prometheus; in OpenMetrics, which it asks for, with exemplars.

OpenTelemetry's own exporter leaves exemplars out, so this reads what the SDK collected and writes it with
Prometheus' client. It collects when it is asked, in the thread that answers.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from opentelemetry.sdk.metrics.export import (
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricReader,
    MetricsData,
    NumberDataPoint,
    Sum,
)
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar


class PrometheusReader(MetricReader):
    """Asked by the SDK: keeps what it collected until it is taken."""

    def __init__(self, catch_up: Callable[[], None]) -> None:
        """`catch_up`: what has happened by now is in the instruments when it returns."""
        super().__init__()
        self._catch_up = catch_up
        self._lock = threading.Lock()
        self._data: MetricsData | None = None

    def take(self) -> MetricsData | None:
        """What is so now; None: there is nothing yet. Several threads may ask."""
        with self._lock:
            self._catch_up()
            self.collect()
            data, self._data = self._data, None
        return data

    def _receive_metrics(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> None:
        self._data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing of it is open: the HTTP server is ended by who began it."""


class Families(Collector):
    """Asked by Prometheus' client."""

    def __init__(self, reader: PrometheusReader) -> None:
        self._reader = reader

    def describe(self) -> Iterable[Family]:
        """Nothing is collected to register it."""
        return []

    def collect(self) -> Iterable[Family]:
        data = self._reader.take()
        for resource in data.resource_metrics if data is not None else ():
            for scope in resource.scope_metrics:
                yield from map(_family, scope.metrics)


def registry_of(reader: PrometheusReader) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Families(reader))
    return registry


def _family(metric: Metric) -> Family:
    name, unit = metric.name.replace(".", "_"), "seconds" if metric.unit == "s" else ""
    about = metric.description or ""
    points: Sequence[Any] = metric.data.data_points
    labels = sorted({str(key) for point in points for key in point.attributes or {}})
    names = [key.replace(".", "_") for key in labels]
    match metric.data:
        case Histogram():
            histogram = HistogramMetricFamily(name, about, labels=names, unit=unit)
            for point in points:
                histogram.add_metric(_values(point, labels), _buckets(point), point.sum)
            return histogram
        case Sum(is_monotonic=True):
            counter = CounterMetricFamily(name, about, labels=names, unit=unit)
            for point in points:
                counter.add_metric(_values(point, labels), point.value)
            return counter
        case Sum() | Gauge():
            gauge = GaugeMetricFamily(name, about, labels=names, unit=unit)
            for point in points:
                gauge.add_metric(_values(point, labels), point.value)
            return gauge
        case other:
            raise TypeError(f"{metric.name}: no instrument of ours is exported as {type(other).__name__}")


def _values(point: NumberDataPoint | HistogramDataPoint, labels: Sequence[str]) -> list[str]:
    """A label that a point has not is empty, which to Prometheus is the same as not there."""
    given = point.attributes or {}
    return [str(given.get(label, "")) for label in labels]


def _buckets(point: HistogramDataPoint) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
    """(upper bound, how many are below it), and one of them where it is known."""
    bounds = [*map(float, point.explicit_bounds), float("inf")]
    found: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
    count, lower = 0, float("-inf")
    for bound, here in zip(bounds, point.bucket_counts, strict=True):
        count += here
        inside = [each for each in point.exemplars if lower < each.value <= bound and each.trace_id]
        written = "+Inf" if bound == float("inf") else str(bound)
        if inside:
            last = max(inside, key=lambda each: each.time_unix_nano)
            ids = {"trace_id": f"{last.trace_id:032x}", "span_id": f"{last.span_id or 0:016x}"}
            found.append((written, float(count), Exemplar(ids, float(last.value), last.time_unix_nano / 1e9)))
        else:
            found.append((written, float(count)))
        lower = bound
    return found
