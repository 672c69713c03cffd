"""Transcription over a realtime WebSocket: vLLM, speaches, OpenAI and what is made like them.

    ◀─ session.created   session.update ─▶   append … commit ─▶   ◀─ delta … done | completed

They differ in names (`realtime.py`), in the rate of the sound, and in when they begin: vLLM with a
first commit, the others once all was committed. Detection of turns at the far end is switched off; where a
server goes on with it, its pieces are put together here.
"""

import asyncio
import base64
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import urlencode

import httpx2
import numpy as np
import soxr

from ...core.audio import RATE_HZ, Samples, sample_count
from ...core.errors import EngineError, EngineQuota, EngineUnreachable
from ..http.models import for_transcripts, listed
from ..timeouts import Timeouts
from ..whisper.languages import known_to
from .address import WhisperAddress
from .socket_connection import Ask
from .socket_stream import SocketStt
from .websocket import WebSockets, Wire, denied, said

# ----------------------------------------------------------------
# the buffer of a realtime session: the sound as events, and what comes of it in pieces


_COMMIT_AT_LEAST_S = 0.1
"""Less is refused (`input_audio_buffer_commit_empty`)."""


class AppendEncoder:
    """The sound of one utterance as events, at the rate that the server takes."""

    def __init__(self, rate_hz: int) -> None:
        self._least = sample_count(_COMMIT_AT_LEAST_S, rate_hz)
        is_same = rate_hz == RATE_HZ
        self._stream = None if is_same else soxr.ResampleStream(RATE_HZ, rate_hz, 1, dtype="int16")
        self._sent = 0

    def said(self, samples: Samples, *, is_last: bool = False) -> Iterator[dict[str, object]]:
        sound: Samples = self._stream.resample_chunk(samples, last=is_last) if self._stream else samples
        if len(sound):
            self._sent += len(sound)
            audio = base64.b64encode(sound.astype("<i2", copy=False).tobytes()).decode()
            yield {"type": "input_audio_buffer.append", "audio": audio}

    def rest(self) -> Iterator[dict[str, object]]:
        """What the resampler still holds, and silence where it was less than can be committed."""
        yield from self.said(np.zeros(0, np.int16), is_last=True)
        if self._sent < self._least:
            self._stream = None
            yield from self.said(np.zeros(self._least - self._sent, np.int16))


class ItemTranscripts:
    """What is transcribed: one piece, or several where the server cut them by itself."""

    def __init__(self) -> None:
        self.is_committed = self.is_acknowledged = False
        """All the sound, by us; by the server."""
        self._texts: dict[str, str] = {}
        """By item, in their order; vLLM has a single one without a name."""
        self._running: set[str] = set()

    @property
    def text(self) -> str:
        return " ".join(text for text in (piece.strip() for piece in self._texts.values()) if text)

    @property
    def is_done(self) -> bool:
        return self.is_acknowledged and not self._running

    def take(self, event: Mapping[str, Any]) -> None:
        item = str(event.get("item_id") or "")
        match str(event["type"]).removeprefix("conversation.item.input_audio_"):
            case "input_audio_buffer.committed":
                self._texts.setdefault(item, "")
                self._running.add(item)
                self.is_acknowledged = self.is_committed
            case "transcription.delta":
                self._texts[item] = self._texts.get(item, "") + str(event["delta"])
            case "transcription.completed":
                self._texts[item] = str(event["transcript"])
                self._running.discard(item)
                self.is_acknowledged = self.is_committed
            case "transcription.done":
                self._texts[item] = str(event["text"])
                self.is_acknowledged = True


# ----------------------------------------------------------------
# what the realtime transcription sockets call the same things; which one it is shows in their first
# event
# vLLM       vllm/entrypoints/openai/realtime/{protocol,connection}.py
# speaches   speaches/routers/realtime_ws.py: OpenAI's names of the beta, PCM16 at 24 kHz
# OpenAI     transcription sessions, as they are now and as they were in the beta


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
    """Less than 100 ms were left to commit: the server had committed the sound by itself."""
    error = event.get("error")
    if event.get("type") != "error" or not isinstance(error, dict):
        return False
    begins = str(error.get("message", "")).startswith("Error committing input audio buffer")
    return error.get("code") == "input_audio_buffer_commit_empty" or begins


def failure(event: Mapping[str, Any], address: WhisperAddress) -> EngineError:
    """Of an `error`, which is a text to vLLM and an object to the others, or a transcription that failed."""
    error = event.get("error")
    stated = error if isinstance(error, dict) else {"message": error, "code": event.get("code")}
    code, text = str(stated.get("code") or stated.get("type") or ""), said(stated.get("message"), address)
    where = address.location
    message = f"{where} failed: {text}" + (f" ({said(code, address)})" if code else "")
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


# ----------------------------------------------------------------
# which models a server has whose sockets want one named


