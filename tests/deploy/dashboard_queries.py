"""What is wrong with a query of the dashboard, by PromQL's own grammar and by what a server exports.

A rule for each thing that the dashboard's queries are made of; what has no rule is a fault, so that nobody
asks in a way that nobody checks.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

OF_TARGETS = frozenset({"job", "instance"})
"""Labels that Prometheus adds to whatever it fetches."""
DURATION = "$__rate_interval"
"""Grafana's own variable, of a duration."""
RISING = ("counter", "histogram")
"""Types whose samples only rise: a gauge has no rate, and these say nothing without one."""


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one name."""

    type: str
    """As the exposition declares it."""
    labels: frozenset[str]


def series_of(exposition: str) -> dict[str, Series]:
    """By name of the sample, as Prometheus' own parser reads them."""
    found: dict[str, Series] = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            known = found.get(sample.name, Series(family.type, OF_TARGETS)).labels
            found[sample.name] = Series(family.type, known | frozenset(sample.labels))
    return found


@dataclass(frozen=True, slots=True)
class Result:
    """Of a part of a query."""

    labels: frozenset[str]
    series: Series
    is_rate: bool = False


class Fault(Exception):
    """What is wrong with a query."""


def fault_of(query: str, legend: str, exported: Mapping[str, Series]) -> str:
    """Empty: nothing. `legend`: how Grafana names the lines that come of it."""
    promql = pytest.importorskip("promql_parser", reason="promql-parser is not installed (the extra `dev`)")
    try:
        result = _result(promql.parse(query.replace(DURATION, "5m")), exported)
    except ValueError as error:
        return f"{query}: {error}"
    except Fault as fault:
        return f"{query}: {fault}"
    if result.series.type in RISING and not result.is_rate:
        return f"{query}: a {result.series.type} without a rate"
    strange = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", legend)) - result.labels
    return f"{legend}: {', '.join(sorted(strange))} of no line of {query}" if strange else ""


def asked_by(query: str) -> set[str]:
    """The names of the samples that a query is of."""
    return set(re.findall(r"\bvoice_[a-z_]+(?=\{)", query))


def _result(part: Any, exported: Mapping[str, Series]) -> Result:
    match type(part).__name__:
        case "VectorSelector":
            return _selected(part, exported)
        case "ParenExpr":
            return _result(part.expr, exported)
        case "AggregateExpr":
            return _aggregated(part, _result(part.expr, exported))
        case "Call" if part.func.name == "rate":
            of = _selected(part.args[0].vector_selector, exported)
            if of.series.type not in RISING:
                raise Fault(f"a rate of a {of.series.type}")
            return Result(of.labels, of.series, is_rate=True)
        case "Call" if part.func.name == "histogram_quantile":
            of = _result(part.args[1], exported)
            if of.series.type != "histogram" or "le" not in of.labels or not of.is_rate:
                raise Fault("a quantile of what are no rates of buckets by le")
            return Result(of.labels - {"le"}, of.series, is_rate=True)
        case kind:
            raise Fault(f"no rule for {kind}")


def _selected(selector: Any, exported: Mapping[str, Series]) -> Result:
    if (series := exported.get(selector.name)) is None:
        raise Fault(f"nothing exports {selector.name}")
    if strange := {each.name for each in selector.matchers.matchers} - series.labels:
        raise Fault(f"{selector.name} has no label {', '.join(sorted(strange))}")
    return Result(series.labels, series)


def _aggregated(part: Any, of: Result) -> Result:
    if part.modifier is None:
        return Result(frozenset(), of.series, of.is_rate)
    by, kind = frozenset(part.modifier.labels), str(part.modifier.type)
    if kind != "AggModifierType.By":
        raise Fault(f"no rule for {kind}")
    if strange := by - of.labels:
        raise Fault(f"by {', '.join(sorted(strange))}, of which there is none")
    return Result(by, of.series, of.is_rate)
