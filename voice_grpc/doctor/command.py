"""`voice-grpc doctor`: is each configured engine well, how fast is it, and what is to be done if not."""

import asyncio
import os
import sys
from dataclasses import fields, replace

from ..core.errors import VoiceError
from ..process.command_line import CommandLine
from ..process.redaction import Redaction
from ..server.checks.access import check_access
from ..server.checks.certificates import check_certificates
from ..server.checks.collector import check_collector
from ..server.checks.recordings import check_recordings
from ..server.checks.result import CheckResult
from ..server.checks.store import check_store
from ..settings import Settings
from ..settings.command_line import GROUPS
from ..settings.environment import export_vendor_variables
from ..settings.redaction import log_without_secrets
from .check import examine
from .table import as_json, as_table

HEAD = """\
usage: voice-grpc doctor [--json] [OPTION ...]

Check each configured engine with one real small call, in well under half a minute, and print a table:
is it reachable, how long does it take, which model and voice, and what is to be fixed. A sentence is said
by the first voice that works and given to the recognisers and to who hears whether a turn is over; the
table shows what they heard. The store of the conversations is looked at as well, and the certificate, the
file of tokens, the keys of JWTs, where recordings go and the collector of traces, where there are any.

Options, variables and `.env` are those of `voice-grpc serve`. --json prints the same for programs.

Ends with 0 when every stage has an engine that works and nothing that is configured is broken, with 1
when something is to be fixed, with 2 when the command line or `.env` cannot be read."""

_COMMAND_LINE = CommandLine(
    Settings,
    HEAD,
    {title: GROUPS[title] for title in ("Speech to text", "End of turn", "Language model", "Voice")},
)


def command(argv: list[str]) -> int:
    """The exit code, as `HEAD` says."""
    if "-h" in argv or "--help" in argv:
        _say(_COMMAND_LINE.help_text())
        return 0
    is_json = "--json" in argv
    try:
        settings = _COMMAND_LINE.parse([word for word in argv if word != "--json"])
        export_vendor_variables()
        redact = log_without_secrets("debug" if settings.log_level == "debug" else "error", settings)
        return asyncio.run(_run(settings, redact, is_json=is_json))
    except KeyboardInterrupt:
        return 130
    except VoiceError as error:
        print(f"voice-grpc doctor: {error}", file=sys.stderr)  # noqa: T201 - for the person
        return 2


async def _run(settings: Settings, redact: Redaction, *, is_json: bool) -> int:
    report = await examine(settings)
    report.results += await check_store(settings) + await check_certificates(settings)
    report.results += await check_recordings(settings)
    report.results += await check_access(settings) + await check_collector()
    report.results = [_cleaned(result, redact) for result in report.results]
    _say(as_json(report, settings.placeholders) if is_json else as_table(report, settings.placeholders))
    code = 0 if report.is_well else 1
    if report.is_stuck:  # a thread that loads a model would hold up the end of the process
        os._exit(code)
    return code


def _cleaned(result: CheckResult, redact: Redaction) -> CheckResult:
    said = {
        field.name: redact(value)
        for field in fields(result)
        if isinstance(value := getattr(result, field.name), str)
    }
    return replace(result, **said)  # type: ignore[arg-type]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what the command is for
