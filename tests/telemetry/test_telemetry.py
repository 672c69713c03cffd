"""A real server on scripted engines, seen by a collector and by Prometheus: what leaves, what must not."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from voice_grpc.core.errors import BadField, BadState, UsageError
from voice_grpc.engines.scripted import Script
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.settings.collector import ENDPOINT
from voice_grpc.telemetry.instruments import instruments
from voice_grpc.telemetry.start import telemetry

from ..server.test_command import SCRIPTED, address, started
from ..serving import LONG, ConverseCall, Served, scripted, serving, stub_of
from .collector import Collected, attributes, collecting, collecting_by_http, fetched

pytest.importorskip("prometheus_client", reason="the extra otel is not installed")

from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as text_metrics

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"
SPOKEN, ANSWER, TOKEN = "my secret garden blooms", "Roses prefer marmalade.", "tok-4711-of-the-caller"


@asynccontextmanager
async def watched(
    script: Script | None = None, *, metrics_port: int | None = None, **given: Any
) -> AsyncIterator[tuple[Served, int]]:
    async with (
        telemetry("127.0.0.1", metrics_port) as seen,
        serving(script, observer=seen.observer, **given) as served,
    ):
        yield served, seen.metrics_port or 0


async def spoken_turn(served: Served, metadata: tuple[tuple[str, str], ...] = (), turns: int = 1) -> None:
    async with served.talk(metadata) as talk:
        await talk.config(session_id="garden")
        for turn in range(1, turns + 1):
            await talk.speak()
            assert await talk.over(turn) == pb.TurnEvent.STATE_COMPLETED
        await talk.half_close()
        await talk.ended()


async def collected_turn(
    monkeypatch: pytest.MonkeyPatch, metadata: tuple[tuple[str, str], ...] = ()
) -> Collected:
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        async with watched(scripted(ANSWER, SPOKEN)) as (served, _):
            await spoken_turn(served, metadata, turns=2)
        return collected


async def test_a_turn_is_a_trace_with_its_stages_below_it(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = await collected_turn(monkeypatch)
    (conversation,) = collected.named("conversation")
    turns = collected.named("turn")
    assert len(turns) == 2
    assert len({conversation.trace_id, *(turn.trace_id for turn in turns)}) == 3
    for turn in turns:
        below = [span for span in collected.spans if span.parent_span_id == turn.span_id]
        assert {span.name for span in below} == {"endpointing", "stt", "llm", "tts", "playout"}
        assert all(span.trace_id == turn.trace_id for span in below)
        assert [link.span_id for link in turn.links] == [conversation.span_id]
        assert not turn.parent_span_id
        for span in below:
            assert turn.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
            assert span.end_time_unix_nano <= turn.end_time_unix_nano
        told = attributes(turn)
        assert told["session.id"] == told["gen_ai.conversation.id"] == "garden"
        assert told["voice.turn.end"] == "completed"
        stages = {span.name: attributes(span) for span in below}
        for name, operation, model in (
            ("stt", "transcribe", "script"), ("llm", "chat", "script"), ("tts", "synthesize", "tone"),
        ):  # fmt: skip
            assert stages[name]["gen_ai.operation.name"] == operation
            assert stages[name]["gen_ai.provider.name"] == "embedded"
            assert stages[name]["gen_ai.request.model"] == model
            assert stages[name]["gen_ai.conversation.id"] == "garden"
        assert stages["llm"]["gen_ai.usage.output_tokens"] > 0
    assert collected.resource["service.name"] == "voice-grpc"
    assert attributes(conversation)["voice.session.end_reason"] == "half_close"


async def test_the_callers_trace_is_gone_on_with(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = await collected_turn(monkeypatch, (("traceparent", TRACEPARENT), ("tracestate", "a=1")))
    (conversation,) = collected.named("conversation")
    assert conversation.parent_span_id.hex() == TRACEPARENT.split("-")[2]
    assert {span.trace_id.hex() for span in collected.spans} == {TRACEPARENT.split("-")[1]}
    assert {turn.parent_span_id for turn in collected.named("turn")} == {conversation.span_id}


async def test_a_caller_that_does_not_record_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = await collected_turn(monkeypatch, (("traceparent", f"{TRACEPARENT[:-2]}00"),))
    assert collected.spans == []


async def test_an_interruption_is_told_by_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        async with watched(scripted(LONG, SPOKEN)) as (served, _), served.talk() as talk:
            await talk.config()
            await talk.text("Tell me.")
            await talk.next("audio")
            await talk.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
            await talk.over(1)
            await talk.half_close()
            await talk.ended()
    (turn,) = [attributes(span) for span in collected.named("turn")]
    assert (turn["voice.turn.end"], turn["voice.turn.cut_reason"]) == ("interrupted", "request")
    points = collected.last_metrics["voice.turns"].sum.data_points
    assert [point.as_int for point in points] == [1]


async def test_a_conversation_that_nobody_came_back_to_is_over_in_every_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        async with watched(metrics_port=0, max_parked=1) as (served, port):
            for n in range(3):
                async with served.talk() as talk:
                    await talk.config(session_id=f"talk-{n}")
                await asyncio.wait_for(none_open(served), 60)
            exposed = (await fetched(port))[1]
    assert "voice_sessions_active 0.0" in exposed
    lines, waits = collected.named("conversation"), collected.named("parked")
    assert [attributes(line)["voice.session.end_reason"] for line in lines] == ["parked"] * 3
    why = {attributes(wait)["session.id"]: attributes(wait)["voice.session.end_reason"] for wait in waits}
    assert why == {"talk-0": "crowded", "talk-1": "crowded", "talk-2": "DRAINING"}
    assert {wait.parent_span_id for wait in waits} == {line.span_id for line in lines}
    (sum_of,) = collected.last_metrics["voice.sessions.active"].sum.data_points
    assert sum_of.as_int == 0


async def none_open(served: Served) -> None:
    while (await served.stub.GetServerInfo(pb.GetServerInfoRequest())).use.open_sessions:
        pass


async def test_metrics_come_with_exemplars_of_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = await collected_turn(monkeypatch)
    metric = collected.last_metrics["voice.turn.voice_to_voice"]
    (point,) = metric.histogram.data_points
    assert (metric.unit, point.count) == ("s", 2)
    turns = {turn.trace_id for turn in collected.named("turn")}
    assert {each.trace_id for each in point.exemplars} <= turns
    assert point.exemplars


async def test_a_collector_by_http_gets_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    with collecting_by_http() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        async with watched() as (served, _):
            await spoken_turn(served)
    assert len(collected.named("turn")) == 1
    assert "voice.turns" in collected.last_metrics


async def test_prometheus_reads_every_metric_under_its_name() -> None:
    async with watched(metrics_port=0) as (served, port):
        _, before = await fetched(port)
        assert "voice_sessions_active 0.0" in before
        assert f"voice_sessions_capacity {served.server._settings.max_sessions}.0" in before  # noqa: SLF001
        async with served.talk() as talk:
            await talk.config()
            _, during = await fetched(port)
            assert "voice_sessions_active 1.0" in during
        await spoken_turn(served)
        kind, opened = await fetched(port, accept=OPEN_METRICS)
        assert kind.startswith("application/openmetrics-text")
        kind, text = await fetched(port)
        assert kind.startswith("text/plain")
        families = {family.name: family for family in text_metrics(text)}
        known = {each.prometheus.removesuffix("_total") for each in instruments()}
        assert set(families) <= known
        assert {"voice_turn_voice_to_voice_seconds", "voice_turns", "voice_llm_tokens"} <= set(families)
        parsed = open_metrics(opened)  # type: ignore[no-untyped-call]
        samples = [sample for family in parsed for sample in family.samples]
        told = [s for s in samples if s.name == "voice_turn_voice_to_voice_seconds_bucket" and s.exemplar]
        assert told
        assert {*told[0].exemplar.labels} == {"trace_id", "span_id"}


async def test_no_word_and_no_secret_leaves(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=key-of-the-collector")
        given = watched(scripted(ANSWER, SPOKEN), metrics_port=0, tokens=[TOKEN])
        async with given as (served, port):
            known = (("authorization", f"Bearer {TOKEN}"), ("x-user", "Clementine"))
            await spoken_turn(served, known)
            async with served.talk(known) as talk:
                await talk.send(pb.ConverseRequest(config=pb.SessionConfig(session_id=SPOKEN)))
                await talk.ended()
            exposed = (await fetched(port))[1]
    assert collected.metadata[0]["api-key"] == "key-of-the-collector"
    lines = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "turn 1: completed" in lines
    for place in (lines, collected.everything, exposed):
        for word in ("garden blooms", "marmalade", TOKEN, "key-of-the-collector", "Clementine"):
            assert word not in place


async def test_no_label_is_a_callers_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten callers with ids of their own make no more series than one."""
    async with watched(metrics_port=0) as (served, port):
        await spoken_turn(served)
        once = await series(port)
        for n in range(3):
            async with served.talk((("x-user", f"u{n}"),)) as talk:
                await talk.config(session_id=f"other-{n}", metadata={f"k{n}": f"v{n}"})
                await talk.speak()
                await talk.over(1)
                await talk.half_close()
                await talk.ended()
        often = await series(port)
    assert often == once


