"""Which engines there are for a stage, and which of them the settings ask for, in which order.

Nothing is loaded here. Imports are made when an engine is: the base install has none of the embedded ones.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

from .core.errors import BadField, EngineMissing
from .ports import Engine, Llm, Stt, Tts
from .settings import Settings

E = TypeVar("E", bound=Engine)

LOCAL = "install the embedded engines: pip install 'voice-grpc[local]'"


@dataclass(frozen=True, slots=True)
class Candidate(Generic[E]):
    lacks: Callable[[Settings], str]
    """What has to be set or installed first; empty: nothing."""
    make: Callable[[Settings], Sequence[E]]
    """One or more engines, in their order."""


def _unless(is_there: object, what: str) -> str:
    return "" if is_there else what


def _server(settings: Settings) -> Sequence[Stt]:
    from .engines.stt_whisper_server import whisper_server

    url, key = settings.whisper_server_url.get_secret_value(), settings.whisper_api_key.get_secret_value()
    model, protocol = settings.whisper_server_model, settings.whisper_protocol
    return [whisper_server(url, key=key, protocol=protocol, model=model)]


def _whisper(settings: Settings) -> Sequence[Stt]:
    from .engines.stt_whisper_local import WhisperStt

    return [WhisperStt(settings.whisper_model)]


def _gemini(settings: Settings) -> Sequence[Llm]:
    from .engines.llm_gemini import GeminiLlm

    return [GeminiLlm(settings.gemini_api_key.get_secret_value(), settings.gemini_model)]


def _openai(settings: Settings) -> Sequence[Llm]:
    from .engines.llm_openai import OpenAiLlm

    key = settings.openai_api_key.get_secret_value()
    return [OpenAiLlm(settings.openai_base_url, key, settings.openai_model)]


def _llama(settings: Settings) -> Sequence[Llm]:
    from .engines.llm_local import LocalLlm

    model = Path(settings.local_llm_model) if settings.local_llm_model else None
    return [LocalLlm(model, threads=settings.threads)]


def _google(settings: Settings) -> Sequence[Tts]:
    from .engines.tts_google import GoogleTts

    credentials = settings.google_tts_credentials.get_secret_value()
    return [GoogleTts(credentials, voice=settings.google_tts_voice, endpoint=settings.google_tts_endpoint)]


def _piper(settings: Settings) -> Sequence[Tts]:
    from .engines.tts_piper import PiperTts

    return [PiperTts(), *(PiperTts(path) for path in settings.piper_voices)]


def _espeak(settings: Settings) -> Sequence[Tts]:
    from .engines.tts_espeak import EspeakTts

    return [EspeakTts()]


def on_vertex() -> bool:
    """As google-genai reads it."""
    return os.environ.get("GOOGLE_GENAI_USE_VERTEXAI", "").lower() in ("1", "true")


STT: Mapping[str, Candidate[Stt]] = {
    "server": Candidate(
        lambda s: _unless(s.whisper_server_url.get_secret_value(), "set WHISPER_SERVER_URL"), _server
    ),
    "local": Candidate(lambda s: _unless(find_spec("faster_whisper"), LOCAL), _whisper),
}
LLM: Mapping[str, Candidate[Llm]] = {
    "gemini": Candidate(
        lambda s: _unless(s.gemini_api_key.get_secret_value() or on_vertex(), "set GEMINI_API_KEY"), _gemini
    ),
    "openai": Candidate(lambda s: _unless(s.openai_base_url, "set OPENAI_BASE_URL"), _openai),
    "local": Candidate(lambda s: _unless(find_spec("xllamacpp"), LOCAL), _llama),
}
TTS: Mapping[str, Candidate[Tts]] = {
    "google": Candidate(
        lambda s: _unless(
            s.google_tts_credentials.get_secret_value() or s.google_tts_endpoint.startswith("http://"),
            "set GOOGLE_TTS_CREDENTIALS",
        ),
        _google,
    ),
    "local": Candidate(lambda s: _unless(find_spec("piper"), LOCAL), _piper),
    "espeak": Candidate(lambda s: _unless(shutil.which("espeak-ng"), "install espeak-ng"), _espeak),
}


def chosen(stage: str, known: Mapping[str, Candidate[E]], settings: Settings) -> list[E]:
    """The engines of a stage in the order in which they are tried: those that are named, else all that are
    set or installed. Raises `BadField` for a name that is none, `EngineMissing` for what is not there."""
    variable, named = f"VOICE_{stage.upper()}", getattr(settings, stage)
    names = [name.strip().lower() for name in named.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise BadField(variable, name, f"a list out of {', '.join(known)}")
        if lacks := known[name].lacks(settings):
            raise EngineMissing(stage, f"{variable} names {name!r}: {lacks}")
    names = list(dict.fromkeys(names)) or [name for name in known if not known[name].lacks(settings)]
    if not names:
        ways = "; or ".join(known[name].lacks(settings) for name in known)
        raise EngineMissing(stage, f"no engine for {stage}: {ways}")
    return [engine for name in names for engine in known[name].make(settings)]
