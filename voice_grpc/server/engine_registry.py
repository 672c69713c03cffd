"""How each engine is made of the settings, what it needs first, and which ones the settings ask for.

Which engines there are, and in which order they are tried, is said in `settings/engines.py` alone.

Nothing is loaded here. Imports are made when an engine is: the base install has none of the embedded ones.
It looks for packages and programs on the disk: not for the event loop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, Generic, TypeVar

from ..core.errors import EngineError, EngineMissing
from ..ports import Engine, Llm, Stt, Tts
from ..process.installation import advice
from ..settings import Settings
from ..settings.engines import ENGINES, comma_separated
from .cpu_plan import cpu_plan
from .embedded_models import llm_model

E = TypeVar("E", bound=Engine)


@dataclass(frozen=True, slots=True)
class EngineSpec(Generic[E]):
    missing: Callable[[Settings], str]
    """What has to be set or installed first; empty: nothing."""
    make: Callable[[Settings], Sequence[E]]
    """One or more engines, in their order. Raises `EngineMissing` for a setting that is none."""


def _unless(is_there: object, what: str) -> str:
    return "" if is_there else what


def _unless_installed(module: str) -> str:
    return "" if _has(module) else f"install the embedded engines: {advice('local')}"


def _has(*modules: str) -> bool:
    """Whether they are installed; none is imported."""
    try:
        return all(find_spec(module) is not None for module in modules)
    except (ImportError, ValueError):
        return False


def _server(settings: Settings) -> Sequence[Stt]:
    from ..engines.whisper_remote.stt import whisper_server

    url, key = settings.whisper_server_url.get_secret_value(), settings.whisper_api_key.get_secret_value()
    model, protocol = settings.whisper_server_model, settings.whisper_protocol
    return [whisper_server(url, key=key, protocol=protocol, model=model)]


def _whisper(settings: Settings) -> Sequence[Stt]:
    from ..engines.whisper.stt import WhisperStt

    plan = cpu_plan(settings)
    return [WhisperStt(settings.whisper_model, threads=plan.stt, workers=plan.stt_workers)]


def _gemini(settings: Settings) -> Sequence[Llm]:
    from ..engines.gemini.llm import GeminiLlm

    return [GeminiLlm(settings.gemini_api_key.get_secret_value(), settings.gemini_model)]


def _openai(settings: Settings) -> Sequence[Llm]:
    from ..engines.openai.llm import OpenAiLlm

    url, key = settings.openai_base_url.get_secret_value(), settings.openai_api_key.get_secret_value()
    return [OpenAiLlm(url, key, settings.openai_model)]


def _llama(settings: Settings) -> Sequence[Llm]:
    from ..engines.llama_cpp.llm import LocalLlm

    model = llm_model(settings) or Path(settings.local_llm_model)
    return [LocalLlm(model, threads=cpu_plan(settings).llm)]


def _google(settings: Settings) -> Sequence[Tts]:
    from ..engines.google_tts.tts import GoogleTts

    credentials = settings.google_tts_credentials.get_secret_value()
    return [GoogleTts(credentials, voice=settings.google_tts_voice, endpoint=settings.google_tts_endpoint)]


def _piper(settings: Settings) -> Sequence[Tts]:
    from ..engines.piper.tts import PiperTts

    threads = cpu_plan(settings).tts
    return [PiperTts(path, threads=threads) for path in (None, *settings.piper_voices)]


def _espeak(settings: Settings) -> Sequence[Tts]:
    from ..engines.espeak import EspeakTts

    return [EspeakTts()]


def _missing_gemini(settings: Settings) -> str:
    from ..engines.gemini.client import is_on_vertex

    is_there = settings.gemini_api_key.get_secret_value() or is_on_vertex("")
    return _unless(is_there, "set GEMINI_API_KEY (or GOOGLE_GENAI_USE_VERTEXAI)")


def _missing_google(settings: Settings) -> str:
    is_there = settings.google_tts_credentials.get_secret_value()
    is_open = settings.google_tts_endpoint.startswith("http://")
    return _unless(is_there or is_open, "set GOOGLE_TTS_CREDENTIALS")


STT: Mapping[str, EngineSpec[Stt]] = {
    "server": EngineSpec(
        lambda s: _unless(s.whisper_server_url.get_secret_value(), "set WHISPER_SERVER_URL"), _server
    ),
    "local": EngineSpec(lambda s: _unless_installed("faster_whisper"), _whisper),
}
LLM: Mapping[str, EngineSpec[Llm]] = {
    "gemini": EngineSpec(_missing_gemini, _gemini),
    "openai": EngineSpec(
        lambda s: _unless(s.openai_base_url.get_secret_value(), "set OPENAI_BASE_URL"), _openai
    ),
    "local": EngineSpec(lambda s: _unless_installed("xllamacpp"), _llama),
}
TTS: Mapping[str, EngineSpec[Tts]] = {
    "google": EngineSpec(_missing_google, _google),
    "local": EngineSpec(lambda s: _unless_installed("piper"), _piper),
    "espeak": EngineSpec(
        lambda s: _unless(which("espeak-ng"), "install espeak-ng: apt install espeak-ng"), _espeak
    ),
}
STAGES: Mapping[str, Mapping[str, EngineSpec[Any]]] = {"stt": STT, "llm": LLM, "tts": TTS}
"""How each engine of `ENGINES` is made, by stage and name."""


def asked_for(stage: str, settings: Settings) -> list[str]:
    """The names of the engines of a stage in the order in which they are tried: those that the settings
    name, else all that are set or installed. `Settings` hold no other names than those of `ENGINES`."""
    named = comma_separated(getattr(settings, stage))
    return named or [name for name in ENGINES[stage] if not STAGES[stage][name].missing(settings)]


def chosen(stage: str, known: Mapping[str, EngineSpec[E]], settings: Settings) -> list[E]:
    """The engines of a stage. Raises `EngineError`; `EngineMissing` for what is asked for but not there."""
    names = asked_for(stage, settings)
    for name in names:
        if missing := known[name].missing(settings):
            raise EngineMissing(stage, f"VOICE_{stage.upper()} names {name!r}: {missing}")
    if not names:
        ways = ways_to_get_one(stage, settings)
        raise EngineMissing(stage, f"no engine for {stage}: {ways}")
    return [engine for name in names for engine in made(stage, known[name], settings)]


def ways_to_get_one(stage: str, settings: Settings) -> str:
    """What each engine of a stage that has none wants set or installed; for people."""
    return "; or ".join(STAGES[stage][name].missing(settings) for name in ENGINES[stage])


def made(stage: str, spec: EngineSpec[E], settings: Settings) -> Sequence[E]:
    """The engines of one name. Raises `EngineError`, also for a package that is not installed."""
    try:
        return spec.make(settings)
    except ImportError as error:
        raise EngineError(stage, f"{error.name} is not installed", retryable=False) from error