async def series(port: int) -> set[str]:
    """But for those that time alone brings."""
    lines = (await fetched(port))[1].splitlines()
    return {line.rpartition(" ")[0] for line in lines if not line.startswith(("#", "voice_load"))}


# ---------------------------------------------------------------- what goes wrong


async def test_a_dead_collector_costs_nothing_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    async with watched() as (served, _):
        await spoken_turn(served, turns=3)
    said = [r.getMessage() for r in caplog.records if "collector" in r.getMessage()]
    assert 1 <= len(said) == len(set(said)) <= 2, said  # of traces, and of metrics
    loud = [r for r in caplog.records if r.name.startswith("opentelemetry") and r.levelno < logging.CRITICAL]
    assert not loud


@pytest.mark.parametrize(
    ("variable", "value"),
    [("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier pigeon"), ("OTEL_TRACES_EXPORTER", "zipkin")],
)
async def test_a_variable_that_cannot_be_used_is_named(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadField, match=f"{variable}: got '{value}', accepted: "):
        async with telemetry("127.0.0.1", None):
            pass


async def test_a_port_that_is_taken_is_named() -> None:
    async with telemetry("127.0.0.1", 0) as first:
        assert first.metrics_port
        with pytest.raises(BadState, match="--metrics-port"):
            async with telemetry("127.0.0.1", first.metrics_port):
                pass


