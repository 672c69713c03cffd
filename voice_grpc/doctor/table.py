"""What the doctor found, as a table for people or as JSON for programs."""

import json
from dataclasses import asdict

from ..server.checks.result import CheckResult
from .check import Report

COLUMNS = ("stage", "engine", "model", "where", "reachable", "latency", "voice", "result")


def as_table(report: Report, placeholders: list[str]) -> str:
    rows = [COLUMNS, *map(_row, report.results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    lines += [f"{name} still holds its placeholder: taken as not set" for name in placeholders]
    broken = sum(not result.works for result in report.results)
    verdict = "all is well" if report.is_well else f"{broken} to fix"
    return "\n".join([*lines, verdict])


def as_json(report: Report, placeholders: list[str]) -> str:
    told = {
        "is_well": report.is_well,
        "placeholders": placeholders,
        "engines": [asdict(result) for result in report.results],
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _row(result: CheckResult) -> tuple[str, ...]:
    reachable = {None: "", True: "yes", False: "NO"}[result.is_reachable]
    latency = "" if result.latency_ms is None else f"{result.latency_ms:.0f} ms"
    if not latency and result.works and result.warm_ms is not None:
        latency = f"warm in {result.warm_ms:.0f} ms"
    said = f"“{_in_one_line(result.result)}”" if result.result else "ok"
    if not result.works:
        said = f"NOT WORKING: {_in_one_line(result.error)}" + (
            f" → {_in_one_line(result.fix)}" if result.fix else ""
        )
    facts = (result.stage, result.engine, result.model, result.where, reachable, latency, result.voice)
    return (*map(_in_one_line, facts), said)


def _in_one_line(text: str) -> str:
    return " ".join(text.split())
