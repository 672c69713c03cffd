"""A Whisper server with a socket, whichever its protocol.

whisper_live, whisper_realtime, whisper_wyoming ─▶ SocketStt ─▶ SocketStream ─▶ Line
"""

from abc import ABC, abstractmethod
from dataclasses import replace

from ..ports import SttOptions
from .patience import Patience
from .whisper_address import Address
from .whisper_desk import Ask, Desk
from .whisper_languages import whisper_codes
from .whisper_spoken import iso_codes
from .whisper_talk import Sound, Talk
from .whisper_utterance import SocketStream

_LOADING_S = 30.0
"""That a server may take for its model when it is asked for the first time."""


class SocketStt(ABC):
    """Implements `ports.Stt` but for its protocol."""

    name: str
    codes: frozenset[str]
    """Whisper's codes of the languages that the server understands."""

    def __init__(self, address: Address, patience: Patience) -> None:
        self.address, self.patience = address, patience
        self._desk = Desk(address, patience, self.talk)

    @abstractmethod
    def talk(self, ask: Ask) -> Talk:
        """Of a fresh connection."""

    @property
    def location(self) -> str:
        return self.address.location

    @property
    def languages(self) -> frozenset[str]:
        return iso_codes(self.codes)

    async def warm(self) -> None:
        """Connect once and hear that the server is ready. Raises `EngineError`."""
        line = self._desk.line(Ask(), Sound(), patience=replace(self.patience, first=_LOADING_S))
        try:
            await line.ready(self.patience.connect + _LOADING_S)
        finally:
            await line.close()

    def open(self, options: SttOptions) -> SocketStream:
        """Raises `EngineError` when it understands none of the languages."""
        codes = whisper_codes(options.languages, self.codes)
        return SocketStream(self._desk, Ask(codes[0] if len(codes) == 1 else "", options.prompt))

    async def close(self) -> None:
        await self._desk.close()
