"""WhisperLive (collabora/WhisperLive `whisper_live/server.py`, `backend/base.py`): a WebSocket an utterance.

    configuration ─▶   ◀─ SERVER_READY   float32 ─▶   ◀─ segments, again and again, the last one revisable

It transcribes what it has not settled over and over, as soon as that is 1.0 s, and transcribes nothing any
more once it is told that the sound is over. So the end of an utterance is not told: it is pushed out with
silence, and `WhisperLiveProtocol.settles_at` says when the text is that of all the sound.
"""

import asyncio
import math
import uuid
from typing import Any

import numpy as np

from ...core.audio import Samples, silence, to_float
from ...core.errors import EngineError, EngineQuota, EngineUnreachable
from ..timeouts import Timeouts
from ..whisper.languages import known_to
from .address import WhisperAddress
from .socket_stream import SocketStt
from .utterance import TranscribeOptions
from .websocket import WebSockets, Wire, shown

_PUSH_S = 1.1
"""Seconds of silence behind the speech: what is left of it is then more than the 1.0 s below which nothing
is done."""

_PUSH_FRAMES = 40

_FULL = "raise --max_clients of the WhisperLive server, or add another server"

_LAST_SEGMENTS = 10
"""How many segments each update repeats; those before are remembered here."""

_QUIET_S, _PAUSES = 0.6, 2.5
"""Without an update for so long, or for so many of the longest pauses between two of them, there will be
none: what is left is silence, of which a server with a detector says nothing."""

_TIMEOUTS = Timeouts()

_TRUST = 2
"""Utterances in a row of which a server that has worked before may say nothing at all: noise."""


class WhisperLiveStt(SocketStt):
    """Implements `ports.Stt`."""

    def __init__(self, address: WhisperAddress, *, model: str = "", timeouts: Timeouts = _TIMEOUTS) -> None:
        """`model`: as its client says it, such as `small`; a server with a model of its own ignores it."""
        super().__init__(address, timeouts)
        self.model = model or "small"
        self.name = f"whisperlive {self.model}"
        self.codes = known_to(self.model)
        self.sockets = WebSockets(address)
        self.trust = 0
        """Utterances of which it may say nothing, from now on: 0 until it has worked."""

    def new_protocol(self, options: TranscribeOptions) -> "WhisperLiveProtocol":
        return WhisperLiveProtocol(self, options)


class WhisperLiveProtocol:
    """Implements `SocketProtocol`."""

    streams: bool | None = True
    is_spent = ended_early = False

    def __init__(self, stt: WhisperLiveStt, options: TranscribeOptions) -> None:
        self._stt, self._options = stt, options
        self._uid = str(uuid.uuid4())
        self.language = ""
        self._completed: dict[str, str] = {}
        """Text of each completed segment by its start, in order."""
        self._tail = ""
        self._updated_at, self._pause = math.inf, 0.0
        """When the last update came, and the longest pause between two."""
        self._pushed_at, self._since = math.inf, 0
        """When the server had received all the sound and the silence, and its updates since then."""

    @property
    def text(self) -> str:
        return " ".join(text for text in (*self._completed.values(), self._tail) if text)

    async def open(self, seconds: float) -> Wire:
        address = self._stt.address
        return await self._stt.sockets.open(address.path, address.query, seconds)

    async def greet(self, wire: Wire) -> None:
        await wire.send(
            {
                "uid": self._uid,
                "language": self._options.language or None,
                "task": "transcribe",
                "model": self._stt.model,
                "use_vad": True,
                "send_last_n_segments": _LAST_SEGMENTS,
                **({"initial_prompt": self._options.prompt} if self._options.prompt else {}),
            }
        )
        while (message := await wire.receive()).get("message") != "SERVER_READY":
            self._complain(message)

    async def send(self, wire: Wire, samples: Samples) -> None:
        await wire.send(to_float(samples).astype("<f4").tobytes())

    async def finish(self, wire: Wire) -> None:
        self._pushed_at = math.inf
        for frame in np.array_split(silence(_PUSH_S), _PUSH_FRAMES):
            await self.send(wire, frame)
        await wire.settle()
        self._pushed_at, self._since = asyncio.get_running_loop().time(), 0

    def receive(self, message: "dict[str, Any]", now: float) -> None:
        self._complain(message)
        if message.get("uid", self._uid) != self._uid:
            return
        self.language = str(message.get("language") or self.language)
        if "segments" not in message:
            return
        tail = ""
        for segment in message["segments"]:
            text = str(segment["text"]).strip()
            if segment.get("completed"):
                self._completed[str(segment["start"])] = text
            else:
                tail = text
        self._tail = tail
        if self._updated_at < math.inf:
            self._pause = max(self._pause, now - self._updated_at)
        self._updated_at = now
        self._since += 1
        self._stt.trust = _TRUST

    def settles_at(self, now: float) -> float:
        """One pass over the sound follows the other, so the second update since all of it had arrived is
        of all of it. A tail that is not completed is passed over again and again: without another update
        the server is stuck. What is completed, and silence, is not passed over: it may well be quiet."""
        if self._pushed_at == math.inf:
            return math.inf
        if self._since > 1:
            return now
        if self._tail:
            return math.inf
        longest = min(self._stt.timeouts.between, self._stt.timeouts.first / 2)
        if self._updated_at < math.inf:
            quiet = min(longest, max(_QUIET_S, _PAUSES * self._pause))
            return max(self._pushed_at, self._updated_at) + quiet
        return self._pushed_at + longest if self.language or self._stt.trust else math.inf

    @property
    def is_usable(self) -> bool:
        """The server is slow, not stuck, and has passed over nearly all of the sound."""
        waited = asyncio.get_running_loop().time() - self._updated_at
        return self._since > 0 and waited <= _PAUSES * self._pause

    def renew(self) -> bool:
        return False

    async def leave(self, wire: Wire) -> None:
        """END_OF_AUDIO, as bytes: as a text the server stumbles over it."""
        if self._updated_at == math.inf and self._pushed_at < math.inf and not self.language:
            self._stt.trust = max(0, self._stt.trust - 1)
        await wire.send(b"END_OF_AUDIO")

    def _complain(self, message: "dict[str, Any]") -> None:
        where, address = self._stt.location, self._stt.address
        if message.get("message") == "DISCONNECT":
            raise EngineUnreachable("stt", f"{where} ended the connection: it lasted too long")
        match message.get("status"):
            case "WAIT":
                wait = f"{float(message.get('message') or 0.0):.1f} min"
                raise EngineQuota("stt", f"{where} is full: the next place is free in {wait}", advice=_FULL)
            case "ERROR":
                raise EngineError("stt", f"{where} failed: {shown(message.get('message'), address)}")
