"""Which of the engines that the settings ask for cannot be made as they are, and what is to be done.

Nothing is loaded and nobody is asked: whether an engine works is for `voice-grpc doctor` to find out.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import EngineError
from ...model_files.catalog import MODELS
from ...ports import Engine
from ...settings import Settings
from ...settings.command_line import COMMAND_LINE
from ..embedded_models import still_to_fetch
from ..end_of_turn import acoustic_end
from ..engine_registry import STAGES, asked_for, made, ways_to_get_one
from .result import CheckResult


def unusable_engine(stage: str, name: str, settings: Settings) -> CheckResult | None:
    """What one lacks before it can be made; None: nothing. `stage` may be "turn". Looks at the disk."""
    if stage in STAGES and (missing := STAGES[stage][name].missing(settings)):
        return CheckResult(stage, name, error="not configured", fix=missing)
    try:
        model = still_to_fetch(stage, name, settings)
    except EngineError as error:
        return CheckResult(stage, name, error=str(error), fix=error.advice)
    if model is None:
        return None
    # A check is no time to fetch hundreds of megabytes: the engine would be called slow, or broken.
    said = f"not fetched yet ({model.size / 1e6:.0f} MB)"
    return CheckResult(stage, name, model.name, error=said, fix=f"voice-grpc models pull {model.name}")


@dataclass(frozen=True, slots=True)
class ConfiguredEngine:
    stage: str
    name: str
    """That the settings have for it."""
    engine: Engine
    """Cold."""


def configured(settings: Settings) -> tuple[list[ConfiguredEngine], list[CheckResult]]:
    """The engines of STT, LLM, TTS and the end of the turn that the settings ask for, and what is said of
    those that cannot be made. Imports vendors' packages, and reads the disk."""
    found, engines = list[CheckResult](), list[ConfiguredEngine]()
    if (end := acoustic_end(settings)) is not None:
        if (unusable := unusable_engine("turn", "local", settings)) is not None:
            found.append(unusable)
        else:
            engines.append(ConfiguredEngine("turn", "local", end))
    for stage, known in STAGES.items():
        names = asked_for(stage, settings)
        if not names:
            ways = ways_to_get_one(stage, settings)
            found.append(CheckResult(stage, "none", error="no engine", fix=ways))
        for name in names:
            if (unusable := unusable_engine(stage, name, settings)) is not None:
                found.append(unusable)
                continue
            try:
                cold = made(stage, known[name], settings)
                engines += [ConfiguredEngine(stage, name, engine) for engine in cold]
            except EngineError as error:
                found.append(CheckResult(stage, name, error=str(error), fix=error.advice))
    return engines, found


async def check_engines(settings: Settings) -> list[CheckResult]:
    """Those that cannot be made, and files that are not there."""
    missing = await asyncio.to_thread(lambda: list(_missing_files(settings)))
    engines, found = await asyncio.to_thread(configured, settings)
    for each in engines:
        await each.engine.close()
    return missing + found


def _missing_files(settings: Settings) -> Iterator[CheckResult]:
    """That the settings name by path."""
    named = [("tts", "piper_voices", path) for path in settings.piper_voices]
    if settings.turn_model not in ("", "off", "smart-turn"):
        named.append(("turn", "turn_model", Path(settings.turn_model)))
    if settings.local_llm_model and settings.local_llm_model not in MODELS:
        named.append(("llm", "local_llm_model", Path(settings.local_llm_model)))
    credentials = settings.google_tts_credentials.get_secret_value()
    if credentials and not credentials.startswith("{"):
        named.append(("tts", "google_tts_credentials", Path(credentials)))
    for stage, name, path in named:
        if not path.is_file():
            fix = f"{COMMAND_LINE.option(name)} is to be a file"
            where = "" if name == "google_tts_credentials" else str(path)  # it may be the key itself, pasted
            yield CheckResult(stage, "file", where=where, error="no such file", fix=fix)
