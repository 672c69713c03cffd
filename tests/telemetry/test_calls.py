"""Calls of one stage, as a collector, Prometheus and the log have them: over a real server."""

import json
from typing import Any

import grpc.aio
import pytest

from voice_grpc.core.errors import EngineError
from voice_grpc.engines.scripted import Hearing, Script, ScriptedStt, ScriptedTts, Voicing
from voice_grpc.pb import voice_pb2 as pb
from voice_grpc.process.log_lines import JsonLines
from voice_grpc.process.redaction import Redaction
from voice_grpc.settings.collector import ENDPOINT
from voice_grpc.telemetry.instruments import instruments

from ..rpc.test_transcribe_synthesize import END, SPEECH, audio, config
from ..serving import Served, serving
from .collector import Collected, attributes, collecting, fetched
from .test_telemetry import TRACEPARENT, watched
from .test_turn_log import written

pytest.importorskip("prometheus_client", reason="the extra otel is not installed")

from prometheus_client.parser import text_string_to_metric_families as text_metrics

CALLERS = (("traceparent", TRACEPARENT),)
TRACE, SPAN = TRACEPARENT.split("-")[1:3]
TEXT = "The first clause is said. The second one is said as well."


async def transcribe(served: Served, metadata: tuple[tuple[str, str], ...] = (), utterances: int = 2) -> None:
    call = served.stub.Transcribe(metadata=metadata)
    await call.write(config())
    for _ in range(utterances):
        for request in (*audio(SPEECH), END):
            await call.write(request)
    await call.done_writing()
    async for _ in call:
        pass


async def synthesize(served: Served, metadata: tuple[tuple[str, str], ...] = ()) -> None:
    async for _ in served.stub.Synthesize(pb.SynthesizeRequest(text=TEXT), metadata=metadata):
        pass


async def collected_calls(monkeypatch: pytest.MonkeyPatch, metadata: Any = CALLERS) -> Collected:
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        async with watched(Script(stt=ScriptedStt([Hearing("one"), Hearing("two")]))) as (served, _):
            await transcribe(served, metadata)
            await synthesize(served, metadata)
    return collected


async def test_each_utterance_and_each_clause_is_a_span_of_the_callers_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collected = await collected_calls(monkeypatch)
    assert {span.trace_id.hex() for span in collected.spans} == {TRACE}
    for name, piece, method in (("transcription", "stt", "Transcribe"), ("synthesis", "tts", "Synthesize")):
        (call,), pieces = collected.named(name), collected.named(piece)
        told = attributes(call)
        assert call.parent_span_id.hex() == SPAN
        assert call.kind == call.SPAN_KIND_SERVER
        assert (told["rpc.method"], told["voice.call.end_reason"]) == (method, "done")
        assert told["voice.call.pieces"] == len(pieces) == 2
        for span in pieces:
            assert span.parent_span_id == call.span_id
            assert span.start_time_unix_nano <= span.end_time_unix_nano <= call.end_time_unix_nano
            engine = attributes(span)
            assert engine["gen_ai.request.model"] == {"stt": "script", "tts": "tone"}[piece]
            assert engine["gen_ai.operation.name"] == {"stt": "transcribe", "tts": "synthesize"}[piece]
            assert engine["gen_ai.provider.name"] == "embedded"
            assert engine["gen_ai.output.type"] == {"stt": "text", "tts": "speech"}[piece]
    clauses = [attributes(span) for span in collected.named("tts")]
    assert [clause["voice.clause"] for clause in clauses] == [0, 1]
    assert all(clause["gen_ai.response.time_to_first_chunk"] >= 0 for clause in clauses)


async def test_without_a_callers_trace_each_call_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = await collected_calls(monkeypatch, ())
    roots = [span for span in collected.spans if not span.parent_span_id]
    assert {span.name for span in roots} == {"transcription", "synthesis"}
    assert len({span.trace_id for span in collected.spans}) == 2


