"""What each Whisper server over HTTP takes, refuses and says; the rules of `whisper_http.py`.

openai                  platform.openai.com/docs/api-reference/audio
speaches                src/speaches/routers/stt.py (FastAPI: what it does not know it ignores)
vllm                    vllm/entrypoints/openai/speech_to_text/{protocol,serving}.py
whisperlive             collabora/WhisperLive whisper_live/server.py, --enable_rest
whispercpp              ggml-org/whisper.cpp examples/server/server.cpp
faster-whisper-server   the package 0.0.3, faster_whisper_server/api.py
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

MAX_BYTES = 25 * 1024 * 1024
SHORTEST_SECONDS = 0.1
HEADER_BYTES = 44

_OPENAI_FIELDS = (
    *("file", "model", "language", "prompt", "response_format", "temperature", "stream"),
    *("timestamp_granularities[]", "chunking_strategy", "include[]", "keywords", "languages"),
    *("known_speaker_names[]", "known_speaker_references[]"),
)
_CPP_FIELDS = (
    *("offset_t", "offset_n", "duration", "max_context", "max_len", "best_of", "beam_size", "audio_ctx"),
    *(
        "word_thold",
        "entropy_thold",
        "logprob_thold",
        "no_speech_thold",
        "debug_mode",
        "translate",
        "diarize",
    ),
    *("tinydiarize", "split_on_word", "no_timestamps", "token_timestamps", "language", "detect_language"),
    *("prompt", "carry_initial_prompt", "response_format", "temperature", "temperature_inc", "suppress_nst"),
    *("no_language_probabilities", "file", "vad"),
)


@dataclass(frozen=True, slots=True)
class Style:
    path: str
    models: tuple[Mapping[str, str], ...] = ()
    """As `/v1/models` lists them; empty: there is no such path."""
    model_field: str = "model"
    is_model_required: bool = False
    formats: tuple[str, ...] = ("json", "text", "srt", "verbose_json", "vtt")
    events: str = ""
    """`types`, `choices` or `texts`; empty: it does not stream."""
    names_languages: bool = False
    """`english`, not `en`."""
    complains: str = "error"
    """`error` with a message in it, `text` for an error that is one, or FastAPI's `detail`."""
    knows: tuple[str, ...] = ()
    """Fields; another one is refused. Empty: any is ignored."""


_HEARS, _SPEAKS = "automatic-speech-recognition", "text-to-speech"
STYLES = {
    "openai": Style(
        "/v1/audio/transcriptions",
        tuple({"id": name} for name in ("gpt-4-0613", "tts-1", "gpt-4o-transcribe", "whisper-1", "o3")),
        is_model_required=True,
        events="types",
        names_languages=True,
        knows=_OPENAI_FIELDS,
    ),
    "speaches": Style(
        "/v1/audio/transcriptions",
        ({"id": "hexgrad/Kokoro-82M", "task": _SPEAKS}, {"id": "Systran/faster-base", "task": _HEARS}),
        is_model_required=True,
        events="types",
        complains="detail",
    ),
    "vllm": Style("/v1/audio/transcriptions", ({"id": "openai/whisper-large-v3"},), events="choices"),
    "whisperlive": Style("/v1/audio/transcriptions", events="texts", complains="detail"),
    "whispercpp": Style(
        "/inference", model_field="", names_languages=True, complains="text", knows=_CPP_FIELDS
    ),
    "faster-whisper-server": Style(
        "/v1/audio/transcriptions",
        model_field="model_name",
        formats=("json", "verbose_json"),
        complains="detail",
    ),
}
FIRST_THAT_HEARS = {
    "openai": "whisper-1",
    "speaches": "Systran/faster-base",
    "vllm": "openai/whisper-large-v3",
}
"""By style: what is to be asked for where nobody named a model."""

NAMES = {"en": "english", "es": "spanish", "de": "german"}


