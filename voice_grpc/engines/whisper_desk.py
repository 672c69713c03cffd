"""What the utterances of one engine share: the server's address, their connections, and room for interims."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from ..core.errors import EngineError
from .patience import Patience
from .whisper_address import Address
from .whisper_line import Line
from .whisper_talk import Sound, Talk

_LOOKS = 2
"""Interims that a server works on at once, of all sessions, where each is a request of its own."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is said of an utterance before its sound."""

    language: str = ""
    """Whisper's code; empty: the server finds out."""
    prompt: str = ""


class Desk:
    def __init__(self, address: Address, patience: Patience, talk: Callable[[Ask], Talk]) -> None:
        """`talk`: of a fresh connection."""
        self.address, self.patience = address, patience
        self.finals = self.looks = 0
        """That the server works on now."""
        self._talk = talk
        self._lines: set[Line] = set()
        self._is_closed = False

    def line(self, ask: Ask, sound: Sound, begin: int = 0, patience: Patience | None = None) -> Line:
        """Raises `EngineError` once closed."""
        where = self.address.location
        if self._is_closed:
            raise EngineError("stt", f"the connections to {where} are closed", retryable=False)
        line = Line(self._talk(ask), sound, patience or self.patience, where, begin)
        self._lines.add(line)
        line.task.add_done_callback(lambda _: self._lines.discard(line))
        return line

    def has_room(self) -> bool:
        """For a request that may be left undone: no final ever waits for one."""
        return not self.finals and self.looks < _LOOKS

    async def close(self) -> None:
        self._is_closed = True
        for line in (lines := list(self._lines)):
            line.abort()
        if lines:
            await asyncio.wait([line.task for line in lines], timeout=1.0)
