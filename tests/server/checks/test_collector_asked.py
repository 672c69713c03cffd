"""Whether a real collector takes what is sent to it, by the variables of this process."""

import asyncio

import pytest

from tests.free_port import free_port
from tests.telemetry.collector import collecting, collecting_by_http
from voice_grpc.server.checks.collector import check_collector
from voice_grpc.settings.collector import ENDPOINT

pytest.importorskip("opentelemetry.sdk", reason="the extra otel is not installed")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_TRACES_EXPORTER"):
        monkeypatch.delenv(name, raising=False)


async def test_one_that_nobody_named_is_not_asked() -> None:
    assert await check_collector() == []


async def test_one_that_answers_is_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        (result,) = await check_collector()
    assert (result.works, result.model, result.where) == (True, "grpc", collected.endpoint)
    assert result.latency_ms is not None
    with collecting_by_http() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        (result,) = await check_collector()
    assert (result.works, result.model) == (True, "http/protobuf")


async def test_one_that_is_not_there_is_to_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, f"http://user:sesame@127.0.0.1:{free_port()}")
    (result,) = await check_collector()
    assert (result.works, result.is_reachable) == (False, False)
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in result.fix
    assert "sesame" not in str(result)


async def test_who_listens_and_is_no_collector_is_to_be_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        (result,) = await check_collector()
    assert (result.works, result.is_reachable, result.error) == (False, True, "it takes no request")
