"""What the realtime transcription sockets call the same things. Which one a server speaks shows in its first
event.

vLLM       vllm/entrypoints/openai/realtime/{protocol,connection}.py
speaches   speaches/routers/realtime_ws.py: OpenAI's names of the beta, PCM16 at 24 kHz
OpenAI     transcription sessions, as they are now and as they were in the beta
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ...core.errors import EngineError, EngineQuota, EngineUnreachable
from .address import WhisperAddress
from .websocket import denied, shown

SessionUpdate: TypeAlias = Callable[[str, str, str], dict[str, object]]
"""Model, language and prompt, the last two empty where there are none, to the event that says so."""


@dataclass(frozen=True, slots=True)
class RealtimeDialect:
    name: str
    rate_hz: int
    """What it takes sound at."""
    update: SessionUpdate
    streams: bool
    """Text comes while the sound goes out; the others hear nothing before a commit."""
    repeats: bool
    """One connection serves one utterance after the other. vLLM ignores a commit that comes while its last
    generation is still being put away, and empties its queue after it has answered."""


def _transcription(model: str, language: str, prompt: str) -> dict[str, object]:
    asked = {"model": model, "language": language, "prompt": prompt}
    return {key: value for key, value in asked.items() if value}


def _to_vllm(model: str, language: str, prompt: str) -> dict[str, object]:
    return {"type": "session.update", "model": model}


def _to_beta(model: str, language: str, prompt: str) -> dict[str, object]:
    """The format is not said: speaches refuses to be told."""
    asked = {"input_audio_transcription": _transcription(model, language, prompt), "turn_detection": None}
    return {"type": "session.update", "session": asked}


def _to_openai_beta(model: str, language: str, prompt: str) -> dict[str, object]:
    asked = {"input_audio_format": "pcm16", "turn_detection": None}
    transcription = {"input_audio_transcription": _transcription(model, language, prompt)}
    return {"type": "transcription_session.update", "session": {**asked, **transcription}}


def _to_openai(model: str, language: str, prompt: str) -> dict[str, object]:
    sound = {
        "format": {"type": "audio/pcm", "rate": 24_000},
        "transcription": _transcription(model, language, prompt),
        "turn_detection": None,
    }
    session = {"type": "transcription", "audio": {"input": sound}}
    return {"type": "session.update", "session": session}


VLLM = RealtimeDialect("vllm", 16_000, _to_vllm, streams=True, repeats=False)
"""It does not resample, and the models that it serves (Voxtral, Whisper) hear at 16 kHz."""
SPEACHES = RealtimeDialect("speaches", 24_000, _to_beta, streams=False, repeats=True)
OPENAI = RealtimeDialect("openai", 24_000, _to_openai, streams=False, repeats=True)
OPENAI_BETA = RealtimeDialect("openai-beta", 24_000, _to_openai_beta, streams=False, repeats=True)


def dialect_of(event: Mapping[str, Any]) -> RealtimeDialect | None:
    """By the first event of a session; None: it is another event."""
    kind, session = event.get("type"), event.get("session")
    if kind == "transcription_session.created":
        return OPENAI_BETA
    if kind != "session.created":
        return None
    if not isinstance(session, dict):
        return VLLM
    return OPENAI if session.get("type") == "transcription" or "audio" in session else SPEACHES


def is_empty_commit(event: Mapping[str, Any]) -> bool:
    """Whether less than 100 ms were left to commit: the server had committed the sound by itself."""
    error = event.get("error")
    if event.get("type") != "error" or not isinstance(error, dict):
        return False
    begins = str(error.get("message", "")).startswith("Error committing input audio buffer")
    return error.get("code") == "input_audio_buffer_commit_empty" or begins


def failure(event: Mapping[str, Any], address: WhisperAddress) -> EngineError:
    """What an error (a text to vLLM, an object to the others) or a failed transcription is to us."""
    error = event.get("error")
    stated = error if isinstance(error, dict) else {"message": error, "code": event.get("code")}
    code, text = str(stated.get("code") or stated.get("type") or ""), shown(stated.get("message"), address)
    where = address.location
    message = f"{where} failed: {text}" + (f" ({shown(code, address)})" if code else "")
    if code in ("invalid_api_key", "authentication_error", "permission_error"):
        return denied(address, code)
    if code in ("rate_limit_exceeded", "rate_limit_error", "insufficient_quota"):
        return EngineQuota("stt", message)
    if code == "session_expired":
        return EngineUnreachable("stt", f"{where} ended the session: it lasted too long")
    if code in ("model_not_found", "model_not_validated", "invalid_model", "NotFoundError"):
        advice = "set WHISPER_SERVER_MODEL to a model of that server"
        return EngineError("stt", message, retryable=False, advice=advice)
    return EngineError("stt", message)