async def test_the_sdk_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
        async with watched() as (served, _):
            await spoken_turn(served)
    assert (collected.traces, collected.metrics) == ([], [])


async def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("voice_grpc.telemetry.start.MODULES", ("opentelemetry_that_is_none.sdk",))
    with pytest.raises(UsageError, match=r"--metrics-port .*_that_is_none.* install .*\[otel\]"):
        async with telemetry("127.0.0.1", 0):
            pass
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:9")
    async with watched() as (served, _):
        await spoken_turn(served)
    (said,) = [r.getMessage() for r in caplog.records if "not installed" in r.getMessage()]
    assert "[otel]" in said


def test_nothing_of_it_is_imported_unless_asked_for() -> None:
    code = (
        "import asyncio, sys\n"
        "import voice_grpc.server.server\n"
        "from voice_grpc.telemetry.start import telemetry\n"
        "async def main():\n"
        "    async with telemetry('127.0.0.1', None): pass\n"
        "asyncio.run(main())\n"
        "print([n for n in sys.modules if n.startswith(('opentelemetry.sdk', 'prometheus_client'))])"
    )
    clean = {key: value for key, value in os.environ.items() if not key.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=clean
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


async def test_a_process_logs_json_and_no_word_at_any_level(tmp_path: Path) -> None:
    arguments = ("--port", "0", "--store", "memory", "--log-format", "json", "--log-level", "debug")
    async with (
        collecting() as collected,
        started(
            *SCRIPTED, *arguments, "--metrics-port", "0", home=tmp_path,
            variables={ENDPOINT: collected.endpoint, "OTEL_SERVICE_NAME": "voices-of-north"},
        ) as process,
    ):  # fmt: skip
        assert process.stdout is not None
        target = await address(process)
        async with grpc.aio.insecure_channel(target) as channel:
            call = ConverseCall(stub_of(channel))
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(call.read_all(), name="read")
                await call.config(session_id="garden")
                await call.text(SPOKEN)
                await call.next("audio")
                await call.half_close()
                await call.send(pb.ConverseRequest(interrupt=pb.Interrupt()))
                call.cancel()
        process.terminate()
        async with asyncio.timeout(60):
            _, error = await process.communicate()
    lines = [json.loads(line) for line in error.decode().splitlines()]
    events = [line["event"] for line in lines if "event" in line]
    assert events[0] == "session_began", error
    assert sorted(events[1:]) == ["session_ended", "session_parked", "turn"], (
        "the line is lost, and the turn ends with the server"
    )
    told = error.decode() + collected.everything
    assert "garden blooms" not in told
    assert "rather long answer" not in told
    assert collected.resource["service.name"] == "voices-of-north"