async def first_model(address: WhisperAddress, seconds: float) -> str:
    """The first of `GET /v1/models` that by its name transcribes, else the first; empty where none is told.

    Nothing is raised: whether the server can be used at all shows when it is.
    """
    path = re.sub("/realtime$", "", address.path) or "/v1"
    place = replace(address, scheme={"ws": "http", "wss": "https"}[address.scheme], path=f"{path}/models")
    try:
        async with await asyncio.to_thread(_client, address, seconds) as client:
            answer = (await client.get(place.location)).raise_for_status()
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return ""
    return next(iter(for_transcripts(listed(answer.content))), "")


def _client(address: WhisperAddress, seconds: float) -> httpx2.AsyncClient:
    """Reads certificates, and on first use its own modules."""
    return httpx2.AsyncClient(timeout=seconds, headers=address.headers)


_PATIENCE = Timeouts()

_PATH = "/v1/realtime"

_OPENAI = "api.openai.com"
"""Refuses to be told a model in the query."""


class RealtimeStt(SocketStt):
    """Implements `ports.Stt`."""

    def __init__(self, address: WhisperAddress, *, model: str = "", patience: Timeouts = _PATIENCE) -> None:
        """`model`: empty takes, when warm, the server's first one that transcribes, else `whisper-1`.

        A query in the address replaces ours, which says the model and `intent=transcription`.
        """
        super().__init__(address, patience)
        self._is_chosen = bool(model) or address.host == _OPENAI
        self.sockets = WebSockets(address)
        self._use(model or "whisper-1")

    def talk(self, ask: Ask) -> "Realtime":
        return Realtime(self, ask)

    async def warm(self) -> None:
        if not self._is_chosen:
            self._use(await first_model(self.address, self.patience.connect) or self.model)
        await super().warm()

    @property
    def query(self) -> str:
        asked = {"intent": "transcription", **({} if self.address.host == _OPENAI else {"model": self.model})}
        return self.address.query or urlencode(asked)

    def _use(self, model: str) -> None:
        self.model, self.name, self.codes = model, f"realtime {model}", known_to(model)


class Realtime:
    """Implements `Talk`."""

    def __init__(self, stt: RealtimeStt, ask: Ask) -> None:
        self._stt, self._ask = stt, ask
        self.streams: bool | None = None
        self.language = ""
        self._dialect: RealtimeDialect = VLLM
        self._voice, self._pieces = AppendEncoder(VLLM.rate_hz), ItemTranscripts()
        self.is_spent = self.ended_early = False

    async def open(self, seconds: float) -> Wire:
        return await self._stt.sockets.open(self._stt.address.path or _PATH, self._stt.query, seconds)

    async def greet(self, wire: Wire) -> None:
        while (dialect := dialect_of(event := await wire.receive())) is None:
            _complain(event, self._stt.address)
        self._dialect, self.streams = dialect, dialect.streams
        self._begin()
        await wire.send(dialect.update(self._stt.model, self._ask.language, self._ask.prompt))
        if dialect is VLLM:
            await wire.send(_commit(dialect, is_final=False))

    async def send(self, wire: Wire, samples: Samples) -> None:
        for event in self._voice.said(samples):
            await wire.send(event)

    async def finish(self, wire: Wire) -> None:
        for event in self._voice.rest():
            await wire.send(event)
        self._pieces.is_committed = True
        await wire.send(_commit(self._dialect, is_final=True))

    def take(self, message: "dict[str, Any]", now: float) -> None:
        if self._pieces.is_committed and is_empty_commit(message):
            self._pieces.is_acknowledged = True
        else:
            _complain(message, self._stt.address)
            self._pieces.take(message)
        self.ended_early = self._dialect is VLLM and self._pieces.is_done and not self._pieces.is_committed
        self.is_spent = self._pieces.is_committed and self._pieces.is_done

    @property
    def text(self) -> str:
        return self._pieces.text

    def settles(self, now: float) -> float:
        return now if self.is_spent else math.inf

    @property
    def is_usable(self) -> bool:
        return False

    def renew(self) -> bool:
        if self._dialect.repeats:
            self._begin()
        return self._dialect.repeats

    async def part(self, wire: Wire) -> None:
        """It is enough to hang up."""

    def _begin(self) -> None:
        self.is_spent = self.ended_early = False
        self._voice, self._pieces = AppendEncoder(self._dialect.rate_hz), ItemTranscripts()


def _commit(dialect: RealtimeDialect, *, is_final: bool) -> dict[str, object]:
    return {"type": "input_audio_buffer.commit", **({"final": is_final} if dialect is VLLM else {})}


def _complain(event: Mapping[str, Any], address: WhisperAddress) -> None:
    """Raises what the server says that went wrong."""
    if event.get("type") in ("error", "conversation.item.input_audio_transcription.failed"):
        raise failure(event, address)
