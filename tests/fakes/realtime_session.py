"""One session of a realtime transcription socket: what it refuses, what it hears, what it tells.

vLLM (`vllm/entrypoints/openai/realtime/connection.py`): an update that names the model comes first, a first
commit starts, one with `final` ends; PCM16 at 16 kHz; deltas as the sound comes.
speaches (`speaches/routers/realtime_ws.py` and `realtime/`): PCM16 at 24 kHz, no format in the update, no
deltas; commits by itself at a pause unless `turn_detection` is null.
OpenAI: no model in the query of a transcription session, the format stated, deltas after the commit.
"""

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.fakes.spoken import AUDIBLE, Ear, Spoken

RATES = {"vllm": 16_000, "speaches": 24_000, "openai": 24_000, "openai-beta": 24_000}
COMMIT_AT_LEAST = 0.1
"""Seconds in the buffer."""
PAUSE = 0.35
"""Seconds of silence at which a server that detects turns commits (speaches' default)."""
MODEL = "Systran/faster-whisper-small"


class Refused(Exception):
    """An `error` event, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Heard:
    """A piece that was committed."""

    item: str
    text: str


@dataclass
class Session:
    """Takes events; says which pieces are committed by them. Raises `Refused`, LookupError, ValueError."""

    dialect: str
    spoken: Spoken
    detects_turns: bool = False
    """Whatever it is told."""
    appended: list[bytes] = field(default_factory=list)
    told: dict[str, Any] = field(default_factory=dict)
    """The last update."""
    is_updated: bool = False
    is_started: bool = False
    ear: Ear = field(init=False)
    """Of what is in the buffer."""
    _quiet: float = 0.0
    """Seconds of silence at its end."""
    _items: int = 0

    def __post_init__(self) -> None:
        self.ear = Ear(self.spoken, RATES[self.dialect])

    def created(self) -> dict[str, object]:
        match self.dialect:
            case "vllm":
                return {"type": "session.created", "id": "sess-1", "created": 1}
            case "speaches":
                audio = {"input_audio_format": "pcm16", "input_audio_transcription": {"model": MODEL}}
                return {"type": "session.created", "session": {"modalities": ["audio", "text"], **audio}}
            case "openai":
                return {"type": "session.created", "session": {"type": "transcription", "audio": {}}}
        session = {"object": "realtime.transcription_session"}
        return {"type": "transcription_session.created", "session": session}

    def take(self, event: dict[str, Any]) -> Heard | None:
        match event["type"], self.dialect:
            case "session.update", "vllm":
                if not event["model"]:
                    raise Refused("NotFoundError", "The model does not exist.")
                self.is_updated = True
            case ("session.update", "speaches" | "openai") | ("transcription_session.update", "openai-beta"):
                self._update(event["session"])
            case "input_audio_buffer.append", _:
                return self._append(event["audio"])
            case "input_audio_buffer.commit", "vllm":
                if not self.is_updated:
                    raise Refused("model_not_validated", "Model not validated.")
                if not event["final"]:
                    self.is_started = True
                elif not self.is_started:
                    raise Refused("processing_error", "the first commit starts, and is not final")
                else:
                    return self._commit()
            case "input_audio_buffer.commit", _:
                if self.ear.received < COMMIT_AT_LEAST:
                    reason = "Error committing input audio buffer: buffer too small. Expected at least 100ms"
                    code = "input_audio_buffer_commit_empty"
                    raise Refused("invalid_request_error" if self.dialect == "speaches" else code, reason)
                return self._commit()
            case kind, _:
                raise Refused("unknown_event", f"Unknown event type: {kind}")
        return None

    @property
    def text(self) -> str:
        """Of the buffer."""
        return self.ear.text()

    def _update(self, session: dict[str, Any]) -> None:
        self.told = session
        if self.dialect == "openai":
            if session["type"] != "transcription":
                raise Refused("invalid_request_error", "session.type")
            session = session["audio"]["input"]
            if session["format"] != {"type": "audio/pcm", "rate": RATES[self.dialect]}:
                raise Refused("invalid_request_error", "session.audio.input.format")
        elif self.dialect == "speaches" and "input_audio_format" in session:
            raise Refused(
                "invalid_request_error", "Specifying `session.input_audio_format` is not supported."
            )
        elif self.dialect == "openai-beta" and session["input_audio_format"] != "pcm16":
            raise Refused("invalid_request_error", "session.input_audio_format")
        asked = session["transcription" if self.dialect == "openai" else "input_audio_transcription"]
        if not asked["model"]:
            raise Refused("invalid_model", "no model")
        self.is_updated = True
        self.detects_turns = self.detects_turns or session.get("turn_detection", {}) is not None

    def _append(self, audio: str) -> Heard | None:
        if not self.is_updated:
            raise Refused("model_not_validated", "sound before the update")
        pcm = base64.b64decode(audio, validate=True)
        if not pcm or len(pcm) % 2:
            raise Refused("invalid_audio", "Invalid audio data")
        self.appended.append(pcm)
        floats = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        self.ear.hear(floats)
        is_quiet = float(np.abs(floats).max()) <= AUDIBLE
        self._quiet = self._quiet + len(floats) / self.ear.rate_hz if is_quiet else 0.0
        if self.dialect != "vllm" and self.detects_turns and self._quiet >= PAUSE and self.ear.ends:
            return self._commit()
        return None

    def _commit(self) -> Heard:
        """The buffer becomes a piece, and what comes next begins anew. Whoever sends the same sound again
        on the same connection says the same words again."""
        self._items += 1
        heard = Heard(f"item_{self._items}", self.text)
        said = len(self.ear.ends)
        rest = self.spoken.words[said:]
        share = self.spoken.seconds * len(rest) / len(self.spoken.words)
        goes_on = self.detects_turns and rest
        spoken = Spoken(" ".join(rest), share) if goes_on else self.spoken
        self.ear, self._quiet = Ear(spoken, self.ear.rate_hz), 0.0
        return heard
