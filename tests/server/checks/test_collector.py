"""What is said of the collector, by the standard variables."""

import asyncio
from pathlib import Path

import pytest

from tests.free_port import free_port
from voice_grpc.server.checks import collector
from voice_grpc.server.checks.collector import check_collector

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is on this machine."""
    monkeypatch.setattr(collector, "_is_installed", lambda: True)


async def test_where_nothing_is_set_there_is_nothing_to_say() -> None:
    assert await check_collector({"PATH": "/bin"}) == []
    assert await check_collector({ENDPOINT: "nonsense://", "OTEL_SDK_DISABLED": "true"}) == []


async def test_one_that_listens_and_one_that_does_not() -> None:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        (well,) = await check_collector({ENDPOINT: f"http://127.0.0.1:{port}/v1"})
        assert (well.works, well.is_reachable, well.where) == (True, True, f"http://127.0.0.1:{port}")
        (bare,) = await check_collector({ENDPOINT: f"127.0.0.1:{port}"})
        assert bare.works
    (away,) = await check_collector({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{free_port()}"})
    assert (away.works, away.is_reachable) == (False, False)
    assert "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is its address" in away.fix


async def test_without_the_packages_nothing_would_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "_is_installed", lambda: False)
    lacking, _ = await check_collector({ENDPOINT: f"http://127.0.0.1:{free_port()}"})
    assert "are not installed" in lacking.error
    assert "otel" in lacking.fix


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (ENDPOINT, "ftp://x", "got 'ftp://x'"),
        (ENDPOINT, "http://user:hush@", "got ''"),
        (ENDPOINT, "http://x:99999", "got 'http://x:99999'"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "morse", "got 'morse'"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "soon", "got 'soon'"),
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem", "no file '/nowhere.pem'"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "hush-hush", "got a secret"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "got 'sometimes'"),
    ],
)
async def test_what_cannot_be_read_is_named(name: str, value: str, said: str) -> None:
    (wrong,) = await check_collector({name: value})
    assert (wrong.works, wrong.engine) == (False, name)
    assert said in wrong.error
    assert "hush" not in wrong.error + wrong.fix


async def test_a_share_goes_with_its_sampler(tmp_path: Path) -> None:
    given = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "2"}
    (wrong,) = await check_collector(given)
    assert wrong.engine == "OTEL_TRACES_SAMPLER_ARG"
    assert await check_collector({**given, "OTEL_TRACES_SAMPLER_ARG": "0.1"}) == []
