"""Transcription over a realtime WebSocket: vLLM, speaches, OpenAI and what is made like them.

    ◀─ session.created   session.update ─▶   append … commit ─▶   ◀─ delta … done | completed

They differ in names (`realtime_dialects.py`), in the rate of the sound, and in when they begin: vLLM with a
first commit, the others once all was committed. Detection of turns at the far end is switched off; where a
server goes on with it, its items are put together here.
"""

import asyncio
import base64
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx2
import numpy as np
import soxr

from ...core.audio import RATE_HZ, Samples, sample_count
from ..http.client import open_client
from ..http.errors import OPENING_ERRORS
from ..http.models import for_transcripts, listed
from ..timeouts import Timeouts
from ..whisper.languages import known_to
from .address import WhisperAddress
from .realtime_dialects import VLLM, RealtimeDialect, dialect_of, failure, is_empty_commit
from .socket_stream import SocketStt
from .utterance import TranscribeOptions
from .websocket import WebSockets, Wire

_TIMEOUTS = Timeouts()

_PATH = "/v1/realtime"

_COMMIT_AT_LEAST_S = 0.1
"""Less is refused (`input_audio_buffer_commit_empty`)."""

_OPENAI = "api.openai.com"
"""The host that refuses to be told a model in the query."""


class RealtimeStt(SocketStt):
    """Implements `ports.Stt`."""

    def __init__(self, address: WhisperAddress, *, model: str = "", timeouts: Timeouts = _TIMEOUTS) -> None:
        """`model`: empty takes, when warm, the server's first one that transcribes, else `whisper-1`.

        A query in the address replaces ours, which says the model and `intent=transcription`.
        """
        super().__init__(address, timeouts)
        self._is_chosen = bool(model) or address.host == _OPENAI
        self.sockets = WebSockets(address)
        self._use(model or "whisper-1")

    def new_protocol(self, options: TranscribeOptions) -> "RealtimeProtocol":
        return RealtimeProtocol(self, options)

    async def warm(self) -> None:
        if not self._is_chosen:
            self._use(await first_model(self.address, self.timeouts.connect) or self.model)
        await super().warm()

    @property
    def query(self) -> str:
        asked = {"intent": "transcription", **({} if self.address.host == _OPENAI else {"model": self.model})}
        return self.address.query or urlencode(asked)

    def _use(self, model: str) -> None:
        self.model, self.name, self.codes = model, f"realtime {model}", known_to(model)


async def first_model(address: WhisperAddress, seconds: float) -> str:
    """The first of `GET /v1/models` that by its name transcribes, else the first; empty where none is told.

    Nothing is raised: whether the server can be used at all shows when it is.
    """
    path = re.sub("/realtime$", "", address.path) or "/v1"
    place = replace(address, scheme={"ws": "http", "wss": "https"}[address.scheme], path=f"{path}/models")
    try:
        async with (
            asyncio.timeout(seconds),
            await asyncio.to_thread(_client, place, seconds) as client,
        ):
            answer = (await client.get(place.location)).raise_for_status()
    except (httpx2.HTTPError, *OPENING_ERRORS):
        return ""
    return next(iter(for_transcripts(listed(answer.content))), "")


def _client(address: WhisperAddress, seconds: float) -> httpx2.AsyncClient:
    """Reads certificates, and on first use its own modules."""
    return open_client(address.origin, seconds, headers=address.headers)


class AppendEncoder:
    """The sound of one utterance as events, at the rate that the server takes."""

    def __init__(self, rate_hz: int) -> None:
        self._least = sample_count(_COMMIT_AT_LEAST_S, rate_hz)
        is_same = rate_hz == RATE_HZ
        self._stream = None if is_same else soxr.ResampleStream(RATE_HZ, rate_hz, 1, dtype="int16")
        self._sent = 0

    def encode(self, samples: Samples, *, is_last: bool = False) -> Iterator[dict[str, object]]:
        sound: Samples = self._stream.resample_chunk(samples, last=is_last) if self._stream else samples
        if len(sound):
            self._sent += len(sound)
            audio = base64.b64encode(sound.astype("<i2", copy=False).tobytes()).decode()
            yield {"type": "input_audio_buffer.append", "audio": audio}

    def flush(self) -> Iterator[dict[str, object]]:
        """What the resampler still holds, and silence where it was less than can be committed."""
        yield from self.encode(np.zeros(0, np.int16), is_last=True)
        if self._sent < self._least:
            self._stream = None
            yield from self.encode(np.zeros(self._least - self._sent, np.int16))


