"""`voice-grpc doctor`: is each configured engine well, how fast is it, and what is to be done if not."""

import asyncio
import json
import os
import sys
from dataclasses import asdict, fields, replace

from ..core.errors import VoiceError
from ..net.redaction import Redaction
from ..settings import Settings
from ..settings import environment as vendor_variables
from ..settings.command_line import GROUPS, CommandLine
from ..settings.redaction import log_without_secrets
from .check import CheckResult, Report, examine

HEAD = """\
usage: voice-grpc doctor [--json] [OPTION ...]

Check each configured engine with one real small call, in well under half a minute, and print a table:
is it reachable, how long does it take, which model and voice, and what is to be fixed. A sentence is said
by the first voice that works and given to the recognisers; the table shows what they heard.

Options, variables and `.env` are those of `voice-grpc serve`. --json prints the same for programs.

Ends with 0 when every stage has an engine that works and nothing that is configured is broken, with 1
when something is to be fixed, with 2 when the command line or `.env` cannot be read."""

_LINE = CommandLine(
    Settings, HEAD, {title: GROUPS[title] for title in ("Speech to text", "Language model", "Voice")}
)

COLUMNS = ("stage", "engine", "model", "where", "reachable", "latency", "voice", "result")


def command(argv: list[str]) -> int:
    """The exit code, as `HEAD` says."""
    if "-h" in argv or "--help" in argv:
        _say(_LINE.help_text())
        return 0
    is_json = "--json" in argv
    try:
        settings = _LINE.parse([word for word in argv if word != "--json"])
        vendor_variables.export()
        redact = log_without_secrets("debug" if settings.log_level == "debug" else "error", settings)
        return asyncio.run(_run(settings, redact, is_json=is_json))
    except KeyboardInterrupt:
        return 130
    except VoiceError as error:
        print(f"voice-grpc doctor: {error}", file=sys.stderr)  # noqa: T201 - for the person
        return 2


async def _run(settings: Settings, redact: Redaction, *, is_json: bool) -> int:
    found = await examine(settings)
    found.findings = [_cleaned(finding, redact) for finding in found.findings]
    _say(as_json(found, settings.placeholders) if is_json else as_table(found, settings.placeholders))
    code = 0 if found.is_well else 1
    if found.is_stuck:  # a thread that loads a model would hold up the end of the process
        os._exit(code)
    return code


def as_table(found: Report, placeholders: list[str]) -> str:
    rows = [COLUMNS, *map(_row, found.findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    lines += [f"{name} still holds its placeholder: taken as not set" for name in placeholders]
    broken = sum(not finding.works for finding in found.findings)
    verdict = "all is well" if found.is_well else f"{broken} to fix"
    return "\n".join([*lines, verdict])


def as_json(found: Report, placeholders: list[str]) -> str:
    told = {
        "is_well": found.is_well,
        "placeholders": placeholders,
        "engines": [asdict(finding) for finding in found.findings],
    }
    return json.dumps(told, indent=2, ensure_ascii=False)


def _row(finding: CheckResult) -> tuple[str, ...]:
    reachable = {None: "", True: "yes", False: "NO"}[finding.is_reachable]
    latency = "" if finding.latency_ms is None else f"{finding.latency_ms:.0f} ms"
    if not latency and finding.works and finding.warm_ms is not None:
        latency = f"warm in {finding.warm_ms:.0f} ms"
    result = f"“{_line(finding.result)}”" if finding.result else "ok"
    if not finding.works:
        result = f"NOT WORKING: {_line(finding.error)}" + (f" → {_line(finding.fix)}" if finding.fix else "")
    facts = (finding.stage, finding.engine, finding.model, finding.where, reachable, latency, finding.voice)
    return (*map(_line, facts), result)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cleaned(finding: CheckResult, redact: Redaction) -> CheckResult:
    said = {
        field.name: redact(value)
        for field in fields(finding)
        if isinstance(value := getattr(finding, field.name), str)
    }
    return replace(finding, **said)  # type: ignore[arg-type]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command is for