async def test_their_metrics_have_exemplars_of_their_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    collected = await collected_calls(monkeypatch)
    metrics = collected.last_metrics
    for name, count in (("voice.transcribe.final_delay", 2), ("voice.synthesize.first_audio", 2)):
        (point,) = metrics[name].histogram.data_points
        assert (metrics[name].unit, point.count) == ("s", count)
        assert {each.trace_id.hex() for each in point.exemplars} == {TRACE}
    (sound,) = metrics["voice.transcribe.audio"].sum.data_points
    assert 2.0 < sound.as_double < 3.0
    (characters,) = metrics["voice.tts.characters"].sum.data_points
    assert characters.as_int > len(TEXT) // 2
    ended = metrics["voice.call.duration"].histogram.data_points
    labels = [{each.key: each.value.string_value for each in point.attributes} for point in ended]
    assert [label["voice.reason"] for label in labels] == ["done", "done"]
    assert {label["rpc.method"] for label in labels} == {"Transcribe", "Synthesize"}


async def test_prometheus_has_them_under_their_names() -> None:
    async with watched(metrics_port=0) as (served, port):
        await transcribe(served)
        await synthesize(served)
        families = {family.name for family in text_metrics((await fetched(port))[1])}
    assert families <= {each.prometheus.removesuffix("_total") for each in instruments()}
    assert {
        "voice_call_duration_seconds",
        "voice_transcribe_final_delay_seconds",
        "voice_transcribe_audio_seconds",
        "voice_synthesize_first_audio_seconds",
        "voice_tts_characters",
        "voice_sessions_parked",
    } <= families


async def test_what_fails_is_a_failure_of_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(
        stt=ScriptedStt([Hearing("", error=EngineError("stt", "no ears"))]),
        tts=ScriptedTts(Voicing(error_at=1)),
    )
    async with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.endpoint)
        async with watched(script) as (served, _):
            await transcribe(served, utterances=1)
            with pytest.raises(grpc.aio.AioRpcError):
                await synthesize(served)
    (stt,), (synthesis,) = collected.named("stt"), collected.named("synthesis")
    assert attributes(stt)["error.type"] == attributes(synthesis)["error.type"] == "ENGINE_ERROR"
    assert [attributes(tts).get("error.type") for tts in collected.named("tts")] == [None, "ENGINE_ERROR"]
    assert attributes(collected.named("transcription")[0])["voice.call.end_reason"] == "done"
    points = collected.last_metrics["voice.notices"].sum.data_points
    assert [point.as_int for point in points] == [1]
    assert "voice.transcribe.final_delay" not in collected.last_metrics


async def test_a_call_that_is_refused_is_logged_with_the_callers_trace() -> None:
    with written(JsonLines(Redaction())) as out:
        async with serving(tokens=["a-token-of-somebody"]) as served:
            calls = (
                served.stub.Synthesize(pb.SynthesizeRequest(text=TEXT), metadata=CALLERS).read(),
                served.stub.ListVoices(pb.ListVoicesRequest(), metadata=CALLERS),
            )
            for call in calls:
                with pytest.raises(grpc.aio.AioRpcError, match="no credentials"):
                    await call
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    told = [line["trace_id"] for line in lines if "no credentials" in line["message"]]
    assert told == [TRACE, TRACE]


async def test_each_call_is_a_line_at_its_end() -> None:
    with written(JsonLines(Redaction())) as out:
        async with serving() as served:
            await transcribe(served, CALLERS)
            await synthesize(served, CALLERS)
            refused = served.stub.Synthesize(pb.SynthesizeRequest(text=TEXT, language_code="xx"))
            with pytest.raises(grpc.aio.AioRpcError):
                await refused.read()
            call = served.stub.Transcribe()
            await call.write(config())
            await call.initial_metadata()
            await served.server.drain(0.0)
    lines = [line for line in map(json.loads, out.getvalue().splitlines()) if "event" in line]
    assert {line["event"] for line in lines} == {"call_ended"}
    told = [(line["method"], line["why"], line["pieces"]) for line in lines]
    assert told == [
        ("Transcribe", "done", 2),
        ("Synthesize", "done", 2),
        ("Synthesize", "BAD_FIELD", 0),
        ("Transcribe", "DRAINING", 0),
    ]
    for line in lines[:2]:
        assert line["trace_id"] == TRACE
        assert line["seconds"] >= 0
        assert line["delay_ms"] >= 0
        assert line["audio_seconds"] > 1
    assert lines[1]["characters"] > 0
