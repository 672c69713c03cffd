"""Transcription over a realtime WebSocket: vLLM, speaches, OpenAI and what is made like them.

    ◀─ session.created   session.update ─▶   append … commit ─▶   ◀─ delta … done | completed

They differ in names (`whisper_dialects.py`), in the rate of the sound, and in when they begin: vLLM with a
first commit, the others once all was committed. Detection of turns at the far end is switched off; where a
server goes on with it, its pieces are put together here.
"""

import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..core.audio import Samples
from .patience import Patience
from .whisper_address import Address
from .whisper_buffer import Pieces, Voice
from .whisper_catalog import first_model
from .whisper_desk import Ask
from .whisper_dialects import VLLM, Dialect, dialect_of, failure, is_empty_commit
from .whisper_engine import SocketStt
from .whisper_socket import WebSockets, Wire
from .whisper_spoken import known_to

_PATIENCE = Patience()

_PATH = "/v1/realtime"

_OPENAI = "api.openai.com"
"""Refuses to be told a model in the query."""


class RealtimeStt(SocketStt):
    """Implements `ports.Stt`."""

    def __init__(self, address: Address, *, model: str = "", patience: Patience = _PATIENCE) -> None:
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
        self._dialect: Dialect = VLLM
        self._voice, self._pieces = Voice(VLLM.rate_hz), Pieces()
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
        self._voice, self._pieces = Voice(self._dialect.rate_hz), Pieces()


def _commit(dialect: Dialect, *, is_final: bool) -> dict[str, object]:
    return {"type": "input_audio_buffer.commit", **({"final": is_final} if dialect is VLLM else {})}


def _complain(event: Mapping[str, Any], address: Address) -> None:
    """Raises what the server says that went wrong."""
    if event.get("type") in ("error", "conversation.item.input_audio_transcription.failed"):
        raise failure(event, address)