@dataclass(frozen=True, slots=True)
class Refusal:
    status: int
    message: str
    param: str | None = None
    code: str | None = None

    def response(self, style: Style, headers: Mapping[str, str] | None = None) -> Response:
        said: dict[str, Any]
        match style.complains:
            case "text":
                said = {"error": self.message}
            case "detail" if self.status == 422:
                place = ["body", self.param]
                said = {"detail": [{"type": "missing", "loc": place, "msg": self.message, "input": None}]}
            case "detail" if style.model_field == "model_name" and self.status == 400:
                said = {"detail": {"error": {"message": self.message, "type": "invalid_request_error"}}}
            case "detail":
                said = {"detail": self.message}
            case _:
                kind = "server_error" if self.status >= 500 else "invalid_request_error"
                said = {
                    "error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}
                }
        return JSONResponse(said, self.status, headers)


PROXY_REFUSAL = HTMLResponse("<html><h1>413 Request Entity Too Large</h1><p>nginx</p></html>", 413)


def refused(style: Style, fields: Mapping[str, str], wav: bytes | None) -> Refusal | None:
    """Why a request is refused. `wav`: the file, if there is one."""
    if wav is None:
        return _without_file(style)
    for check in (_unknown_field, _wrong_model, _wrong_format, _wrong_language):
        if (refusal := check(style, fields)) is not None:
            return refusal
    if len(wav) > MAX_BYTES and style.complains == "error":
        said = f"Maximum content size limit ({MAX_BYTES}) exceeded ({len(wav)} bytes read)"
        return Refusal(413, said)
    return _wrong_wav(style, wav)


def _without_file(style: Style) -> Refusal:
    if style.complains == "text":
        return Refusal(400, "no 'file' field in the request")
    return Refusal(422 if style.complains == "detail" else 400, "Field required", "file")


def _unknown_field(style: Style, fields: Mapping[str, str]) -> Refusal | None:
    unknown = [name for name in fields if style.knows and name not in style.knows]
    if not unknown:
        return None
    return Refusal(400, f"Unrecognized request argument supplied: {unknown[0]}", code="unknown_parameter")


def _wrong_model(style: Style, fields: Mapping[str, str]) -> Refusal | None:
    name = fields.get(style.model_field, "")
    if style.is_model_required and not name:
        return Refusal(422 if style.complains == "detail" else 400, "Field required", "model")
    if name and style.models and name not in [model["id"] for model in style.models]:
        return Refusal(404, f"The model '{name}' does not exist", "model", "model_not_found")
    return None


def _wrong_format(style: Style, fields: Mapping[str, str]) -> Refusal | None:
    wanted = fields.get("response_format", "json")
    is_streamed = fields.get("stream") == "true"
    if wanted not in style.formats:
        return Refusal(400, f"Unsupported response_format: {wanted}", "response_format")
    if style.events == "choices" and is_streamed and wanted == "verbose_json":
        return Refusal(400, "verbose_json format doesn't support streaming case", "response_format")
    if wanted != "json" and fields.get("model", "").startswith("gpt-4o-"):
        said = f"response_format '{wanted}' is not compatible with model '{fields['model']}'."
        return Refusal(400, said, "response_format", "unsupported_value")
    return None


def _wrong_language(style: Style, fields: Mapping[str, str]) -> Refusal | None:
    language = fields.get("language", "en")
    if len(language) == 2 or (style.complains == "text" and language == "auto"):
        return None
    if style.complains == "text":
        return Refusal(500, "failed to process audio")
    return Refusal(400, f"Invalid language '{language}'. ISO-639-1", "language", "invalid_language_format")


def _wrong_wav(style: Style, wav: bytes) -> Refusal | None:
    """Of what servers take only this much is sent: a header of 44 bytes, 16 kHz mono s16."""
    status = 500 if style.complains == "detail" else 400
    if len(wav) < HEADER_BYTES:
        return Refusal(status, "Invalid file format.", "file")
    riff, length, wave, fmt, size, *shape, data, amount = struct.unpack("<4sI4s4sIHHIIHH4sI", wav[:44])
    named = (riff, wave, fmt, data) == (b"RIFF", b"WAVE", b"fmt ", b"data")
    if not named or size != 16 or length != len(wav) - 8 or amount != len(wav) - HEADER_BYTES:
        return Refusal(status, "Invalid file format.", "file")
    if shape != [1, 1, 16_000, 32_000, 2, 16]:
        return Refusal(status, f"failed to read audio data: {shape}")
    if amount < SHORTEST_SECONDS * 32_000 and style.complains == "error":
        said = "Audio file is too short. Minimum audio length is 0.1 seconds."
        return Refusal(400, said, "file", "audio_too_short")
    return None
