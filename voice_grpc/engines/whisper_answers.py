"""What Whisper servers answer over HTTP: JSON, verbose JSON, plain text, or events in one of three shapes.

Servers answer as they can, not as they were asked, so the answer itself says how it is to be read.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ..core.errors import EngineError
from ..ports import Transcription, Word
from .whisper_languages import iso_code

NO_SPEECH, LOG_PROBABILITY = 0.6, -1.0
"""A segment that is both likelier silence and written without confidence is taken for one that was made up:
Whisper's own thresholds (openai/whisper, transcribe.py, no_speech_threshold and logprob_threshold)."""

NAMES = {
    "afrikaans": "af", "arabic": "ar", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr",
    "czech": "cs", "danish": "da", "dutch": "nl", "english": "en", "estonian": "et", "finnish": "fi",
    "french": "fr", "german": "de", "greek": "el", "hebrew": "he", "hindi": "hi", "hungarian": "hu",
    "indonesian": "id", "italian": "it", "japanese": "ja", "korean": "ko", "latvian": "lv",
    "lithuanian": "lt", "malay": "ms", "norwegian": "no", "persian": "fa", "polish": "pl",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "serbian": "sr", "slovak": "sk",
    "slovenian": "sl", "spanish": "es", "swedish": "sv", "tamil": "ta", "thai": "th", "turkish": "tr",
    "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy",
}  # fmt: skip
"""OpenAI's verbose answers name languages in English."""


def read(content_type: str, body: bytes) -> Transcription:
    """Raises `EngineError` for what is no transcript."""
    kind = content_type.partition(";")[0].strip().lower()
    text = body.decode("utf-8", "replace")
    if kind == "text/event-stream" or text.startswith("data:"):
        return _events(text)
    if kind == "text/plain" and not text.lstrip().startswith("{"):
        return Transcription(text.strip())
    try:
        answer = json.loads(text)
    except ValueError:
        raise _garbage(kind, text) from None
    if isinstance(answer, str):
        return Transcription(answer.strip())
    if not isinstance(answer, dict) or not isinstance(answer.get("text"), str):
        raise _garbage(kind, text)
    return _verbose(answer) if isinstance(answer.get("segments"), list) else _plain(answer)


def complaint(body: bytes) -> str:
    """What an error says: an object with a message (OpenAI), a text (whisper.cpp), `detail` (FastAPI)."""
    text = body.decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
    except ValueError:
        return _short(text)
    if isinstance(answer, dict):
        error = answer.get("error", answer.get("detail", answer.get("message", "")))
        text = (
            error.get("message", "") if isinstance(error, dict) else error if isinstance(error, str) else ""
        )
    return _short(str(text))


def _plain(answer: Mapping[str, Any]) -> Transcription:
    return Transcription(str(answer["text"]).strip(), _language(answer))


def _verbose(answer: Mapping[str, Any]) -> Transcription:
    segments = [s for s in answer["segments"] if isinstance(s, dict)]
    meant = [s for s in segments if not _is_made_up(s)]
    text = (
        str(answer["text"]) if len(meant) == len(segments) else "".join(str(s.get("text", "")) for s in meant)
    )
    listed = answer.get("words") or [w for s in meant for w in s.get("words") or ()]
    return Transcription(text.strip(), _language(answer), words=tuple(_words(listed)))


def _is_made_up(segment: Mapping[str, Any]) -> bool:
    silence, confidence = segment.get("no_speech_prob"), segment.get("avg_logprob")
    if not isinstance(silence, int | float) or not isinstance(confidence, int | float):
        return False
    return silence > NO_SPEECH and confidence < LOG_PROBABILITY


def _words(listed: Any) -> Iterator[Word]:
    for word in listed if isinstance(listed, list) else ():
        try:
            yield Word(str(word["word"]).strip(), float(word["start"]), float(word["end"]))
        except (KeyError, TypeError, ValueError):
            return


def _language(answer: Mapping[str, Any]) -> str:
    """ISO 639-1, whichever way it was told."""
    told = str(answer.get("language") or "").strip().lower()
    code = NAMES.get(told, told)
    return iso_code(code) if 2 <= len(code) <= 3 else ""


def _events(text: str) -> Transcription:
    """OpenAI and speaches say a `type`, vLLM has `choices`, WhisperLive one segment an event."""
    parts: list[str] = []
    for data in _data_of(text):
        if data == "[DONE]":
            break
        try:
            event = json.loads(data)
        except ValueError:
            raise _garbage("text/event-stream", data) from None
        if not isinstance(event, dict):
            continue
        if "error" in event:
            raise EngineError("stt", f"the Whisper server gave up: {complaint(data.encode())}")
        if event.get("type") == "transcript.text.done":
            return Transcription(str(event.get("text", "")).strip(), _language(event))
        parts.append(_delta(event))
    return Transcription("".join(parts).strip())


def _delta(event: Mapping[str, Any]) -> str:
    if "type" in event:
        return str(event.get("delta", "")) if event["type"] == "transcript.text.delta" else ""
    choices = event.get("choices")
    if isinstance(choices, list):
        return "".join(str((choice.get("delta") or {}).get("content") or "") for choice in choices)
    said = str(event.get("text", ""))
    return said if said[:1].isspace() else f" {said}"


def _data_of(text: str) -> Iterator[str]:
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = [line[5:].removeprefix(" ") for line in block.split("\n") if line.startswith("data:")]
        if lines:
            yield "\n".join(lines)


def _garbage(kind: str, text: str) -> EngineError:
    return EngineError("stt", f"the Whisper server answered with no transcript ({kind}): {_short(text)!r}")


def _short(text: str) -> str:
    return " ".join(text.split())[:120]
