"""What it costs to be seen is measured of a server that is seen."""

import pytest

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")

from voice_grpc.bench import observed


def test_what_leaves_for_the_collector_and_for_prometheus_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observed, "PAIRS", 1)
    monkeypatch.setattr(observed, "SCRAPE_SECONDS", 0.1)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    found = observed.measure(4.0, sessions=2)
    assert found.exports > 0
    assert found.kilobytes > 0
    assert found.scrapes > 0
    assert found.plain > 0
    assert found.observed > 0
    assert observed.report(found).count("|") == observed.HEADER.splitlines()[0].count("|")
