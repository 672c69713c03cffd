"""Nothing of this machine's settings for every test here; and the SDK's loggers as they were."""

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("ENDPOINT", "PROTOCOL", "HEADERS", "TRACES_ENDPOINT", "METRICS_ENDPOINT"):
        monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{name}", raising=False)
    yield
    logging.getLogger("opentelemetry").setLevel(logging.NOTSET)