class ItemTranscripts:
    """What is transcribed: one item, or several where the server cut the sound by itself."""

    def __init__(self) -> None:
        self.is_committed = self.is_acknowledged = False
        """That all the sound is there: said by us, and by the server."""
        self._texts: dict[str, str] = {}
        """The text of each item by its id, in order; vLLM has a single one without a name."""
        self._running: set[str] = set()

    @property
    def text(self) -> str:
        return " ".join(text for text in (item.strip() for item in self._texts.values()) if text)

    @property
    def is_done(self) -> bool:
        return self.is_acknowledged and not self._running

    def receive(self, event: Mapping[str, Any]) -> None:
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


class RealtimeProtocol:
    """Implements `SocketProtocol`."""

    def __init__(self, stt: RealtimeStt, options: TranscribeOptions) -> None:
        self._stt, self._options = stt, options
        self.streams: bool | None = None
        self.language = ""
        self._dialect: RealtimeDialect = VLLM
        self._encoder, self._items = AppendEncoder(VLLM.rate_hz), ItemTranscripts()
        self.is_spent = self.ended_early = False

    async def open(self, seconds: float) -> Wire:
        return await self._stt.sockets.open(self._stt.address.path or _PATH, self._stt.query, seconds)

    async def greet(self, wire: Wire) -> None:
        while (dialect := dialect_of(event := await wire.receive())) is None:
            _complain(event, self._stt.address)
        self._dialect, self.streams = dialect, dialect.streams
        self._begin()
        await wire.send(dialect.update(self._stt.model, self._options.language, self._options.prompt))
        if dialect is VLLM:
            await wire.send(_commit(dialect, is_final=False))

    async def send(self, wire: Wire, samples: Samples) -> None:
        for event in self._encoder.encode(samples):
            await wire.send(event)

    async def finish(self, wire: Wire) -> None:
        for event in self._encoder.flush():
            await wire.send(event)
        self._items.is_committed = True
        await wire.send(_commit(self._dialect, is_final=True))

    def receive(self, message: "dict[str, Any]", now: float) -> None:
        if self._items.is_committed and is_empty_commit(message):
            self._items.is_acknowledged = True
        else:
            _complain(message, self._stt.address)
            self._items.receive(message)
        self.ended_early = self._dialect is VLLM and self._items.is_done and not self._items.is_committed
        self.is_spent = self._items.is_committed and self._items.is_done

    @property
    def text(self) -> str:
        return self._items.text

    def settles_at(self, now: float) -> float:
        return now if self.is_spent else math.inf

    @property
    def is_usable(self) -> bool:
        return False

    def renew(self) -> bool:
        if self._dialect.repeats:
            self._begin()
        return self._dialect.repeats

    async def leave(self, wire: Wire) -> None:
        """It is enough to hang up."""

    def _begin(self) -> None:
        self.is_spent = self.ended_early = False
        self._encoder, self._items = AppendEncoder(self._dialect.rate_hz), ItemTranscripts()


def _commit(dialect: RealtimeDialect, *, is_final: bool) -> dict[str, object]:
    return {"type": "input_audio_buffer.commit", **({"final": is_final} if dialect is VLLM else {})}


def _complain(event: Mapping[str, Any], address: WhisperAddress) -> None:
    """Raises what the server says that went wrong."""
    if event.get("type") in ("error", "conversation.item.input_audio_transcription.failed"):
        raise failure(event, address)
