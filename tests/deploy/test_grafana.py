"""The dashboard asks for what is exported, all of it, as PromQL has it, and is one that Grafana reads."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.deploy.files import DEPLOY, of_kind
from tests.serving import WITHIN, serving
from tests.telemetry.collector import fetched
from tests.telemetry.test_calls import synthesize, transcribe
from tests.telemetry.test_telemetry import spoken_turn
from voice_grpc.core.errors import Reason
from voice_grpc.core.responses import TurnMetrics, TurnPhase
from voice_grpc.core.timeline import Timeline
from voice_grpc.core.trace_context import TraceContext
from voice_grpc.core.turn.interruption import OverlapVerdict
from voice_grpc.ports import SessionIdentity
from voice_grpc.ports.observer import (
    AnswerFacts,
    EngineFacts,
    Happening,
    NoticeTold,
    OverlapJudged,
    StatusTold,
    TurnEnded,
    WorkWasted,
)
from voice_grpc.telemetry.instruments import STAGES, Kind, instruments
from voice_grpc.telemetry.start import telemetry

from .dashboard_queries import OF_TARGETS, Series, asked_by, fault_of, series_of

DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "voice-grpc.json").read_text())
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
BUILT_IN = {"__rate_interval"}
"""Variables that Grafana fills itself."""
ME = SessionIdentity("talk", TraceContext("0af7651916cd43dd8448eb211c80319c"))


def samples() -> set[str]:
    """The name by which each instrument is asked for."""
    return {f"{i.prometheus}_bucket" if i.kind is Kind.HISTOGRAM else i.prometheus for i in instruments()}


def rarities() -> Iterator[Happening]:
    """What a conversation in which all goes well tells nobody."""
    engine = EngineFacts("script", "in process")
    answer = AnswerFacts(TurnMetrics(1, dict.fromkeys(STAGES, 0.5), {}), (), engine, engine)
    yield TurnEnded(ME, 1, TurnPhase.INTERRUPTED, "speech", Timeline(), 1.0, 1.0, answer)
    yield WorkWasted(ME, 1, 2, 3, 0.5)
    yield NoticeTold(ME, "llm", Reason.ENGINE_FALLBACK)
    yield OverlapJudged(ME, OverlapVerdict.NOISE)
    yield StatusTold("Converse", Reason.BAD_FIELD)


async def exported() -> dict[str, Series]:
    """What Prometheus would fetch from a server that was used in every way."""
    async with (
        telemetry("127.0.0.1", 0) as seen,
        serving(observer=seen.observer) as served,
        asyncio.timeout(WITHIN),
    ):
        await spoken_turn(served)
        await transcribe(served)
        await synthesize(served)
        for each in rarities():
            seen.observer.observe(each)
        assert seen.metrics_port is not None
        found: dict[str, Series] = {}
        while not samples() <= found.keys():  # what admission control sees is told once a second
            found = series_of((await fetched(seen.metrics_port))[1])
    return found


async def test_every_query_is_of_what_a_server_exports() -> None:
    found = await exported()
    assert [fault for each in TARGETS if (fault := fault_of(each["expr"], each["legendFormat"], found))] == []


def test_every_metric_is_queried() -> None:
    assert {name for each in TARGETS for name in asked_by(each["expr"])} == samples()


SOME = {
    "voice_a_seconds_bucket": Series("histogram", OF_TARGETS | {"le"}),
    "voice_b_total": Series("counter", OF_TARGETS | {"why"}),
    "voice_c": Series("gauge", OF_TARGETS),
}


@pytest.mark.parametrize(
    ("query", "legend", "fault"),
    [
        ("sum by (why) (rate(voice_b_total[$__rate_interval]))", "{{why}}", ""),
        ('voice_c{job=~"$job"}', "{{instance}}", ""),
        ("sum(voice_c", "", "unclosed left parenthesis"),
        ("rate(voice_c[5m])", "", "a rate of a gauge"),
        ("voice_b_total", "", "a counter without a rate"),
        ("sum(voice_b)", "", "nothing exports voice_b"),
        ('voice_c{host="a"}', "", "voice_c has no label host"),
        ("sum by (whom) (rate(voice_b_total[5m]))", "", "by whom, of which there is none"),
        ("sum(rate(voice_b_total[5m]))", "{{why}}", "{{why}}: why of no line"),
        ("histogram_quantile(0.5, sum(rate(voice_a_seconds_bucket[5m])))", "", "no rates of buckets by le"),
        ("histogram_quantile(0.5, voice_a_seconds_bucket)", "", "no rates of buckets by le"),
        ("histogram_quantile(0.5, rate(voice_b_total[5m]))", "", "no rates of buckets by le"),
        ("voice_c + voice_c", "", "no rule for BinaryExpr"),
    ],
)
def test_a_query_that_would_show_nothing_is_found(query: str, legend: str, fault: str) -> None:
    found = fault_of(query, legend, SOME)
    assert fault in found
    assert bool(found) is bool(fault)


async def test_variables_are_those_that_there_are() -> None:
    variables = {each["name"]: each for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD["panels"])))
    assert used - BUILT_IN == set(variables)
    for name in OF_TARGETS:
        query = variables[name]["query"]["query"]
        assert query == variables[name]["definition"] == f"label_values(voice_sessions_active, {name})"


def test_grafana_s_own_types_have_room_for_all_of_it() -> None:
    """What is read into them and written again is the same; but for a text that Grafana's editor keeps."""
    models = pytest.importorskip(
        "grafana_foundation_sdk.models.dashboard",
        reason="grafana-foundation-sdk is not installed (the extra `dev`)",
    )
    from grafana_foundation_sdk.cog import encoder, plugins

    plugins.register_default_plugins()
    read = models.Dashboard.from_json(DASHBOARD)
    again = json.loads(encoder.JSONEncoder().encode(read))
    assert sorted(lost(DASHBOARD, again)) == [f"/templating/list/{each}/definition" for each in (1, 2)]
    kinds = {type(target).__module__ for panel in read.panels for target in panel.targets}
    assert kinds == {"grafana_foundation_sdk.models.prometheus"}


def lost(given: Any, again: Any, path: str = "") -> Iterator[str]:
    """Where `again` does not have what is in `given`; it may have more."""
    if isinstance(given, dict | list):
        items = given.items() if isinstance(given, dict) else enumerate(given)
        found = again if isinstance(again, dict) else dict(enumerate(again or []))
        for key, value in items:
            yield from lost(value, found.get(key), f"{path}/{key}")
    elif given != again:
        yield path


def test_panels_have_places_of_their_own() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("overlay", ["by-conversations"])
def test_the_autoscaler_goes_by_a_metric_that_is_exported(overlay: str) -> None:
    (scaler,) = [s for name, s in of_kind(overlay, "HorizontalPodAutoscaler").items() if name == "server"]
    (metric,) = scaler["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] in samples()
